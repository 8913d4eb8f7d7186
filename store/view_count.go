package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Count is how many tickets a view has: as far as CountLimit, which stands for that many and more.
type Count int

// CountUnknown: counting took too long, or the view cannot be read.
const (
	CountUnknown Count = -1
	CountLimit   Count = 1000
)

// String is the count as it stands beside a view.
func (c Count) String() string {
	switch {
	case c < 0:
		return "–"
	case c >= CountLimit:
		return "1k+"
	}
	return fmt.Sprint(int(c))
}

const (
	countTime = 400 * time.Millisecond // for all views at once
	eachTime  = 100 * time.Millisecond // for each by itself, where all took longer
	slowFor   = time.Minute            // how long one that took longer is not counted again
)

// slowCounts are the queries that take too long to count, and until when they are let be.
type slowCounts struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (s *slowCounts) has(q string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.until[q])
}

func (s *slowCounts) add(q string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until == nil || len(s.until) > 1000 {
		s.until = map[string]time.Time{}
	}
	s.until[q] = time.Now().Add(slowFor)
}

// CountTickets counts what each query, given as text, finds for the actor, all in one question. A text that cannot be
// followed, and what takes too long, is CountUnknown. version is that of the topic "tickets" at the same moment.
func (s *Store) CountTickets(ctx context.Context, actor Actor, texts []string) (counts []Count, version int64, err error) {
	defer wrap(&err, "CountTickets")
	counts, version, err = s.countTickets(ctx, actor, texts, countTime)
	if !errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
		return counts, version, err
	}
	// One of them takes too long: which?
	counts = make([]Count, len(texts))
	for i, text := range texts {
		counts[i] = CountUnknown
		if s.slow.has(text) {
			continue
		}
		began := time.Now()
		one, _, err := s.countTickets(ctx, actor, texts[i:i+1], eachTime)
		switch {
		case err == nil:
			counts[i] = one[0]
		case !errors.Is(err, ErrUnavailable) || time.Since(began) > 2*time.Second:
			return counts, 0, err
		default:
			s.slow.add(text)
		}
	}
	version, err = s.ListVersion(ctx, actor)
	return counts, version, err
}

func (s *Store) countTickets(ctx context.Context, actor Actor, texts []string, within time.Duration) (counts []Count, version int64, err error) {
	counts = make([]Count, len(texts))
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		args := pgx.StrictNamedArgs{}
		var parts []string
		var at []int
		for i, text := range texts {
			counts[i] = CountUnknown
			query, err := ParseQuery(actor.Role, text)
			if err != nil || s.slow.has(text) {
				continue
			}
			condition, err := query.condition(ctx, tx, actor, args)
			var wrong *InvalidQuery
			if errors.As(err, &wrong) {
				continue
			} else if err != nil {
				return err
			}
			parts = append(parts, fmt.Sprintf("(SELECT count(*) FROM (SELECT FROM tickets t WHERE %s LIMIT %d) x)::int", condition, CountLimit))
			at = append(at, i)
		}
		batch := &pgx.Batch{}
		batch.Queue(listVersionSQL(actor)).QueryRow(func(row pgx.Row) error { return row.Scan(&version) })
		if len(parts) > 0 {
			batch.Queue(fmt.Sprintf(`SET LOCAL statement_timeout = %d`, within.Milliseconds()))
			batch.Queue("SELECT ARRAY["+strings.Join(parts, ", ")+"]", args).QueryRow(func(row pgx.Row) error {
				var found []int
				if err := row.Scan(&found); err != nil {
					return err
				}
				for i, n := range found {
					counts[at[i]] = Count(n)
				}
				return nil
			})
		}
		return tx.SendBatch(ctx, batch).Close()
	})
	return counts, version, err
}
