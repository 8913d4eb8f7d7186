package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// HoldTime is how long a reply can be taken back before it is sent.
const HoldTime = 10 * time.Second

// giveUp is how long sending a reply may fail for other reasons than a rule before its author gets it back.
const giveUp = time.Minute

// Hold is Reply for a reply that can be taken back: it is kept, and sent after HoldTime in its author's name by
// whichever node sees it first, wherever the author is by then. What can be refused already is, as Reply does.
func (s *Store) Hold(ctx context.Context, actor Actor, number int64, in Message) (err error) {
	defer wrap(&err, "Hold(%d)", number)
	if err := in.check(actor.Role); err != nil {
		return err
	}
	if !actor.Role.Staff() || in.Internal {
		return ErrForbidden
	}
	again := false
	var dropped []Upload
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		if _, err := lockWriting(ctx, tx, actor, number); err != nil {
			return err
		}
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		if _, err := in.judge(ticket, actor.Role); err != nil {
			return err
		}
		if err := unseen(ctx, tx, actor, ticket.ID, in.Seen); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO drafts (id, user_id, ticket_id, kind, content, then_status, seen_status, seen_position, form_id, send_at)
			SELECT @id, @user, @ticket, 'reply', @content, @then, @status, @seen, @form, clock_timestamp() + @hold::interval
			WHERE NOT EXISTS (SELECT FROM ticket_activities WHERE id = @id)
			ON CONFLICT (id) DO NOTHING`,
			pgx.StrictNamedArgs{"id": in.ID, "user": actor.UserID, "ticket": ticket.ID, "content": in.Body, "then": in.Then,
				"status": in.SeenStatus, "seen": in.Seen, "form": nullable(in.Form), "hold": HoldTime})
		if err != nil {
			return err
		}
		if again = tag.RowsAffected() == 0; again {
			return nil
		}
		batch := &pgx.Batch{}
		for _, up := range in.Files {
			batch.Queue(`
				INSERT INTO draft_files (draft_id, user_id, file_name, content_type, size, sha256, storage_key)
				VALUES ($1, $2, $3, $4, $5, $6, $7)`, in.ID, actor.UserID, up.FileName, up.ContentType, up.Size, up.SHA256, up.StorageKey)
		}
		batch.Queue(`
			UPDATE draft_files SET draft_id = $1
			WHERE id = ANY($2) AND draft_id IN (SELECT id FROM drafts WHERE user_id = $3 AND ticket_id = $4)`,
			in.ID, in.Kept, actor.UserID, ticket.ID)
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		dropped, err = useDraft(ctx, tx, actor, ticket.ID, ReplyDraft, uuid.Nil)
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

// unseen is the rule that the database has for messages, asked before there is one.
func unseen(ctx context.Context, tx pgx.Tx, actor Actor, ticket uuid.UUID, seen int64) error {
	var moved bool
	err := tx.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM ticket_activities
			WHERE ticket_id = $1 AND $2 <> 0 AND position > $2 AND activity_type IN ('comment', 'internal_note') AND user_id IS DISTINCT FROM $3)`,
		ticket, seen, actor.UserID).Scan(&moved)
	if err == nil && moved {
		return &Moved{}
	}
	return err
}

// Withdraw takes a reply back that is on its way: it is the actor's draft again, before what they have written
// since. One that is sent already is a *Conflict.
func (s *Store) Withdraw(ctx context.Context, actor Actor, number int64, id uuid.UUID) (err error) {
	defer wrap(&err, "Withdraw(%d)", number)
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockWriting(ctx, tx, actor, number)
		if err != nil {
			return err
		}
		// Waits where it is being sent just now, and then finds nothing.
		held, err := one[heldReply](tx.Query(ctx, heldColumns+` WHERE d.id = $1 AND d.user_id = $2 AND d.ticket_id = $3 AND d.send_at IS NOT NULL FOR UPDATE OF d`,
			id, actor.UserID, ticket))
		if errors.Is(err, ErrNotFound) {
			return &Conflict{"Too late to undo: your reply is sent, or was taken back already."}
		}
		if err != nil {
			return err
		}
		return held.putBack(ctx, tx, "")
	})
}

// heldReply is a reply on its way, as what sends it needs it.
type heldReply struct {
	ID           uuid.UUID
	UserID       uuid.UUID
	TicketID     uuid.UUID
	Number       int64
	Content      string
	ThenStatus   Status
	SeenStatus   Status
	SeenPosition int64
	FormID       *uuid.UUID
	Late         time.Duration
}

const heldColumns = `
	SELECT
		d.id,
		d.user_id,
		d.ticket_id,
		t.number,
		d.content,
		d.then_status,
		d.seen_status,
		d.seen_position,
		d.form_id,
		clock_timestamp() - d.send_at AS late
	FROM drafts d JOIN tickets t ON t.id = d.ticket_id`

// putBack makes it a draft again. Where its author has begun another one, it stands before that.
func (h heldReply) putBack(ctx context.Context, tx pgx.Tx, refused string) error {
	writing, err := one[struct {
		ID      uuid.UUID
		Content string
	}](tx.Query(ctx, `SELECT id, content FROM drafts WHERE user_id = $1 AND ticket_id = $2 AND kind = 'reply' AND send_at IS NULL`, h.UserID, h.TicketID))
	if errors.Is(err, ErrNotFound) {
		_, err = tx.Exec(ctx, `UPDATE drafts SET send_at = NULL, refused = $2, updated_at = clock_timestamp() WHERE id = $1`, h.ID, refused)
		return err
	}
	if err != nil {
		return err
	}
	content := h.Content
	if content != "" && writing.Content != "" {
		content += "\n\n"
	}
	content += writing.Content
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE draft_files SET draft_id = $2 WHERE draft_id = $1`, h.ID, writing.ID)
	batch.Queue(`
		UPDATE drafts SET content = left($2, 1000000), then_status = $3, refused = $4, updated_at = clock_timestamp()
		WHERE id = $1`, writing.ID, content, h.ThenStatus, refused)
	batch.Queue(`DELETE FROM drafts WHERE id = $1`, h.ID)
	return tx.SendBatch(ctx, batch).Close()
}

// sendHeld sends the replies whose time has come, each in a transaction of its own. One that fails does not hold
// up the others.
func (u *Upkeep) sendHeld(ctx context.Context) error {
	var failed []error
	skip := []uuid.UUID{}
	for {
		id, err := u.sendOne(ctx, skip)
		if err != nil && !errors.Is(err, errWriting) {
			failed = append(failed, err)
		}
		if id == uuid.Nil {
			return errors.Join(failed...)
		}
		if err != nil {
			skip = append(skip, id)
		}
	}
}

// errWriting: the author's drafts of the ticket are being changed just now. The next look finds what became of them.
var errWriting = errors.New("its author's drafts are being changed")

// sendOne sends one reply as its author, under their row-level security: what they may not do any more is not done.
// A reply that is refused becomes a draft again, with the reason.
func (u *Upkeep) sendOne(ctx context.Context, skip []uuid.UUID) (id uuid.UUID, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	tx, err := u.pool.Begin(ctx)
	if err != nil {
		return uuid.Nil, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // the error that matters is below
	held, err := one[heldReply](tx.Query(ctx, heldColumns+`
		WHERE d.send_at <= now() AND d.id <> ALL($1)
		ORDER BY d.send_at LIMIT 1 FOR UPDATE OF d SKIP LOCKED`, skip))
	if errors.Is(err, ErrNotFound) {
		return uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, err
	}
	defer wrap(&err, "send the reply %s", held.ID)
	// Not waited for: whoever takes the reply back has that lock, and waits for this row.
	var free bool
	if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(`+draftsLock+`)`, held.UserID, held.TicketID).Scan(&free); err != nil {
		return held.ID, err
	}
	if !free {
		return held.ID, errWriting
	}
	sending, err := tx.Begin(ctx) // what a refusal rolls back
	if err != nil {
		return held.ID, err
	}
	refused := ""
	if err := held.send(ctx, sending); err != nil {
		if err := sending.Rollback(ctx); err != nil {
			return held.ID, err
		}
		if refused = refusal(translate(err)); refused == "" {
			if held.Late < giveUp {
				return held.ID, err
			}
			refused = "It could not be sent."
		}
	} else if err := sending.Commit(ctx); err != nil {
		return held.ID, err
	}
	if refused != "" {
		if err := held.putBack(ctx, tx, refused); err != nil {
			return held.ID, err
		}
	}
	return held.ID, tx.Commit(ctx)
}

// send makes the held reply a message of its author's.
func (h heldReply) send(ctx context.Context, tx pgx.Tx) error {
	author, err := authorOf(ctx, tx, h.UserID)
	if err != nil {
		return err
	}
	files, err := findDraftFiles(ctx, tx, h.ID)
	if err != nil {
		return err
	}
	in := Message{ID: h.ID, Body: h.Content, Then: h.ThenStatus, SeenStatus: h.SeenStatus, Seen: h.SeenPosition, held: true}
	if h.FormID != nil {
		in.Form = *h.FormID
	}
	for _, file := range files {
		in.Kept = append(in.Kept, file.ID)
	}
	if err := in.check(author.Role); err != nil {
		return err
	}
	_, _, err = reply(ctx, tx, author, h.Number, in)
	return err
}

// authorOf makes the rest of the transaction a person's, with the rights that they have now.
func authorOf(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Actor, error) {
	if _, err := tx.Exec(ctx, `SET LOCAL ROLE autocrm_auth`); err != nil {
		return Actor{}, err
	}
	var (
		author = Actor{UserID: id}
		claims struct {
			Role Role `json:"user_role"`
		}
	)
	err := tx.QueryRow(ctx, `
		SELECT full_name, email, public.custom_access_token_hook(jsonb_build_object('user_id', id, 'claims', jsonb_build_object(
			'sub', id, 'aud', 'authenticated', 'role', 'authenticated', 'email', email))) -> 'claims'
		FROM users WHERE id = $1 AND active`, id).Scan(&author.Name, &author.Email, &author.Claims)
	if errors.Is(err, pgx.ErrNoRows) {
		return Actor{}, ErrForbidden
	}
	if err != nil {
		return Actor{}, err
	}
	if err := json.Unmarshal(author.Claims, &claims); err != nil {
		return Actor{}, fmt.Errorf("claims: %w", err)
	}
	author.Role = claims.Role
	if !author.Role.Staff() {
		return Actor{}, ErrForbidden
	}
	_, err = tx.Exec(ctx, `SELECT set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)`, string(author.Claims))
	return author, err
}

// refusal is why a reply cannot be sent, in words; "" where that may pass.
func refusal(err error) string {
	var (
		wrong    *Invalid
		conflict *Conflict
		moved    *Moved
	)
	switch {
	case errors.As(err, &moved):
		return "Somebody else wrote on this ticket meanwhile. Read it, then send again."
	case errors.As(err, &conflict):
		return conflict.Message
	case errors.As(err, &wrong):
		for _, words := range wrong.Fields {
			return words
		}
	case errors.Is(err, ErrForbidden):
		return "You may not answer this ticket any more."
	case errors.Is(err, ErrNotFound):
		return "This ticket is no longer there."
	}
	return ""
}
