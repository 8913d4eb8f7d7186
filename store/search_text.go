package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// textWords is a Text as the index knows it: search.plain and the parser of the database made it.
type textWords struct {
	Plain string   // the whole text, as texts are compared
	Words []string // its words, in their order
}

// readTexts asks for the words of every Text of the nodes. One without any is not in the map.
func readTexts(ctx context.Context, tx pgx.Tx, nodes ...Node) (map[Text]textWords, error) {
	var texts []Text
	for _, n := range nodes {
		walk(n, func(n Node) {
			if t, ok := n.(Text); ok {
				texts = append(texts, t)
			}
		})
	}
	if len(texts) == 0 {
		return nil, nil
	}
	said := make([]string, len(texts))
	for i, t := range texts {
		said[i] = t.Words
	}
	rows, err := tx.Query(ctx, `SELECT text_no, plain, words FROM search.words_of($1)`, said)
	if err != nil {
		return nil, err
	}
	found := map[Text]textWords{}
	var no int
	var plain string
	var words []string
	_, err = pgx.ForEachRow(rows, []any{&no, &plain, &words}, func() error {
		found[texts[no-1]] = textWords{plain, slices.Clone(words)}
		return nil
	})
	return found, err
}

// phrase says whether t's words must be looked for in the texts themselves: the index does not know their order.
func (w textWords) phrase(t Text) bool { return len(w.Words) > 1 && !t.Prefix }

// tsquery is what the index is asked for: all the words, wherever on a ticket. They are of letters and digits alone,
// so that nothing in them needs to be escaped.
func (w textWords) tsquery(t Text) string {
	parts := make([]string, len(w.Words))
	for i, word := range w.Words {
		parts[i] = "'" + word + "'"
	}
	if t.Prefix && len(parts) > 0 {
		parts[len(parts)-1] += ":*"
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, " & ") + ")"
}

// bound is what the index can say of a node: every ticket that the node holds for matches query. Where it is exact,
// the node also holds for every ticket that matches.
type bound struct {
	query string // a tsquery; "" with all or none
	all   bool   // nothing is known: any ticket may fit
	none  bool   // no ticket fits
	exact bool
}

// boundOf reads a node's bound off it, given the words of its texts.
func boundOf(n Node, texts map[Text]textWords) bound {
	switch n := n.(type) {
	case nil:
		return bound{all: true, exact: true}
	case Text:
		words, ok := texts[n]
		if !ok {
			return bound{none: true, exact: true}
		}
		return bound{query: words.tsquery(n), exact: !words.phrase(n)}
	case Not:
		b := boundOf(n.Node, texts)
		switch {
		case !b.exact:
			return bound{all: true}
		case b.all:
			return bound{none: true, exact: true}
		case b.none:
			return bound{all: true, exact: true}
		}
		return bound{query: "!" + b.query, exact: true}
	case And:
		var parts []string
		exact := true
		for _, part := range n {
			b := boundOf(part, texts)
			if b.none {
				return bound{none: true, exact: true}
			}
			exact = exact && b.exact
			if !b.all {
				parts = append(parts, b.query)
			}
		}
		return joinBounds(parts, " & ", bound{all: true, exact: exact}, exact)
	case Or:
		var parts []string
		exact := true
		for _, part := range n {
			b := boundOf(part, texts)
			exact = exact && b.exact
			if b.all {
				return bound{all: true, exact: b.exact}
			}
			if !b.none {
				parts = append(parts, b.query)
			}
		}
		return joinBounds(parts, " | ", bound{none: true, exact: true}, exact)
	}
	return bound{all: true}
}

func joinBounds(parts []string, between string, empty bound, exact bool) bound {
	switch len(parts) {
	case 0:
		return empty
	case 1:
		return bound{query: parts[0], exact: exact}
	}
	return bound{query: "(" + strings.Join(parts, between) + ")", exact: exact}
}

// mostListed is how many tickets a text may be on for a query to be given the list of them. Of a more common one
// each ticket is asked for that the query comes by anyway.
const mostListed = 5000

// textCondition is the SQL condition on `tickets t` that text holds for; it adds what it needs to args. To be called
// in the transaction in which the query then runs: it asks how common the words are.
func textCondition(ctx context.Context, tx pgx.Tx, text Text, args pgx.StrictNamedArgs) (string, error) {
	texts, err := readTexts(ctx, tx, text)
	if err != nil {
		return "", err
	}
	words, ok := texts[text]
	if !ok {
		return "false", nil
	}
	query := words.tsquery(text)
	condition := ""
	listed, err := newestOf(ctx, tx, query, mostListed)
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("text_%d", len(args))
	if listed != nil {
		condition = "t.id = ANY (@" + name + ")"
		args[name] = listed
	} else {
		condition = "search.matches(t.id, @" + name + "::text::tsquery)"
		args[name] = query
	}
	if words.phrase(text) {
		name = fmt.Sprintf("text_%d", len(args))
		condition = "(" + condition + " AND search.says(t.id, @" + name + "))"
		args[name] = words.Plain
	}
	return condition, nil
}

// newestOf lists the tickets that a query finds; nil where they are, or seem to be, more than most.
func newestOf(ctx context.Context, tx pgx.Tx, query string, most int) ([]uuid.UUID, error) {
	var guess int
	if err := tx.QueryRow(ctx, `SELECT search.estimate($1)`, query).Scan(&guess); err != nil || guess > most {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT ticket_id FROM search.newest($1, 9223372036854775807, $2)`, query, most+1)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil || len(ids) > most {
		return nil, err
	}
	return append([]uuid.UUID{}, ids...), nil
}
