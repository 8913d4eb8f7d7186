package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Follow makes the actor be told what happens on the ticket, Unfollow ends that. Either may be done twice. Only staff
// may: for a client it is ErrForbidden.
func (s *Store) Follow(ctx context.Context, actor Actor, number int64) (err error) {
	defer wrap(&err, "Follow(%d)", number)
	return s.following(ctx, actor, number, `
		INSERT INTO ticket_followers (ticket_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`)
}

// Unfollow ends what Follow or Forward began.
func (s *Store) Unfollow(ctx context.Context, actor Actor, number int64) (err error) {
	defer wrap(&err, "Unfollow(%d)", number)
	return s.following(ctx, actor, number, `DELETE FROM ticket_followers WHERE ticket_id = $1 AND user_id = $2`)
}

func (s *Store) following(ctx context.Context, actor Actor, number int64, sql string) error {
	if !actor.Role.Staff() {
		return ErrForbidden
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, sql, ticket.ID, actor.UserID)
		return err
	})
}

// Follower is somebody who is told what happens on a ticket.
type Follower struct {
	ID       uuid.UUID
	FullName string
}

// Desk is what staff see beside a ticket and its client does not.
type Desk struct {
	Followers []Follower
	Minutes   int // spent by all together
	Links     []TicketLink
	LinksAt   int64    // the version of LinksTopic
	TagNames  []string // of all tags there are, for completion: at most 200
	// The client's other tickets, the newest first: what a merge is most often about. At most 12.
	Others []TicketLink
}

// Desk reads it; for a client it is empty.
func (s *Store) Desk(ctx context.Context, actor Actor, ticket Ticket) (desk Desk, err error) {
	defer wrap(&err, "Desk(%d)", ticket.Number)
	if !actor.Role.Staff() {
		return desk, nil
	}
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if desk.LinksAt, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		batch := &pgx.Batch{}
		batch.Queue(`
			SELECT u.id, u.full_name FROM ticket_followers f JOIN users u ON u.id = f.user_id
			WHERE f.ticket_id = $1 ORDER BY f.since`, ticket.ID).Query(func(rows pgx.Rows) (err error) {
			desk.Followers, err = all[Follower](rows, nil)
			return err
		})
		batch.Queue(`SELECT coalesce(sum(minutes), 0)::int FROM time_entries WHERE ticket_id = $1`, ticket.ID).
			QueryRow(func(row pgx.Row) error { return row.Scan(&desk.Minutes) })
		batch.Queue(linksOf, ticket.Number).Query(func(rows pgx.Rows) (err error) {
			desk.Links, err = all[TicketLink](rows, nil)
			return err
		})
		batch.Queue(`SELECT name FROM tags ORDER BY name LIMIT 200`).Query(func(rows pgx.Rows) (err error) {
			desk.TagNames, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		batch.Queue(`
			SELECT t.id, '' AS kind, false AS outward, t.number, t.subject, t.status FROM tickets t
			WHERE t.client_id = $1 AND t.id <> $2 AND t.merged_into IS NULL
			ORDER BY t.client_updated_at DESC, t.number DESC LIMIT 12`, ticket.ClientID, ticket.ID).Query(func(rows pgx.Rows) (err error) {
			desk.Others, err = all[TicketLink](rows, nil)
			return err
		})
		return tx.SendBatch(ctx, batch).Close()
	})
	return desk, err
}
