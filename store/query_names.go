package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// mostNamesakes is how many people one name in a query may mean.
const mostNamesakes = 200

// names is what the names of a query mean: ids by the field and the name as it is written.
type names map[Field]map[string][]uuid.UUID

// people are whom a term about a person means.
func (n names) people(t Term, actor Actor) (ids []uuid.UUID) {
	for _, v := range t.Values {
		switch v {
		case "none":
		case "me":
			ids = append(ids, actor.UserID)
		default:
			ids = append(ids, n[t.Field][v]...)
		}
	}
	return ids
}

func (n names) tags(t Term) (ids []uuid.UUID) {
	for _, v := range t.Values {
		ids = append(ids, n[FieldTag][v]...)
	}
	return ids
}

// resolve finds out what the names of the query mean to actor. Each that means nothing is a mistake, with the
// nearest name that does.
func (q Query) resolve(ctx context.Context, tx pgx.Tx, actor Actor) (names, error) {
	written := map[Field][]string{}
	walk(q.Root, func(n Node) {
		if t, ok := n.(Term); ok && (t.Field == FieldAssignee || t.Field == FieldFrom || t.Field == FieldTag) {
			for _, v := range t.Values {
				if v != "me" && v != "none" && !slices.Contains(written[t.Field], v) {
					written[t.Field] = append(written[t.Field], v)
				}
			}
		}
	})
	if len(written) == 0 {
		return nil, nil
	}
	found := names{FieldAssignee: {}, FieldFrom: {}, FieldTag: {}}
	if tags := written[FieldTag]; tags != nil {
		rows, err := all[struct {
			ID   uuid.UUID
			Name string
		}](tx.Query(ctx, `SELECT id, name FROM tags WHERE name = ANY ($1)`, tags))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			found[FieldTag][r.Name] = []uuid.UUID{r.ID}
		}
	}
	if people := slices.Concat(written[FieldAssignee], written[FieldFrom]); len(people) > 0 {
		rows, err := all[struct {
			Name  string
			ID    uuid.UUID
			Staff bool
		}](tx.Query(ctx, `SELECT name, id, staff FROM tickets.people_called($1, $2)`, people, mostNamesakes+1))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			found[FieldFrom][r.Name] = append(found[FieldFrom][r.Name], r.ID)
			if r.Staff {
				found[FieldAssignee][r.Name] = append(found[FieldAssignee][r.Name], r.ID)
			}
		}
	}
	wrong := &InvalidQuery{Text: q.String()}
	for _, field := range []Field{FieldAssignee, FieldFrom, FieldTag} {
		for _, name := range written[field] {
			if n := len(found[field][name]); n > 0 && n <= mostNamesakes {
				continue
			} else if n > mostNamesakes {
				wrong.add(q, field, name, "", "More than %d people are called %s: write an address.", mostNamesakes, name)
				continue
			}
			near, err := nearestName(ctx, tx, field, name)
			if err != nil {
				return nil, err
			}
			what := "There is nobody called " + name
			if field == FieldTag {
				what = "There is no tag " + name
			}
			if near != "" {
				wrong.add(q, field, name, near, "%s — did you mean %s:%s?", what, field, quoteValue(near))
			} else {
				wrong.add(q, field, name, "", "%s.", what)
			}
		}
	}
	if len(wrong.Mistakes) > 0 {
		return nil, wrong
	}
	return found, nil
}

// add notes that a name means nothing, and what it may have meant.
func (e *InvalidQuery) add(q Query, field Field, name, near, format string, args ...any) {
	m := Mistake{Sentence: fmt.Sprintf(format, args...), Offer: near}
	if i := strings.Index(e.Text, quoteValue(name)); i >= 0 {
		m.At, m.End = i, i+len(quoteValue(name))
	}
	if near != "" {
		m.Fixed = Query{Root: withName(q.Root, field, name, near)}.String()
	}
	e.Mistakes = append(e.Mistakes, m)
}

func withName(n Node, field Field, from, to string) Node {
	switch n := n.(type) {
	case And:
		out := make(And, 0, len(n))
		for _, part := range n {
			out = append(out, withName(part, field, from, to))
		}
		return out
	case Or:
		out := make(Or, 0, len(n))
		for _, part := range n {
			out = append(out, withName(part, field, from, to))
		}
		return out
	case Not:
		return Not{withName(n.Node, field, from, to)}
	case Term:
		if n.Field == field {
			n.Values = slices.Clone(n.Values)
			for i, v := range n.Values {
				if v == from {
					n.Values[i] = to
				}
			}
		}
		return n
	}
	return n
}

// nearestName is the name there is that looks most like one there is not, or "".
func nearestName(ctx context.Context, tx pgx.Tx, field Field, name string) (string, error) {
	var rows pgx.Rows
	var err error
	switch field {
	case FieldTag:
		rows, err = tx.Query(ctx, `SELECT name, name FROM tags ORDER BY name LIMIT 5000`)
	case FieldAssignee:
		rows, err = tx.Query(ctx, `
			SELECT full_name, email FROM users WHERE user_role IN ('agent', 'admin') AND active AND id `+noProbe+`
			ORDER BY full_name, email LIMIT 5000`)
	default:
		rows, err = tx.Query(ctx, `SELECT full_name, email FROM tickets.people_beginning($1, 500)`, beginning(name))
	}
	if err != nil {
		return "", err
	}
	type candidate struct{ Name, Write string }
	candidates, err := pgx.CollectRows(rows, pgx.RowToStructByPos[candidate])
	if err != nil {
		return "", err
	}
	best, least := "", 100
	lower := strings.ToLower(name)
	for _, c := range candidates {
		first, _, _ := strings.Cut(c.Name, " ")
		local, _, _ := strings.Cut(c.Write, "@")
		for _, as := range []string{c.Name, first, c.Write, local} {
			as = strings.ToLower(as)
			d := slips(lower, as)
			if len(lower) >= 3 && strings.HasPrefix(as, lower) {
				d = min(d, 1)
			}
			if d < least && d <= max(1, min(len(lower), len(as))/3) {
				best, least = c.Write, d
			}
		}
	}
	return best, nil
}

// beginning is what a misspelt name most likely begins with all the same.
func beginning(name string) string {
	runes := []rune(strings.ToLower(name))
	return string(runes[:min(2, len(runes))])
}

func readNumber(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}
