package store

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// maxMinutes bounds one entry of time spent.
const maxMinutes = 24 * 60

var (
	hoursMinutes = regexp.MustCompile(`^(?:(\d{1,3}(?:[.,]\d{1,2})?) ?h(?:ours?|rs?)?)? ?(?:(\d{1,4}) ?m(?:in(?:utes?)?)?)?$`)
	clockTime    = regexp.MustCompile(`^(\d{1,2}):([0-5]\d)$`)
	bareMinutes  = regexp.MustCompile(`^\d{1,4}$`)
)

// ParseMinutes reads a length of time as people write it: 1h 20m, 1.5h, 45 min, 1:20, or minutes alone. What is
// nothing of the sort, nothing at all or more than a day is *Invalid (spent).
func ParseMinutes(text string) (minutes int, err error) {
	text = strings.ToLower(cleanLine(text))
	if text == "" {
		return 0, invalid("spent", "Say how long, such as 1h 20m or 45m.")
	}
	if m := clockTime.FindStringSubmatch(text); m != nil {
		hours, _ := strconv.Atoi(m[1])
		rest, _ := strconv.Atoi(m[2])
		minutes = hours*60 + rest
	} else if bareMinutes.MatchString(text) {
		minutes, _ = strconv.Atoi(text)
	} else if m := hoursMinutes.FindStringSubmatch(text); m != nil {
		hours, _ := strconv.ParseFloat(strings.Replace(m[1], ",", ".", 1), 64)
		rest, _ := strconv.Atoi(m[2])
		minutes = int(math.Round(hours*60)) + rest
	} else {
		return 0, invalid("spent", "%q is no length of time. Write it like 1h 20m, 45m or 1:20.", text)
	}
	switch {
	case minutes == 0:
		return 0, invalid("spent", "Say at least one minute.")
	case minutes > maxMinutes:
		return 0, invalid("spent", "Add at most 24 hours at once.")
	}
	return minutes, nil
}

// FormatMinutes writes a length of time as ParseMinutes reads it.
func FormatMinutes(minutes int) string {
	switch hours, rest := minutes/60, minutes%60; {
	case hours == 0:
		return fmt.Sprintf("%dm", rest)
	case rest == 0:
		return fmt.Sprintf("%dh", hours)
	default:
		return fmt.Sprintf("%dh %dm", hours, rest)
	}
}

// TimeSpent is time that somebody worked on a ticket. Spent is as ParseMinutes reads it.
type TimeSpent struct {
	ID    uuid.UUID // chosen by the form: the same form sent twice adds it once
	Spent string
	Note  string
}

// AddTime adds time that the actor spent on the ticket. Wrong input is *Invalid (spent, word). Only staff may: for a
// client it is ErrForbidden.
func (s *Store) AddTime(ctx context.Context, actor Actor, number int64, in TimeSpent) (err error) {
	defer wrap(&err, "AddTime(%d)", number)
	if !actor.Role.Staff() {
		return ErrForbidden
	}
	minutes, err := ParseMinutes(in.Spent)
	if err != nil {
		return err
	}
	in.Note = cleanLine(in.Note)
	if tooLong(in.Note, 200) {
		return invalid("word", "Use at most 200 characters; the rest belongs into a note.")
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		if ticket.MergedInto != 0 {
			return mergedInto("spent", ticket)
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO time_entries (id, ticket_id, user_id, minutes, note) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (id) DO NOTHING`, in.ID, ticket.ID, actor.UserID, minutes, in.Note)
		return err
	})
}

// RemoveTime takes back time that the actor added. Anybody else's is ErrNotFound.
func (s *Store) RemoveTime(ctx context.Context, actor Actor, number int64, id uuid.UUID) (err error) {
	defer wrap(&err, "RemoveTime(%d)", number)
	if !actor.Role.Staff() {
		return ErrForbidden
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := lockTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		done, err := tx.Exec(ctx, `DELETE FROM time_entries WHERE id = $1 AND ticket_id = $2 AND user_id = $3`, id, ticket.ID, actor.UserID)
		if err == nil && done.RowsAffected() == 0 {
			return ErrNotFound
		}
		return err
	})
}
