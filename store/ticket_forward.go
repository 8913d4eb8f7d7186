package store

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Forwarding is a ticket put before a colleague.
type Forwarding struct {
	ID     uuid.UUID // chosen by the form: the same form sent twice forwards once
	To     uuid.UUID
	Note   string // Markdown, for the desk alone; may be empty
	Assign bool   // the ticket is theirs from then on
}

// Forward makes a colleague follow the ticket, with a note for them on its timeline, and where asked gives it to them.
// Somebody who does not work on tickets is *Invalid (to), as is the actor; too long a note is *Invalid (note). Only
// staff may: for a client it is ErrForbidden.
func (s *Store) Forward(ctx context.Context, actor Actor, number int64, in Forwarding) (err error) {
	defer wrap(&err, "Forward(%d)", number)
	if !actor.Role.Staff() {
		return ErrForbidden
	}
	in.Note = cleanText(in.Note)
	switch {
	case in.To == actor.UserID:
		return invalid("to", "Choose a colleague; to keep the ticket in sight yourself, follow it.")
	case tooLong(in.Note, MaxText):
		return invalid("note", "Use at most 50,000 characters.")
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		if ticket.MergedInto != 0 {
			return mergedInto("to", ticket)
		}
		err = tx.QueryRow(ctx, `SELECT FROM users WHERE id = $1 AND active AND user_role IN ('agent', 'admin')`, in.To).Scan()
		if errors.Is(err, pgx.ErrNoRows) {
			return invalid("to", "Choose somebody who works on tickets.")
		}
		if err != nil {
			return err
		}
		done, err := tx.Exec(ctx, `
			INSERT INTO ticket_activities (id, ticket_id, user_id, activity_type, content, metadata)
			VALUES ($1, $2, $3, 'forward', $4, $5)
			ON CONFLICT (id) DO NOTHING`, in.ID, ticket.ID, actor.UserID, in.Note, Details{Person: &in.To})
		if err != nil || done.RowsAffected() == 0 {
			return err
		}
		if _, err := tx.Exec(ctx, `
			INSERT INTO ticket_followers (ticket_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, ticket.ID, in.To); err != nil {
			return err
		}
		if !in.Assign || same(ticket.AgentID, &in.To) {
			return nil
		}
		status := ticket.Status
		if status == StatusNew {
			status = StatusOpen
		}
		_, err = tx.Exec(ctx, `UPDATE tickets SET agent_id = $2, status = $3 WHERE id = $1`, ticket.ID, in.To, status)
		return err
	})
}
