package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// ChangePriority sets the ticket's priority from the one that the actor saw. Where somebody changed it
// meanwhile it is a *Conflict. Only staff may: for a client it is ErrForbidden.
func (s *Store) ChangePriority(ctx context.Context, actor Actor, number int64, seen, next Priority) (err error) {
	defer wrap(&err, "ChangePriority(%d)", number)
	if !next.Valid() {
		return invalid("priority", "Choose one of the priorities.")
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		if ticket.Priority == next {
			return nil
		}
		if ticket.Priority != seen {
			return &Conflict{fmt.Sprintf("The priority was changed to %s meanwhile. Look again, then choose.", ticket.Priority.Label())}
		}
		_, err = tx.Exec(ctx, `UPDATE tickets SET priority = $2 WHERE id = $1`, ticket.ID, next)
		return err
	})
}
