package store

import (
	"context"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Found is what the palette finds on the server.
type Found struct {
	Tickets []Ticket
	People  []Colleague
}

// mostFound is how many of a kind are found at once.
const mostFound = 6

// Find looks for what text may mean: a ticket's number, the beginning of a colleague's name or address. Without a
// text it is the tickets that the actor has to do with now.
func (s *Store) Find(ctx context.Context, actor Actor, text string) (found Found, err error) {
	defer wrap(&err, "Find")
	if !actor.Role.Staff() {
		return found, ErrForbidden
	}
	text = cleanSearch(text)
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if text == "" {
			found.Tickets, err = all[Ticket](tx.Query(ctx, `
				SELECT`+ticketColumns+`
				FROM (SELECT * FROM tickets WHERE agent_id = $1 AND status IN ('new', 'open', 'pending', 'on_hold')
				      ORDER BY updated_at DESC, number DESC LIMIT $2) t`+ticketPeople+`
				ORDER BY t.updated_at DESC, t.number DESC`, actor.UserID, mostFound))
			return err
		}
		if number, notOne := strconv.ParseInt(strings.TrimPrefix(text, "#"), 10, 64); notOne == nil {
			found.Tickets, err = all[Ticket](tx.Query(ctx, `SELECT`+ticketColumns+ticketFrom+` WHERE t.number = $1`, number))
			return err
		}
		found.People, err = all[Colleague](tx.Query(ctx, `
			SELECT id, full_name, email FROM users
			WHERE user_role IN ('agent', 'admin') AND active AND id `+noProbe+`
			  AND (starts_with(lower(full_name), lower($1)) OR strpos(lower(full_name), ' ' || lower($1)) > 0 OR starts_with(lower(email), lower($1)))
			ORDER BY lower(full_name), id LIMIT $2`, text, mostFound))
		return err
	})
	return found, err
}
