package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Message is a reply, or an internal note, which the ticket's client never sees.
type Message struct {
	ID       uuid.UUID // chosen by the form: the same form sent twice makes one message
	Body     string    // Markdown
	Internal bool
	Files    []Upload
	Seen     int64 // the last position of the timeline that its author saw; 0: not asked, as of a client never
}

func (in *Message) check(role Role) error {
	in.Body = cleanText(in.Body)
	wrong := map[string]string{}
	switch {
	case in.Body == "" && len(in.Files) == 0:
		wrong["body"] = "Write something first."
	case tooLong(in.Body, MaxText):
		wrong["body"] = "Use at most 50,000 characters; attach the rest as a file."
	}
	if len(in.Files) > MaxFiles {
		wrong["files"] = "Attach at most 10 files to one message."
	}
	if len(wrong) > 0 {
		return &Invalid{Fields: wrong}
	}
	if in.Internal && !role.Staff() {
		return ErrForbidden
	}
	return nil
}

// Reply adds a message to the ticket's timeline and moves the status as AfterReply says; a note moves
// nothing. Wrong input is *Invalid (body, files), as is a reply to a ticket that is closed or cancelled. Where others
// wrote on the ticket after what the author saw, the database refuses it: *Moved.
func (s *Store) Reply(ctx context.Context, actor Actor, number int64, in Message) (err error) {
	defer wrap(&err, "Reply(%d)", number)
	if err := in.check(actor.Role); err != nil {
		return err
	}
	again := false
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		activityType, status := "internal_note", ticket.Status
		if !in.Internal {
			var ok bool
			if status, ok = ticket.Status.AfterReply(actor.Role); !ok {
				return invalid("body", "%s", ticket.Status.takesNoReply())
			}
			activityType = "comment"
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO ticket_activities (id, ticket_id, user_id, activity_type, content, is_internal, seen_position)
			VALUES ($1, $2, $3, $4, $5, $6, nullif($7, 0))
			ON CONFLICT (id) DO NOTHING`,
			in.ID, ticket.ID, actor.UserID, activityType, in.Body, in.Internal, in.Seen)
		if err != nil {
			return err
		}
		if again = tag.RowsAffected() == 0; again {
			return nil
		}
		if err := attach(ctx, tx, actor, ticket.ID, &in.ID, in.Files); err != nil {
			return err
		}
		if status == ticket.Status {
			return nil
		}
		_, err = tx.Exec(ctx, `UPDATE tickets SET status = $2 WHERE id = $1`, ticket.ID, status)
		return err
	})
	if again {
		s.Discard(ctx, in.Files)
	}
	return err
}

// lockTicket holds the ticket for the rest of the transaction: two people may act on it at once. A ticket
// that the transaction's actor may not change is ErrNotFound, the same as one that does not exist.
func lockTicket(ctx context.Context, tx pgx.Tx, number int64) (Ticket, error) {
	return one[Ticket](tx.Query(ctx, `SELECT`+ticketColumns+ticketFrom+` WHERE t.number = $1 FOR UPDATE OF t`, number))
}
