package store

import (
	"context"
	"hash/fnv"
	"slices"
	"strings"
	"unicode"

	"github.com/jackc/pgx/v5"
)

// TicketTag is a tag as a ticket shows it. Hue is one of the fixed palette's, 0 to TagHues-1.
type TicketTag struct {
	Name string `json:"name"`
	Hue  int    `json:"hue"`
}

// TagHues is how many colours tags have to choose from.
const TagHues = 8

const (
	maxTagName    = 40 // characters
	maxTicketTags = 20 // on one ticket
)

const tagRule = "A tag is up to 40 characters without blanks, commas, colons, quotes or brackets, such as vip or late-delivery."

// tagName makes a tag's name of what somebody typed. ok is false where it cannot be one.
func tagName(text string) (name string, ok bool) {
	name = strings.ToLower(cleanLine(text))
	bad := func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`,"():`, r) }
	return name, name != "" && !tooLong(name, maxTagName) && !strings.ContainsFunc(name, bad)
}

// tagNames reads several, parted by commas or blanks; each once.
func tagNames(text string) ([]string, error) {
	var names []string
	for _, word := range strings.FieldsFunc(cleanText(text), func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		name, ok := tagName(strings.TrimPrefix(word, "#"))
		if !ok {
			return nil, invalid("tag", "%s", tagRule)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, invalid("tag", "Write a tag first.")
	}
	return names, nil
}

// firstHue gives a new tag a colour, always the same one for a name.
func firstHue(name string) int {
	h := fnv.New32a()
	h.Write([]byte(name))
	return int(h.Sum32() % TagHues)
}

// Tag puts tags on the ticket, several parted by commas or blanks; those that do not exist are made. What cannot be a
// tag is *Invalid (tag). Only staff may: for a client it is ErrForbidden.
func (s *Store) Tag(ctx context.Context, actor Actor, number int64, text string) (err error) {
	defer wrap(&err, "Tag(%d)", number)
	if !actor.Role.Staff() {
		return ErrForbidden
	}
	names, err := tagNames(text)
	if err != nil {
		return err
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		if ticket.MergedInto != 0 {
			return mergedInto("tag", ticket)
		}
		have := map[string]bool{}
		for _, tag := range ticket.Tags {
			have[tag.Name] = true
		}
		for _, name := range names {
			have[name] = true
		}
		if len(have) > maxTicketTags {
			return invalid("tag", "A ticket has at most %d tags; take one off first.", maxTicketTags)
		}
		hues := make([]int, len(names))
		for i, name := range names {
			hues[i] = firstHue(name)
		}
		// In the order of their names: two people who make the same tags at once wait for each other in turn.
		if _, err := tx.Exec(ctx, `
			INSERT INTO tags (name, hue, created_by)
			SELECT n.name, n.hue, $3 FROM unnest($1::text[], $2::int[]) AS n (name, hue) ORDER BY n.name
			ON CONFLICT (name) DO NOTHING`, names, hues, actor.UserID); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO ticket_tags (ticket_id, tag_id)
			SELECT $1, id FROM tags WHERE name = ANY ($2) ON CONFLICT DO NOTHING`, ticket.ID, names)
		return err
	})
}

// Untag takes a tag off the ticket; one that is not on it changes nothing.
func (s *Store) Untag(ctx context.Context, actor Actor, number int64, name string) (err error) {
	defer wrap(&err, "Untag(%d)", number)
	if !actor.Role.Staff() {
		return ErrForbidden
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			DELETE FROM ticket_tags x USING tags g WHERE x.ticket_id = $1 AND g.id = x.tag_id AND g.name = $2`, ticket.ID, name)
		return err
	})
}
