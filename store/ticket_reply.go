package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Message is a reply, or an internal note, which the ticket's client never sees.
type Message struct {
	ID         uuid.UUID // chosen by the form: the same form sent twice makes one message
	Form       uuid.UUID // that it was written in, whose draft it ends, also one that comes late
	Body       string    // Markdown
	Internal   bool
	Files      []Upload
	Kept       []uuid.UUID // files of the author's draft that go with it
	Then       Status      // the status that the ticket gets with a reply of staff; "" leaves it to AfterReply
	SeenStatus Status      // with Then: the status that the author saw
	Seen       int64       // the last position of the timeline that its author saw; 0: not asked, as of a client never

	held bool // it was kept as a draft of its own id
}

func (in *Message) check(role Role) error {
	in.Body = cleanText(in.Body)
	wrong := map[string]string{}
	switch {
	case in.Body == "" && len(in.Files)+len(in.Kept) == 0:
		wrong["body"] = "Write something first."
	case tooLong(in.Body, MaxText):
		wrong["body"] = "Use at most 50,000 characters; attach the rest as a file."
	}
	if len(in.Files)+len(in.Kept) > MaxFiles {
		wrong["files"] = "Attach at most 10 files to one message."
	}
	if len(wrong) > 0 {
		return &Invalid{Fields: wrong}
	}
	if (in.Internal || in.Then != "") && !role.Staff() {
		return ErrForbidden
	}
	return nil
}

// judge says which status the ticket has after the message, or why there can be none.
func (in *Message) judge(ticket Ticket, role Role) (Status, error) {
	if in.Internal {
		return ticket.Status, nil
	}
	if ticket.MergedInto != 0 {
		return "", invalid("body", "This ticket was merged into #%d. Write there.", ticket.MergedInto)
	}
	status, ok := ticket.Status.AfterReply(role)
	switch {
	case !ok:
		return "", invalid("body", "This ticket is %s; it takes no more replies.", ticket.Status.Label())
	case in.Then == "":
		return status, nil
	case !in.Then.Valid():
		return "", invalid("body", "There is no such status to send a reply with.")
	case ticket.Status == in.Then:
		return in.Then, nil
	case ticket.Status != in.SeenStatus:
		return "", &Conflict{fmt.Sprintf("The status was changed to %s meanwhile. Look again, then send.", ticket.Status.Label())}
	case !ticket.Status.MayBecome(in.Then, role):
		return "", invalid("body", "A ticket that is %s cannot become %s.", ticket.Status.Label(), in.Then.Label())
	}
	return in.Then, nil
}

// Reply adds a message to the ticket's timeline and moves the status as Then or AfterReply say; a note moves
// nothing. The author's draft of it is gone, everywhere. Wrong input is *Invalid (body, files), as is a reply to a
// ticket that is closed or cancelled; with Then, a status that somebody moved meanwhile is a *Conflict. Where
// others wrote on the ticket after what the author saw, the database refuses it: *Moved.
func (s *Store) Reply(ctx context.Context, actor Actor, number int64, in Message) (err error) {
	defer wrap(&err, "Reply(%d)", number)
	if err := in.check(actor.Role); err != nil {
		return err
	}
	again := false
	var dropped []Upload
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		again, dropped, err = reply(ctx, tx, actor, number, in)
		return err
	})
	if again {
		s.Discard(ctx, in.Files)
	}
	if err == nil {
		s.Discard(ctx, dropped)
	}
	return err
}

// reply is Reply inside a transaction, for input that was checked. again says that the message is there already;
// dropped are files of the draft that did not go with it.
func reply(ctx context.Context, tx pgx.Tx, actor Actor, number int64, in Message) (again bool, dropped []Upload, err error) {
	// Before the ticket, as whoever saves a draft does, whose row refers to it.
	if actor.Role.Staff() {
		if _, err := lockWriting(ctx, tx, actor, number); err != nil {
			return false, nil, err
		}
	}
	ticket, err := lockTicket(ctx, tx, number)
	if err != nil {
		return false, nil, err
	}
	status, err := in.judge(ticket, actor.Role)
	if err != nil {
		return false, nil, err
	}
	activityType, kind := "comment", ReplyDraft
	if in.Internal {
		activityType, kind = "internal_note", NoteDraft
	}
	said, who, err := mention(ctx, tx, actor, in.Body)
	if err != nil {
		return false, nil, err
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO ticket_activities (id, ticket_id, user_id, activity_type, content, is_internal, seen_position, metadata)
		VALUES ($1, $2, $3, $4, $5, $6, nullif($7, 0), jsonb_strip_nulls(jsonb_build_object('form', $8::uuid)))
		ON CONFLICT (id) DO NOTHING`,
		in.ID, ticket.ID, actor.UserID, activityType, said, in.Internal, in.Seen, nullable(in.Form))
	if err != nil {
		return false, nil, err
	}
	held := uuid.Nil
	if in.held {
		held = in.ID
	}
	if tag.RowsAffected() > 0 {
		if err := attach(ctx, tx, actor, ticket.ID, &in.ID, in.Files); err != nil {
			return false, nil, err
		}
		if err := takeFiles(ctx, tx, actor, ticket.ID, in.ID, in.Kept); err != nil {
			return false, nil, err
		}
		if err := recordMentions(ctx, tx, in.ID, who); err != nil {
			return false, nil, err
		}
	} else if !in.held {
		return true, nil, nil
	}
	dropped, err = useDraft(ctx, tx, actor, ticket.ID, kind, held)
	if err != nil || status == ticket.Status {
		return tag.RowsAffected() == 0, dropped, err
	}
	_, err = tx.Exec(ctx, `UPDATE tickets SET status = $2 WHERE id = $1`, ticket.ID, status)
	return false, dropped, err
}

// lockTicket holds the ticket for the rest of the transaction: two people may act on it at once. A ticket
// that the transaction's actor may not change is ErrNotFound, the same as one that does not exist.
func lockTicket(ctx context.Context, tx pgx.Tx, number int64) (ticket Ticket, err error) {
	batch := &pgx.Batch{}
	batch.Queue(`SELECT FROM tickets WHERE number = $1 FOR UPDATE`, number).Exec(func(held pgconn.CommandTag) error {
		if held.RowsAffected() == 0 {
			return ErrNotFound
		}
		return nil
	})
	// Read by a statement of its own: one that had to wait for the lock would have the ticket as it is now, beside the
	// people as they were when it began.
	batch.Queue(`SELECT`+ticketColumns+ticketFrom+` WHERE t.number = $1`, number).Query(func(rows pgx.Rows) error {
		ticket, err = one[Ticket](rows, nil)
		return err
	})
	err = tx.SendBatch(ctx, batch).Close()
	return ticket, err
}
