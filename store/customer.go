package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// What is shown of a customer beside a ticket.
const (
	customerTickets = 8
	// MostOfOne is where counting a customer's tickets ends: who has more has "1000+".
	MostOfOne        = 1000
	maxCustomerNote  = 5000
	maxCustomerNotes = 100
)

// Customer is whose ticket it is, as the staff knows them.
type Customer struct {
	ID          uuid.UUID
	FullName    string
	Email       string
	Active      bool
	CreatedAt   time.Time
	LastSeenAt  *time.Time // nil: never signed in
	OpenTickets int        // that somebody still has to do something about; at most MostOfOne + 1, as AllTickets
	AllTickets  int
	Tickets     []Ticket       `db:"-"` // the others, the last changed first
	Notes       []CustomerNote `db:"-"` // the newest first
	Version     int64          `db:"-"` // of the topic of this customer
}

// CustomerTopic names the topic of what is noted about a customer.
func CustomerTopic(id uuid.UUID) string { return "customer-" + id.String() }

// CustomerNote is something that the staff keeps in mind about a customer, who never sees it.
type CustomerNote struct {
	ID         uuid.UUID
	CustomerID uuid.UUID
	AuthorID   *uuid.UUID // nil: an account that is gone
	AuthorName string
	Body       string
	CreatedAt  time.Time
	EditedAt   *time.Time
}

const customerNoteColumns = `
	SELECT
		n.id,
		n.customer_id,
		n.author_id,
		coalesce(u.full_name, '') AS author_name,
		n.body,
		n.created_at,
		n.edited_at
	FROM customer_notes n
	LEFT JOIN users u ON u.id = n.author_id`

// Customer returns whose the ticket is, with their other tickets and what is noted about them. Only staff may ask;
// a ticket that is not there is ErrNotFound.
func (s *Store) Customer(ctx context.Context, actor Actor, number int64) (customer Customer, err error) {
	defer wrap(&err, "Customer(%d)", number)
	if !actor.Role.Staff() {
		return Customer{}, ErrForbidden
	}
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		customer, err = one[Customer](tx.Query(ctx, `
			SELECT
				u.id,
				u.full_name,
				u.email,
				u.active,
				u.created_at,
				u.last_seen_at,
				(SELECT count(*) FROM (
					SELECT FROM tickets o WHERE o.client_id = u.id AND o.status IN ('new', 'open', 'pending', 'on_hold')
					LIMIT $2) o) AS open_tickets,
				(SELECT count(*) FROM (SELECT FROM tickets o WHERE o.client_id = u.id LIMIT $2) o) AS all_tickets
			FROM tickets t
			JOIN users u ON u.id = t.client_id
			WHERE t.number = $1`, number, MostOfOne+1))
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		batch.Queue(`SELECT`+ticketColumns+`
			FROM (
				SELECT * FROM tickets
				WHERE client_id = $1 AND number <> $2
				ORDER BY client_updated_at DESC, number DESC LIMIT $3) t`+ticketPeople+`
			ORDER BY t.client_updated_at DESC, t.number DESC`, customer.ID, number, customerTickets).Query(func(rows pgx.Rows) error {
			customer.Tickets, err = all[Ticket](rows, nil)
			return err
		})
		batch.Queue(customerNoteColumns+`
			WHERE n.customer_id = $1 ORDER BY n.created_at DESC, n.id LIMIT $2`, customer.ID, maxCustomerNotes).Query(func(rows pgx.Rows) error {
			customer.Notes, err = all[CustomerNote](rows, nil)
			return err
		})
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		customer.Version, err = listVersion(ctx, tx, actor)
		return err
	})
	return customer, err
}

// AddCustomerNote notes something about the ticket's customer. id is chosen by the form: the same form sent twice
// makes one note. What cannot be noted is *Invalid (note).
func (s *Store) AddCustomerNote(ctx context.Context, actor Actor, number int64, id uuid.UUID, body string) (err error) {
	defer wrap(&err, "AddCustomerNote(%d)", number)
	if body, err = checkCustomerNote(actor, body); err != nil {
		return err
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := findTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO customer_notes (id, customer_id, author_id, body) VALUES ($1, $2, $3, $4)
			ON CONFLICT (id) DO NOTHING`, id, ticket.ClientID, actor.UserID, body)
		return err
	})
}

// CustomerNote returns a note of the actor's own about the ticket's customer; anybody else's is ErrNotFound.
func (s *Store) CustomerNote(ctx context.Context, actor Actor, number int64, id uuid.UUID) (note CustomerNote, err error) {
	defer wrap(&err, "CustomerNote(%s)", id)
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		note, err = one[CustomerNote](tx.Query(ctx, customerNoteColumns+`
			JOIN tickets t ON t.client_id = n.customer_id
			WHERE n.id = $1 AND t.number = $2 AND n.author_id = $3`, id, number, actor.UserID))
		return err
	})
	return note, err
}

// EditCustomerNote changes a note of the actor's own; anybody else's is ErrNotFound.
func (s *Store) EditCustomerNote(ctx context.Context, actor Actor, id uuid.UUID, body string) (err error) {
	defer wrap(&err, "EditCustomerNote(%s)", id)
	if body, err = checkCustomerNote(actor, body); err != nil {
		return err
	}
	return s.changeCustomerNote(ctx, actor, `
		UPDATE customer_notes SET body = $3, edited_at = CASE WHEN body = $3 THEN edited_at ELSE clock_timestamp() END
		WHERE id = $1 AND author_id = $2`, id, actor.UserID, body)
}

// DeleteCustomerNote removes a note of the actor's own; anybody else's is ErrNotFound.
func (s *Store) DeleteCustomerNote(ctx context.Context, actor Actor, id uuid.UUID) (err error) {
	defer wrap(&err, "DeleteCustomerNote(%s)", id)
	return s.changeCustomerNote(ctx, actor, `DELETE FROM customer_notes WHERE id = $1 AND author_id = $2`, id, actor.UserID)
}

func (s *Store) changeCustomerNote(ctx context.Context, actor Actor, sql string, args ...any) error {
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, sql, args...)
		if err == nil && tag.RowsAffected() == 0 {
			return ErrNotFound
		}
		return err
	})
}

func checkCustomerNote(actor Actor, body string) (string, error) {
	if !actor.Role.Staff() {
		return "", ErrForbidden
	}
	body = cleanText(body)
	switch {
	case body == "":
		return "", invalid("note", "Write something first.")
	case tooLong(body, maxCustomerNote):
		return "", invalid("note", "Use at most 5,000 characters.")
	}
	return body, nil
}
