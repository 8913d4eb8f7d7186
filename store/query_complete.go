package store

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Completion is a way to go on with what is being typed.
type Completion struct {
	Word string // the last word, whole
	Text string // the whole text with it
	Help string
}

// mostCompletions is how many ways to go on are offered.
const mostCompletions = 8

// completeQuery offers ways to complete the last word of a query's text: operators, their values, people, tags. There
// are none for one letter, where the text ends with a space, and inside a quotation.
func (s *Store) completeQuery(ctx context.Context, actor Actor, text string) (found []Completion, err error) {
	word := text[strings.LastIndexAny(text, " \t\n(")+1:]
	before := strings.TrimSuffix(text, word)
	if strings.HasPrefix(word, "-") {
		before, word = before+"-", word[1:]
	}
	if len(word) < 2 || strings.Count(text, `"`)%2 == 1 {
		return nil, nil
	}
	name, value, operating := strings.Cut(word, ":")
	if !operating {
		for _, o := range Operators(actor.Role) {
			if strings.HasPrefix(string(o.Field), strings.ToLower(word)) {
				label := string(o.Field) + ":"
				found = append(found, Completion{label, before + label, o.Help})
			}
		}
		return found, nil
	}
	o, known := operator(actor.Role, name)
	if !known {
		return nil, nil
	}
	done := "" // what stands before the last of several values
	if i := strings.LastIndex(value, ","); i >= 0 {
		done, value = value[:i+1], value[i+1:]
	}
	add := func(value, help string) {
		label := string(o.Field) + ":" + done + quoteValue(value)
		if len(found) < mostCompletions {
			found = append(found, Completion{label, before + label, help})
		}
	}
	value = strings.ToLower(value)
	fixed := o.Values
	switch o.kind {
	case person:
		fixed = []string{"me"}
		if o.Field == FieldAssignee {
			fixed = []string{"me", "none"}
		}
	case label:
		fixed = []string{"none"}
	case moment:
		fixed = []string{"today", "yesterday", "24h", "7d", "30d", ">7d", ">30d"}
		if value != "" {
			fixed = slices.DeleteFunc(fixed, func(v string) bool { return v == value })
		}
	}
	for _, v := range fixed {
		if strings.HasPrefix(v, value) && v != value {
			label := string(o.Field) + ":" + done + v
			found = append(found, Completion{label, before + label, ""})
		}
	}
	if o.kind != person && o.kind != label {
		return found, nil
	}
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if o.kind == label {
			rows, err := tx.Query(ctx, `SELECT name FROM tags WHERE starts_with(name, $1) ORDER BY name LIMIT $2`, value, mostCompletions)
			if err != nil {
				return err
			}
			names, err := pgx.CollectRows(rows, pgx.RowTo[string])
			for _, tag := range names {
				add(tag, "")
			}
			return err
		}
		var rows pgx.Rows
		var err error
		if o.Field == FieldAssignee {
			rows, err = tx.Query(ctx, `
				SELECT full_name, email FROM users
				WHERE active AND user_role IN ('agent', 'admin') AND id `+noProbe+`
				  AND (starts_with(lower(email), $1) OR starts_with(lower(full_name), $1) OR strpos(lower(full_name), ' ' || $1) > 0)
				ORDER BY lower(full_name), id LIMIT $2`, value, mostCompletions)
		} else if value != "" {
			rows, err = tx.Query(ctx, `SELECT full_name, email FROM tickets.people_beginning($1, $2)`, value, mostCompletions)
		} else {
			return nil
		}
		if err != nil {
			return err
		}
		type candidate struct{ Name, Email string }
		people, err := pgx.CollectRows(rows, pgx.RowToStructByPos[candidate])
		for _, p := range people {
			add(p.Email, p.Name)
		}
		return err
	})
	return found, err
}
