package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// MaxDraft bounds a draft, in characters. It is more than a message may have: what is too long is kept, too, until
// it has been made shorter.
const MaxDraft = 200_000

// DraftKind is what a draft becomes.
type DraftKind string

// The kinds, as drafts.kind has them.
const (
	ReplyDraft DraftKind = "reply"
	NoteDraft  DraftKind = "note"
)

// Valid says whether k is one of the kinds.
func (k DraftKind) Valid() bool { return k == ReplyDraft || k == NoteDraft }

// Draft is what somebody is writing, or a reply of theirs that is on its way and can be taken back.
type Draft struct {
	ID         uuid.UUID
	Kind       DraftKind
	Content    string
	ThenStatus Status     // the status that goes with the reply, or ""
	SendAt     *time.Time // nil while it is being written
	Refused    string     // why it was not sent, in words
	UpdatedAt  time.Time
	Left       time.Duration `db:"left_"` // until it is sent
	Files      []DraftFile   `db:"-"`
}

// DraftFile is a file that goes with a draft.
type DraftFile struct {
	ID          uuid.UUID
	DraftID     uuid.UUID
	FileName    string
	ContentType string
	Size        int64
	StorageKey  string
}

// Sender is a colleague whose reply to a ticket is on its way.
type Sender struct {
	ID       uuid.UUID // the reply's
	UserID   uuid.UUID
	FullName string
}

// Writing is what is being written on a ticket, as its actor may know it.
type Writing struct {
	Drafts  map[DraftKind]Draft // the actor's own
	Held    []Draft             // the actor's own replies that are on their way, the first to be sent first
	Others  []Sender            // colleagues who are sending a reply just now
	Version int64               // see ListVersion
}

// Writing returns what is being written on the ticket. A ticket that the actor may not see is ErrNotFound.
func (s *Store) Writing(ctx context.Context, actor Actor, number int64) (w Writing, err error) {
	defer wrap(&err, "Writing(%d)", number)
	if !actor.Role.Staff() {
		return Writing{}, ErrForbidden
	}
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if w.Version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		ticket, err := one[struct{ ID uuid.UUID }](tx.Query(ctx, `SELECT id FROM tickets WHERE number = $1`, number))
		if err != nil {
			return err
		}
		drafts, err := findDrafts(ctx, tx, actor, ticket.ID)
		if err != nil {
			return err
		}
		w.Drafts = map[DraftKind]Draft{}
		for _, d := range drafts {
			if d.SendAt == nil {
				w.Drafts[d.Kind] = d
			} else {
				w.Held = append(w.Held, d)
			}
		}
		senders, err := all[Sender](tx.Query(ctx, `SELECT id, user_id, full_name FROM tickets.being_sent($1)`, ticket.ID))
		for _, sender := range senders {
			if sender.UserID != actor.UserID {
				w.Others = append(w.Others, sender)
			}
		}
		return err
	})
	return w, err
}

func findDrafts(ctx context.Context, tx pgx.Tx, actor Actor, ticket uuid.UUID) ([]Draft, error) {
	drafts, err := all[Draft](tx.Query(ctx, `
		SELECT
			id,
			kind,
			content,
			then_status,
			send_at,
			refused,
			updated_at,
			coalesce(send_at - clock_timestamp(), '0') AS left_
		FROM drafts WHERE user_id = $1 AND ticket_id = $2 ORDER BY send_at, id`, actor.UserID, ticket))
	if err != nil || len(drafts) == 0 {
		return nil, err
	}
	var ids []uuid.UUID
	for _, d := range drafts {
		ids = append(ids, d.ID)
	}
	files, err := findDraftFiles(ctx, tx, ids...)
	for _, file := range files {
		for i := range drafts {
			if drafts[i].ID == file.DraftID {
				drafts[i].Files = append(drafts[i].Files, file)
			}
		}
	}
	return drafts, err
}

func findDraftFiles(ctx context.Context, tx pgx.Tx, drafts ...uuid.UUID) ([]DraftFile, error) {
	return all[DraftFile](tx.Query(ctx, `
		SELECT id, draft_id, file_name, content_type, size, storage_key
		FROM draft_files WHERE draft_id = ANY($1) ORDER BY created_at, id`, drafts))
}

// SaveDraft keeps what the actor is writing, for every device of theirs; nothing written, and no file, is no draft. It
// returns the version after which Writing holds it. form is the id of the form that it stands in: what was sent with it
// meanwhile is no draft any more, however late this comes.
func (s *Store) SaveDraft(ctx context.Context, actor Actor, number int64, kind DraftKind, form uuid.UUID, content string, then Status) (version int64, err error) {
	defer wrap(&err, "SaveDraft(%d)", number)
	if !kind.Valid() || then != "" && !then.Valid() {
		return 0, ErrNotFound
	}
	content = cleanDraft(content)
	if tooLong(content, MaxDraft) {
		return 0, invalid("body", "This is too long to be kept. Attach it as a file.")
	}
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockWriting(ctx, tx, actor, number)
		if err != nil {
			return err
		}
		if content == "" {
			tag, err := tx.Exec(ctx, `
				DELETE FROM drafts d WHERE d.user_id = $1 AND d.ticket_id = $2 AND d.kind = $3 AND d.send_at IS NULL
				  AND NOT EXISTS (SELECT FROM draft_files f WHERE f.draft_id = d.id)`, actor.UserID, ticket, kind)
			if err != nil || tag.RowsAffected() > 0 {
				return err
			}
			_, err = tx.Exec(ctx, `
				UPDATE drafts SET content = '', refused = '', updated_at = clock_timestamp()
				WHERE user_id = $1 AND ticket_id = $2 AND kind = $3 AND send_at IS NULL AND (content, refused) <> ('', '')`,
				actor.UserID, ticket, kind)
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO drafts AS d (user_id, ticket_id, kind, content, then_status)
			SELECT $1, $2, $3, $4, $5
			WHERE NOT EXISTS (SELECT FROM ticket_activities WHERE ticket_id = $2 AND user_id = $1 AND metadata ->> 'form' = $6::text
			    AND created_at > now() - interval '1 minute') -- a page that the browser kept has the form again
			  AND NOT EXISTS (SELECT FROM drafts WHERE user_id = $1 AND ticket_id = $2 AND form_id::text = $6::text AND send_at IS NOT NULL)
			ON CONFLICT (user_id, ticket_id, kind) WHERE send_at IS NULL DO UPDATE
			SET content = EXCLUDED.content, then_status = EXCLUDED.then_status, refused = '', updated_at = clock_timestamp()
			WHERE (d.content, d.then_status, d.refused) IS DISTINCT FROM (EXCLUDED.content, EXCLUDED.then_status, '')`,
			actor.UserID, ticket, kind, content, then, form)
		return err
	})
	if err != nil {
		return 0, err
	}
	return s.ListVersion(ctx, actor)
}

// cleanDraft is cleanText, but leaves the blank around, in which somebody may be about to write on.
func cleanDraft(text string) string {
	if cleanText(text) == "" {
		return ""
	}
	end := cleanText("x" + text + "x")
	return end[1 : len(end)-1]
}

// lockWriting keeps the actor's other devices, and what sends their replies, from changing their drafts on the
// ticket until the transaction ends: a draft that comes back and one that is saved would be two.
func lockWriting(ctx context.Context, tx pgx.Tx, actor Actor, number int64) (ticket uuid.UUID, err error) {
	found, err := one[struct{ ID uuid.UUID }](tx.Query(ctx, `SELECT id FROM tickets WHERE number = $1`, number))
	if err != nil {
		return uuid.Nil, err
	}
	_, err = tx.Exec(ctx, `SELECT pg_advisory_xact_lock(`+draftsLock+`)`, actor.UserID, found.ID)
	return found.ID, err
}

// draftsLock is the key of a person's drafts on a ticket: $1 and $2.
const draftsLock = `hashtextextended('autocrm.drafts' || $1::text || $2::text, 0)`

// DiscardDraft throws away what the actor is writing, with its files.
func (s *Store) DiscardDraft(ctx context.Context, actor Actor, number int64, kind DraftKind) (err error) {
	defer wrap(&err, "DiscardDraft(%d)", number)
	var dropped []Upload
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockWriting(ctx, tx, actor, number)
		if err != nil {
			return err
		}
		dropped, err = useDraft(ctx, tx, actor, ticket, kind, uuid.Nil)
		return err
	})
	if err == nil {
		s.Discard(ctx, dropped)
	}
	return err
}

// useDraft deletes the draft that became a message: the one being written or, where held is its id, the one on its
// way. It returns the files that went with it and were not taken, for Discard.
func useDraft(ctx context.Context, tx pgx.Tx, actor Actor, ticket uuid.UUID, kind DraftKind, held uuid.UUID) (dropped []Upload, err error) {
	if !actor.Role.Staff() {
		return nil, nil
	}
	where := `user_id = $1 AND ticket_id = $2 AND kind = $3 AND ($4::uuid = '00000000-0000-0000-0000-000000000000' AND send_at IS NULL OR id = $4)`
	args := []any{actor.UserID, ticket, kind, held}
	rows, err := tx.Query(ctx, `SELECT storage_key FROM draft_files WHERE draft_id IN (SELECT id FROM drafts WHERE `+where+`)`, args...)
	if err != nil {
		return nil, err
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		dropped = append(dropped, Upload{StorageKey: key})
	}
	_, err = tx.Exec(ctx, `DELETE FROM drafts WHERE `+where, args...)
	return dropped, err
}

// takeFiles makes files of the actor's draft on the ticket attachments of a message.
func takeFiles(ctx context.Context, tx pgx.Tx, actor Actor, ticket, activity uuid.UUID, kept []uuid.UUID) error {
	if len(kept) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO attachments (ticket_id, activity_id, uploader_id, file_name, content_type, size, sha256, storage_key)
		SELECT $1, $2, $3, f.file_name, f.content_type, f.size, f.sha256, f.storage_key
		FROM draft_files f JOIN drafts d ON d.id = f.draft_id
		WHERE f.id = ANY($4) AND d.user_id = $3 AND d.ticket_id = $1
		ORDER BY f.created_at, f.id`, ticket, activity, actor.UserID, kept)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM draft_files f USING drafts d WHERE d.id = f.draft_id AND f.id = ANY($3) AND d.user_id = $1 AND d.ticket_id = $2`,
		actor.UserID, ticket, kept)
	return err
}
