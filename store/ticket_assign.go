package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Take gives an unassigned ticket to the actor. Where somebody was faster it is a *Conflict that names them.
func (s *Store) Take(ctx context.Context, actor Actor, number int64) error {
	return s.Assign(ctx, actor, number, nil, &actor.UserID)
}

// Assign gives the ticket from the agent that the actor saw to another; nil is nobody. Where somebody
// assigned it meanwhile it is a *Conflict. Only active agents and admins get tickets: else *Invalid (assignee).
// A new ticket that somebody gets is open from then on.
func (s *Store) Assign(ctx context.Context, actor Actor, number int64, seen, next *uuid.UUID) (err error) {
	defer wrap(&err, "Assign(%d)", number)
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		if same(ticket.AgentID, next) {
			return nil
		}
		if !same(ticket.AgentID, seen) {
			return assignedMeanwhile(ticket)
		}
		status := ticket.Status
		if next != nil {
			if _, err := assignable(ctx, tx, *next); err != nil {
				return err
			}
			status = status.AfterAssignment()
		}
		_, err = tx.Exec(ctx, `UPDATE tickets SET agent_id = $2, status = $3 WHERE id = $1`, ticket.ID, next, status)
		return err
	})
}

// assignable is the name of somebody who can be given tickets; anybody else is *Invalid (assignee).
func assignable(ctx context.Context, tx pgx.Tx, id uuid.UUID) (name string, err error) {
	err = tx.QueryRow(ctx, `SELECT full_name FROM users WHERE id = $1 AND active AND user_role IN ('agent', 'admin')`, id).Scan(&name)
	if errors.Is(err, pgx.ErrNoRows) {
		err = invalid("assignee", "Choose somebody who works on tickets.")
	}
	return name, err
}

func assignedMeanwhile(ticket Ticket) error {
	if ticket.AgentID == nil {
		return &Conflict{"The ticket was given back meanwhile: nobody has it now. Look again, then choose."}
	}
	return &Conflict{fmt.Sprintf("%s has this ticket meanwhile. Look again, then choose.", ticket.AgentName)}
}

func same(a, b *uuid.UUID) bool {
	return a == b || a != nil && b != nil && *a == *b
}
