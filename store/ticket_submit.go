package store

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// NewTicket is what a customer fills in.
type NewTicket struct {
	ID          uuid.UUID // chosen by the form: the same form sent twice makes one ticket
	Subject     string
	Description string
	Priority    Priority
	Files       []Upload
}

func (in *NewTicket) check() error {
	in.Subject = cleanLine(in.Subject)
	in.Description = cleanText(in.Description)
	wrong := map[string]string{}
	switch {
	case in.Subject == "":
		wrong["subject"] = "Say in a few words what it is about."
	case tooLong(in.Subject, MaxSubject):
		wrong["subject"] = "Use at most 200 characters; the rest belongs into the description."
	}
	switch {
	case in.Description == "":
		wrong["description"] = "Describe what you need."
	case tooLong(in.Description, MaxText):
		wrong["description"] = "Use at most 50,000 characters; attach the rest as a file."
	}
	if !in.Priority.Valid() {
		wrong["priority"] = "Choose one of the priorities."
	}
	if len(in.Files) > MaxFiles {
		wrong["files"] = "Attach at most 10 files to one message."
	}
	if len(wrong) > 0 {
		return &Invalid{Fields: wrong}
	}
	return nil
}

// Submit makes the actor's ticket and returns its number. Wrong input is *Invalid with the fields subject,
// description, priority and files. Only a client submits.
func (s *Store) Submit(ctx context.Context, actor Actor, in NewTicket) (number int64, err error) {
	defer wrap(&err, "Submit")
	if err := in.check(); err != nil {
		return 0, err
	}
	again := false
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `
			INSERT INTO tickets (id, client_id, subject, description, priority)
			VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (id) DO NOTHING
			RETURNING number`,
			in.ID, actor.UserID, in.Subject, in.Description, in.Priority).Scan(&number)
		if errors.Is(err, pgx.ErrNoRows) {
			again = true
			return tx.QueryRow(ctx, `SELECT number FROM tickets WHERE id = $1`, in.ID).Scan(&number)
		}
		if err != nil {
			return err
		}
		return attach(ctx, tx, actor, in.ID, nil, in.Files)
	})
	if again {
		s.Discard(ctx, in.Files)
	}
	return number, err
}
