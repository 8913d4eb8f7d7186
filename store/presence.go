package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// presenceLife is how long somebody is there after the last sign of life: three of a page's, which come every four
// seconds. A browser that crashed says no goodbye.
const presenceLife = 15 * time.Second

// Presence is that somebody of the staff has a ticket before them, on however many pages.
type Presence struct {
	TicketNumber int64
	UserID       uuid.UUID
	FullName     string
	Email        string
	Writing      bool // an answer or a note, on one of them
}

// PresenceTopic names the topic of who is at one ticket; that of all tickets together is "presences".
func PresenceTopic(number int64) string { return fmt.Sprintf("presence-%d", number) }

// Attend says that a page of the actor's shows the ticket, and whether something is being written on it. page is a
// name that the page made for itself, of at most 64 bytes. It is to be said again every few seconds; said again
// without a change it makes no event, and most times not even a write. A ticket that is not there is ErrNotFound.
func (s *Store) Attend(ctx context.Context, actor Actor, number int64, page string, writing bool) (err error) {
	defer wrap(&err, "Attend(%d)", number)
	if !actor.Role.Staff() {
		return ErrForbidden
	}
	if page == "" || len(page) > 64 {
		return invalid("page", "A page has a name of at most 64 letters.")
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		var there bool
		err := tx.QueryRow(ctx, `
			WITH ticket AS (SELECT number FROM tickets WHERE number = @number),
			said AS (
				INSERT INTO presences AS p (ticket_number, user_id, page, session_id, writing, expires_at)
				SELECT number, @user, @page, @session, @writing, clock_timestamp() + @life
				FROM ticket
				WHERE EXISTS (SELECT FROM sessions WHERE id = @session AND revoked_at IS NULL) -- it may have ended just now
				AND NOT EXISTS (
					SELECT FROM presences
					WHERE ticket_number = @number AND user_id = @user AND page = @page
						AND session_id = @session AND writing = @writing AND expires_at > clock_timestamp() + @life::interval / 2)
				ON CONFLICT (ticket_number, user_id, page) DO UPDATE
				SET session_id = excluded.session_id, writing = excluded.writing, expires_at = excluded.expires_at)
			SELECT EXISTS (SELECT FROM ticket)`,
			pgx.StrictNamedArgs{"number": number, "user": actor.UserID, "page": page, "session": actor.SessionID,
				"writing": writing, "life": presenceLife}).Scan(&there)
		if err == nil && !there {
			return ErrNotFound
		}
		return err
	})
}

// Leave takes back what Attend said of the page.
func (s *Store) Leave(ctx context.Context, actor Actor, number int64, page string) (err error) {
	defer wrap(&err, "Leave(%d)", number)
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM presences WHERE ticket_number = $1 AND user_id = $2 AND page = $3`, number, actor.UserID, page)
		return err
	})
}

// Presences lists who of the staff is at the ticket, those who write first; at all tickets where number is 0. The
// actor is among them. version is that of their topics. A client sees nobody.
func (s *Store) Presences(ctx context.Context, actor Actor, number int64) (present []Presence, version int64, err error) {
	defer wrap(&err, "Presences(%d)", number)
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		present, err = all[Presence](tx.Query(ctx, `
			SELECT
				p.ticket_number,
				p.user_id,
				u.full_name,
				u.email,
				bool_or(p.writing) AS writing
			FROM presences p
			JOIN users u ON u.id = p.user_id
			WHERE ($1 = 0 OR p.ticket_number = $1) AND p.expires_at > clock_timestamp()
			GROUP BY p.ticket_number, p.user_id, u.full_name, u.email
			ORDER BY p.ticket_number, writing DESC, u.full_name, p.user_id
			LIMIT 1000`, number))
		return err
	})
	return present, version, err
}

// AudiencePresences is Presences of all tickets for the audience.
func (s *Store) AudiencePresences(ctx context.Context, audience Audience) ([]Presence, int64, error) {
	return s.Presences(ctx, audience.asker, 0)
}

// ForgetPresences removes whose last sign of life is too long ago. One node at a time does it, so that none waits
// for another's rows.
func (u *Upkeep) ForgetPresences(ctx context.Context) (err error) {
	defer wrap(&err, "ForgetPresences")
	_, err = u.pool.Exec(ctx, `
		DELETE FROM presences WHERE expires_at <= clock_timestamp() AND pg_try_advisory_xact_lock(hashtext('autocrm.presences.expiry'))`)
	return err
}
