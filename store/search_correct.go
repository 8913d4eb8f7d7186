package store

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longEnough says whether a word is worth correcting.
func longEnough(word string) bool {
	n := utf8.RuneCountInString(word)
	return n >= 4 && n <= 24 && strings.IndexFunc(word, unicode.IsDigit) < 0
}

// correct looks again for a query that found nothing, with near words of subjects and names in the place of those
// that no ticket has.
func (f *finder) correct(ctx context.Context, query Query, result *SearchResult) error {
	var corrected []Correction
	root := query.Root
	for text, words := range f.texts {
		if text.Phrase || len(words.Words) != 1 || !longEnough(words.Words[0]) || !wants(root, text) {
			continue
		}
		if known, err := f.known(ctx, words.tsquery(text)); err != nil || known {
			if err != nil {
				return err
			}
			continue
		}
		near, err := f.nearest(ctx, words.Words[0])
		if err != nil {
			return err
		}
		if near != "" {
			root = replaced(root, text, Text{Words: near, Prefix: text.Prefix})
			corrected = append(corrected, Correction{text.Words, near})
		}
	}
	if len(corrected) == 0 {
		return nil
	}
	slices.SortFunc(corrected, func(a, b Correction) int { return strings.Compare(a.From, b.From) })
	again, err := f.run(ctx, Query{Root: root})
	if err != nil || len(again.Hits) == 0 {
		return err
	}
	again.Corrected = corrected
	*result = again
	return nil
}

// known says whether the actor may see any ticket that the words find.
func (f *finder) known(ctx context.Context, query string) (known bool, err error) {
	err = f.tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM search.newest($1, 9223372036854775807, 1))`, query).Scan(&known)
	return known, err
}

// nearest is the word most likely meant, of those that find something; "" where there is none.
func (f *finder) nearest(ctx context.Context, misspelt string) (string, error) {
	type candidate struct {
		Word  string
		Slips int `db:"-"`
	}
	candidates, err := all[candidate](f.tx.Query(ctx, `SELECT near AS word FROM search.near($1) near`, misspelt))
	if err != nil {
		return "", err
	}
	most := 1
	if utf8.RuneCountInString(misspelt) >= 6 {
		most = 2
	}
	candidates = slices.DeleteFunc(candidates, func(c candidate) bool { return c.Word == misspelt || slips(c.Word, misspelt) > most })
	for i := range candidates {
		candidates[i].Slips = slips(candidates[i].Word, misspelt)
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		if a.Slips != b.Slips {
			return a.Slips - b.Slips
		}
		// The first letter is rarely the wrong one.
		if x, y := a.Word[0] == misspelt[0], b.Word[0] == misspelt[0]; x != y {
			if x {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Word, b.Word)
	})
	for _, c := range candidates[:min(len(candidates), 4)] {
		if known, err := f.known(ctx, "'"+c.Word+"'"); err != nil || known {
			return c.Word, err
		}
	}
	return "", nil
}

// wants says whether the node looks for text, rather than excludes it.
func wants(n Node, text Text) bool {
	switch n := n.(type) {
	case Text:
		return n == text
	case And:
		return slices.ContainsFunc(n, func(n Node) bool { return wants(n, text) })
	case Or:
		return slices.ContainsFunc(n, func(n Node) bool { return wants(n, text) })
	}
	return false
}

func replaced(n Node, from, to Text) Node {
	switch n := n.(type) {
	case Text:
		if n == from {
			return to
		}
	case And:
		parts := make(And, len(n))
		for i, part := range n {
			parts[i] = replaced(part, from, to)
		}
		return parts
	case Or:
		parts := make(Or, len(n))
		for i, part := range n {
			parts[i] = replaced(part, from, to)
		}
		return parts
	}
	return n
}
