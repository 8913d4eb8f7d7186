package store

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Split makes a message of the ticket's client a ticket of its own, with its files, and returns the new ticket's
// number. Both stay linked. A subject is needed: else *Invalid (subject). What is no message of the client cannot be
// split off: *Invalid. Only staff may: for a client it is ErrForbidden.
func (s *Store) Split(ctx context.Context, actor Actor, number int64, message uuid.UUID, subject string) (made int64, err error) {
	defer wrap(&err, "Split(%d)", number)
	if !actor.Role.Staff() {
		return 0, ErrForbidden
	}
	subject = cleanLine(subject)
	switch {
	case subject == "":
		return 0, invalid("subject", "Say in a few words what it is about.")
	case tooLong(subject, MaxSubject):
		return 0, invalid("subject", "Use at most 200 characters.")
	}
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		var fromClient bool
		err = tx.QueryRow(ctx, `
			SELECT activity_type = 'comment' AND user_id = $3 FROM ticket_activities WHERE id = $1 AND ticket_id = $2`,
			message, ticket.ID, ticket.ClientID).Scan(&fromClient)
		if errors.Is(err, pgx.ErrNoRows) {
			return invalid("", "This message is no longer on this ticket.")
		}
		if err != nil {
			return err
		}
		if !fromClient {
			return invalid("", "Only a message of the customer can become a ticket of its own.")
		}
		return tx.QueryRow(ctx, `SELECT tickets.split($1, $2)`, message, subject).Scan(&made)
	})
	return made, err
}
