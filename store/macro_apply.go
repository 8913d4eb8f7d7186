package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Seen is what the actor saw of a ticket before pressing: what they decided by.
type Seen struct {
	Status   Status
	Priority Priority
	AgentID  *uuid.UUID
	Position int64 // the last of the timeline; 0: not asked
}

// ApplyMacro does to the ticket what the macro says, all of it or nothing. Where somebody changed meanwhile what the
// macro changes too, it is a *Conflict; where a rule forbids it, or the macro names what is not there any more, it is
// *Invalid (the whole). A reply against a thread that has moved on is *Moved.
func (s *Store) ApplyMacro(ctx context.Context, actor Actor, number int64, id uuid.UUID, seen Seen) (macro Macro, err error) {
	defer wrap(&err, "ApplyMacro(%d)", number)
	if !actor.Role.Staff() {
		return macro, ErrForbidden
	}
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		if macro, err = findMacro(ctx, tx, id); err != nil {
			return err
		}
		change := macro.Change()
		ready, err := change.ready(ctx, tx, actor)
		if err != nil {
			return broken(err)
		}
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		if err := seen.conflict(change, ticket); err != nil {
			return err
		}
		ready.seen = seen.Position
		out, err := changeTickets(ctx, tx, actor, ready, []uuid.UUID{ticket.ID})
		if err != nil {
			return err
		}
		if len(out.refused) > 0 {
			return invalid("", "%s", out.refused[0].reason)
		}
		return countUse(ctx, tx, id)
	})
	return macro, err
}

// conflict says what somebody else did meanwhile to what the change is about to change.
func (seen Seen) conflict(change Change, ticket Ticket) error {
	switch {
	case change.Status != "" && ticket.Status != seen.Status && ticket.Status != change.Status:
		return &Conflict{fmt.Sprintf("The status was changed to %s meanwhile. Look again, then choose.", ticket.Status.Label())}
	case change.Priority != "" && ticket.Priority != seen.Priority && ticket.Priority != change.Priority:
		return &Conflict{fmt.Sprintf("The priority was changed to %s meanwhile. Look again, then choose.", ticket.Priority.Label())}
	case change.Assign != AssignKeep && !same(ticket.AgentID, seen.AgentID):
		return assignedMeanwhile(ticket)
	}
	return nil
}

// broken says of a macro that names what is not there any more.
func broken(err error) error {
	var wrong *Invalid
	if !errors.As(err, &wrong) {
		return err
	}
	for field, words := range wrong.Fields {
		if field == "assignee" {
			words = "Who should get the ticket no longer works on tickets."
		}
		return invalid("", "%s Change the macro first.", words)
	}
	return err
}

// renamed is an *Invalid that names another field.
func renamed(err error, from, to string) error {
	var wrong *Invalid
	if errors.As(err, &wrong) && wrong.Fields[from] != "" {
		return invalid(to, "%s", wrong.Fields[from])
	}
	return err
}
