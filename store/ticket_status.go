package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// ChangeStatus moves the ticket from the status that the actor saw to another. Where somebody moved it
// meanwhile it is a *Conflict, where the table of transitions has no such way *Invalid (status).
func (s *Store) ChangeStatus(ctx context.Context, actor Actor, number int64, seen, next Status) (err error) {
	defer wrap(&err, "ChangeStatus(%d)", number)
	if !next.Valid() {
		return invalid("status", "Choose one of the statuses.")
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		switch {
		case ticket.Status == next:
			return nil
		case ticket.Status != seen:
			return &Conflict{fmt.Sprintf("The status was changed to %s meanwhile. Look again, then choose.", ticket.Status.Label())}
		case ticket.MergedInto != 0:
			return mergedInto("status", ticket)
		case !ticket.Status.MayBecome(next, actor.Role):
			return invalid("status", "%s", ticket.Status.cannotBecome(next))
		}
		_, err = tx.Exec(ctx, `UPDATE tickets SET status = $2 WHERE id = $1`, ticket.ID, next)
		return err
	})
}

// Cancel withdraws the actor's ticket. One that is finished already is *Invalid.
func (s *Store) Cancel(ctx context.Context, actor Actor, number int64) (err error) {
	defer wrap(&err, "Cancel(%d)", number)
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		if ticket.Status == StatusCancelled {
			return nil
		}
		if !ticket.Status.MayBecome(StatusCancelled, actor.Role) {
			return invalid("", "This ticket is %s; there is nothing left to cancel.", ticket.Status.Label())
		}
		_, err = tx.Exec(ctx, `UPDATE tickets SET status = $2 WHERE id = $1`, ticket.ID, StatusCancelled)
		return err
	})
}
