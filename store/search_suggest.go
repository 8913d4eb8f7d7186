package store

import (
	"context"
	"errors"
	"math"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Suggestions are what a search that is being typed may be about.
type Suggestions struct {
	Tickets   []Hit
	More      bool // there are more tickets than these
	People    []PersonHit
	Corrected []Correction
	// How the last word may go on as an operator or its value.
	Completions []Completion
}

// PersonHit is a person found by name or address.
type PersonHit struct {
	ID       uuid.UUID
	FullName string
	Email    string
	Role     Role
	Name     []Piece `db:"-"` // FullName, where it was found
	Address  []Piece `db:"-"` // Email, so too
}

const (
	suggestedTickets = 8
	suggestedPeople  = 4
)

// Suggest finds a handful of tickets and, for staff, of people for a text whose last word is still being typed.
// Half an operator is no mistake yet: what cannot be followed suggests nothing. Else as Search.
func (s *Store) Suggest(ctx context.Context, actor Actor, text string) (found Suggestions, err error) {
	defer wrap(&err, "Suggest")
	if found.Completions, err = s.completeQuery(ctx, actor, text); err != nil {
		return found, err
	}
	query, err := ParseQuery(actor.Role, text)
	if err != nil || query.IsZero() {
		return found, nil //nolint:nilerr // see above
	}
	query.Root = typed(query.Root, text)
	err = s.searching(ctx, actor, func(tx pgx.Tx) error {
		f := finder{tx: tx, actor: actor, search: Search{Text: text, Below: math.MaxInt64, limit: suggestedTickets, typing: true}}
		result, err := f.run(ctx, query)
		if err == nil && len(result.Hits) == 0 {
			err = f.correct(ctx, query, &result)
		}
		var wrong *InvalidQuery
		if errors.As(err, &wrong) {
			return nil // a name that is not whole yet
		}
		if err != nil {
			return err
		}
		found.Tickets, found.More, found.Corrected = result.Hits, result.More || !result.Last, result.Corrected
		if actor.Role.Staff() && onlyTexts(query.Root) {
			found.People, err = f.people(ctx, query)
		}
		return err
	})
	return found, err
}

// FindPeople lists people whose name or address has all the words, the last of which may be a word's beginning; for
// staff alone, at most so many.
func (s *Store) FindPeople(ctx context.Context, actor Actor, text string, most int) (people []PersonHit, err error) {
	defer wrap(&err, "FindPeople")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		f := finder{tx: tx, actor: actor, search: Search{limit: most}}
		words := Text{Words: text, Prefix: true}
		if f.texts, err = readTexts(ctx, tx, words); err != nil {
			return err
		}
		people, err = f.named(ctx, marksOf(words, f.texts), most)
		return err
	})
	return people, err
}

func (f *finder) people(ctx context.Context, query Query) ([]PersonHit, error) {
	texts, err := readTexts(ctx, f.tx, query.Root) // the words as they were typed, not as they were corrected
	if err != nil {
		return nil, err
	}
	return f.named(ctx, marksOf(query.Root, texts), suggestedPeople)
}

// named finds the people whose name or address has all of the marks.
func (f *finder) named(ctx context.Context, m marks, most int) ([]PersonHit, error) {
	if m.query == "" {
		return nil, nil
	}
	people, err := all[PersonHit](f.tx.Query(ctx, `
		SELECT u.id, u.full_name, u.email, u.user_role AS role FROM users u
		WHERE u.id IN (SELECT search.people($1, 100)) AND u.active ORDER BY u.full_name, u.id LIMIT $2`, strings.ReplaceAll(m.query, " | ", " & "), most))
	for i, p := range people {
		places, _ := m.found(p.FullName)
		people[i].Name = pieces(p.FullName, places)
		places, _ = m.found(p.Email)
		people[i].Address = pieces(p.Email, places)
	}
	return people, err
}
