package store

import (
	"context"
	"errors"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// searchers are the connections that searches have to themselves: however many search, and however long, no other
// request waits for one of them.
type searchers struct {
	store   *Store
	waiting atomic.Int32
}

func newSearchers(ctx context.Context, url string) (*searchers, error) {
	pool, err := connect(ctx, url, "autocrm_web", func(config *pgxpool.Config) {
		config.MaxConns, config.MinConns, config.MinIdleConns = searchConnections, 0, 0
	})
	if err != nil {
		return nil, err
	}
	return &searchers{store: &Store{pool: pool}}, nil
}

// searching is seeing for searches: on connections of their own, and within Limits.SearchTime, all its statements together. What takes longer is
// ErrSearchSlow, and where too many wait already it is ErrSearchBusy.
func (s *Store) searching(ctx context.Context, actor Actor, f func(tx pgx.Tx) error) error {
	if s.searchers.waiting.Add(1) > searchWaiters {
		s.searchers.waiting.Add(-1)
		return ErrSearchBusy
	}
	begun := false
	done := func() {
		if !begun {
			begun = true
			s.searchers.waiting.Add(-1)
		}
	}
	defer done()
	waiting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := time.AfterFunc(searchWait, func() { cancel(ErrSearchBusy) })
	defer patience.Stop()
	err := s.searchers.store.seeing(waiting, actor, func(tx pgx.Tx) error {
		if !patience.Stop() {
			return ErrSearchBusy
		}
		done()
		timed := &timedTx{Tx: tx, until: time.Now().Add(s.Limits.SearchTime)}
		return timed.judge(f(timed))
	})
	if err != nil && context.Cause(waiting) == ErrSearchBusy && ctx.Err() == nil {
		return ErrSearchBusy
	}
	return err
}

// timedTx gives each statement what is left of the time for all of them.
type timedTx struct {
	pgx.Tx
	until time.Time
	slow  bool
}

func (t *timedTx) limit(ctx context.Context) error {
	left := time.Until(t.until).Milliseconds()
	if left <= 0 {
		t.slow = true
		return ErrSearchSlow
	}
	_, err := t.Tx.Exec(ctx, `SELECT set_config('statement_timeout', $1, true)`, strconv.FormatInt(left, 10))
	return err
}

func (t *timedTx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := t.limit(ctx); err != nil {
		return nil, err
	}
	return t.Tx.Query(ctx, sql, args...)
}

func (t *timedTx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := t.limit(ctx); err != nil {
		return failedRow{err}
	}
	return t.Tx.QueryRow(ctx, sql, args...)
}

// judge tells the time that ran out from other failures. It keeps nothing of the database's error: that one would be
// taken for a database that does not answer.
func (t *timedTx) judge(err error) error {
	var pg *pgconn.PgError
	if t.slow || errors.As(err, &pg) && pg.Code == "57014" {
		return ErrSearchSlow
	}
	return err
}

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }
