package store

import (
	"context"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Found is what the palette finds on the server.
type Found struct {
	Tickets []Ticket
	People  []PersonHit
	Views   []ViewName
}

// ViewName leads to a view.
type ViewName struct {
	ID   uuid.UUID
	Name string
}

const (
	mostFound = 6  // tickets to begin with
	mostViews = 50 // that the palette knows by name
)

// FindFirst is what the palette shows of the server's before anything is typed: the tickets that the actor has to do
// with now, and every view, whose names the page itself then searches.
func (s *Store) FindFirst(ctx context.Context, actor Actor) (found Found, err error) {
	defer wrap(&err, "FindFirst")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		found.Tickets, err = all[Ticket](tx.Query(ctx, `
			SELECT`+ticketColumns+`
			FROM (SELECT * FROM tickets WHERE agent_id = $1 AND status IN ('new', 'open', 'pending', 'on_hold')
			      ORDER BY updated_at DESC, number DESC LIMIT $2) t`+ticketPeople+`
			ORDER BY t.updated_at DESC, t.number DESC`, actor.UserID, mostFound))
		if err != nil {
			return err
		}
		found.Views, err = all[ViewName](tx.Query(ctx, `SELECT id, name FROM views ORDER BY lower(name), id LIMIT $1`, mostViews))
		return err
	})
	return found, err
}

// Find looks for tickets and people by what is being typed, as Suggest does; a number finds its ticket whatever
// else has it.
func (s *Store) Find(ctx context.Context, actor Actor, text string) (found Found, err error) {
	defer wrap(&err, "Find")
	text = cleanSearch(text)
	number, notOne := strconv.ParseInt(strings.TrimPrefix(text, "#"), 10, 64)
	if notOne == nil {
		err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
			found.Tickets, err = all[Ticket](tx.Query(ctx, `SELECT`+ticketColumns+ticketFrom+` WHERE t.number = $1`, number))
			return err
		})
		if err != nil || len(found.Tickets) > 0 {
			return found, err
		}
	}
	suggestions, err := s.Suggest(ctx, actor, text)
	if err != nil {
		return found, err
	}
	for _, hit := range suggestions.Tickets {
		found.Tickets = append(found.Tickets, hit.Ticket)
	}
	found.People = suggestions.People
	return found, nil
}
