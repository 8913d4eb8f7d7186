package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// SnoozeUntilAnswer is the time until which a ticket sleeps that only its client's answer, or a hand, wakes.
var SnoozeUntilAnswer = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// maxSnooze bounds how long a ticket may sleep by the clock.
const maxSnooze = 366 * 24 * time.Hour

// Snooze puts the ticket out of the queues until a time, or SnoozeUntilAnswer; its client's next message wakes it in
// any case. A time that is past or more than a year away is *Invalid (until), as is a ticket that is finished. Only
// staff may: for a client it is ErrForbidden.
func (s *Store) Snooze(ctx context.Context, actor Actor, number int64, until time.Time) (err error) {
	defer wrap(&err, "Snooze(%d)", number)
	if !actor.Role.Staff() {
		return ErrForbidden
	}
	switch now := time.Now(); {
	case until.Equal(SnoozeUntilAnswer):
	case !until.After(now):
		return invalid("until", "Choose a time that is still to come.")
	case until.After(now.Add(maxSnooze)):
		return invalid("until", "Choose a time within a year.")
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		if !ticket.Status.Active() {
			return invalid("until", "This ticket is %s; nobody waits for it.", ticket.Status.Label())
		}
		if ticket.SnoozedUntil != nil && ticket.SnoozedUntil.Equal(until) {
			return nil
		}
		if _, err := tx.Exec(ctx, `UPDATE tickets SET snoozed_until = $2 WHERE id = $1`, ticket.ID, until); err != nil {
			return err
		}
		if until.Equal(SnoozeUntilAnswer) {
			return record(ctx, tx, actor, ticket.ID, "snooze", Details{UntilAnswer: true})
		}
		return record(ctx, tx, actor, ticket.ID, "snooze", Details{Until: &until})
	})
}

// Wake ends the ticket's sleep by hand. One that is awake stays so.
func (s *Store) Wake(ctx context.Context, actor Actor, number int64) (err error) {
	defer wrap(&err, "Wake(%d)", number)
	if !actor.Role.Staff() {
		return ErrForbidden
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil || ticket.SnoozedUntil == nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE tickets SET snoozed_until = NULL WHERE id = $1`, ticket.ID); err != nil {
			return err
		}
		return record(ctx, tx, actor, ticket.ID, "snooze", Details{Woke: true})
	})
}

// wakeBatch bounds what is woken in one transaction.
const wakeBatch = 200

// wakeTickets ends the sleep that is over, and says so on the timeline.
func wakeTickets(u *Upkeep, ctx context.Context) error {
	for {
		woken := 0
		err := pgx.BeginFunc(ctx, u.pool, func(tx pgx.Tx) error {
			rows, err := tx.Query(ctx, `
				SELECT id FROM tickets WHERE snoozed_until <= now() ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`, wakeBatch)
			if err != nil {
				return err
			}
			due, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			if woken = len(due); err != nil || woken == 0 {
				return err
			}
			if _, err := tx.Exec(ctx, `UPDATE tickets SET snoozed_until = NULL WHERE id = ANY ($1)`, due); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `
				INSERT INTO ticket_activities (ticket_id, activity_type, metadata)
				SELECT id, 'snooze', '{"woke": true}' FROM unnest($1::uuid[]) AS id`, due)
			return err
		})
		if err != nil || woken < wakeBatch {
			return err
		}
	}
}
