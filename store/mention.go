package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Colleague is somebody of the staff who can be mentioned. Mention is what mentions them, without its "@": their
// name and, where somebody else has it too, their address.
type Colleague struct {
	ID       uuid.UUID `json:"id"`
	FullName string    `json:"name"`
	Email    string    `json:"email"`
	Mention  string    `json:"mention" db:"-"`
}

// Colleagues lists the active staff by name.
func (s *Store) Colleagues(ctx context.Context, actor Actor) (colleagues []Colleague, err error) {
	defer wrap(&err, "Colleagues")
	if !actor.Role.Staff() {
		return nil, ErrForbidden
	}
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		colleagues, err = findColleagues(ctx, tx)
		return err
	})
	return colleagues, err
}

func findColleagues(ctx context.Context, tx pgx.Tx) ([]Colleague, error) {
	colleagues, err := all[Colleague](tx.Query(ctx, `
		SELECT p.id, p.full_name, p.email FROM users p
		WHERE p.active AND p.user_role IN ('agent', 'admin') AND p.id `+noProbe+`
		ORDER BY lower(p.full_name), p.id`))
	if err != nil {
		return nil, err
	}
	namesakes := map[string]int{}
	for _, c := range colleagues {
		namesakes[strings.ToLower(c.FullName)]++
	}
	for i, c := range colleagues {
		colleagues[i].Mention = c.FullName
		if namesakes[strings.ToLower(c.FullName)] > 1 {
			colleagues[i].Mention = c.FullName + " (" + c.Email + ")"
		}
	}
	return colleagues, nil
}

// mentioned finds who is mentioned in a text. What it returns as said has their names alone: an address that tells
// two people of one name apart is not for the customer. A name that two have, without it, mentions neither.
func mentioned(text string, colleagues []Colleague) (said string, who []uuid.UUID) {
	// The longest first: "@Ana Lima" is not "@Ana" with a word after it.
	byLength := slices.SortedFunc(slices.Values(colleagues), func(a, b Colleague) int {
		return cmp.Compare(len(b.Mention), len(a.Mention))
	})
	var out strings.Builder
	for i := 0; i < len(text); {
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		if text[i] != '@' || i > 0 && (unicode.IsLetter(before) || unicode.IsDigit(before)) { // an address of e-mail
			out.WriteByte(text[i])
			i++
			continue
		}
		c, ok := mentionAt(text[i+1:], byLength)
		if !ok {
			out.WriteByte('@')
			i++
			continue
		}
		out.WriteString("@" + c.FullName)
		i += 1 + len(c.Mention)
		if !slices.Contains(who, c.ID) {
			who = append(who, c.ID)
		}
	}
	return out.String(), who
}

func mentionAt(text string, colleagues []Colleague) (Colleague, bool) {
	for _, c := range colleagues {
		if len(text) < len(c.Mention) || !strings.EqualFold(text[:len(c.Mention)], c.Mention) {
			continue
		}
		after, _ := utf8.DecodeRuneInString(text[len(c.Mention):])
		if len(text) == len(c.Mention) || !unicode.IsLetter(after) && !unicode.IsDigit(after) {
			return c, true
		}
	}
	return Colleague{}, false
}

// mention replaces what is said in a message of staff by its stored form and tells who is mentioned in it. It asks
// for the names only where the text has an "@".
func mention(ctx context.Context, tx pgx.Tx, actor Actor, text string) (said string, who []uuid.UUID, err error) {
	if !actor.Role.Staff() || !strings.Contains(text, "@") {
		return text, nil, nil
	}
	colleagues, err := findColleagues(ctx, tx)
	if err != nil {
		return "", nil, err
	}
	said, who = mentioned(text, colleagues)
	return said, who, nil
}

// recordMentions adds the people to an activity that the actor wrote. Notifications follow from these rows.
func recordMentions(ctx context.Context, tx pgx.Tx, activity uuid.UUID, who []uuid.UUID) error {
	if len(who) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO mentions (activity_id, user_id) SELECT $1, unnest($2::uuid[])`, activity, who)
	return err
}
