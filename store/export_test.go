package store

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// As is as, for its test.
func (s *Store) As(ctx context.Context, actor Actor, f func(tx pgx.Tx) error) error {
	return s.as(ctx, actor, f)
}

// Seeing is seeing, for its test.
func (s *Store) Seeing(ctx context.Context, actor Actor, f func(tx pgx.Tx) error) error {
	return s.seeing(ctx, actor, f)
}

// Between asks what a connection is when nobody uses it.
func (s *Store) Between(ctx context.Context) (role, claims string, err error) {
	err = s.pool.QueryRow(ctx, `SELECT current_user, coalesce(current_setting('request.jwt.claims', true), '')`).Scan(&role, &claims)
	return role, claims, err
}

// Connections is how many connections the pool has made, and may have at once.
func (s *Store) Connections() (made int64, most int32) {
	stat := s.pool.Stat()
	return stat.NewConnsCount(), stat.MaxConns()
}

// SendHeld sends the replies that are due, once.
func (u *Upkeep) SendHeld(ctx context.Context) error { return u.sendHeld(ctx) }

// WakeTickets is what wakes those whose time has come.
var WakeTickets = wakeTickets

// RemindOfWaiting is remindOfWaiting, for its test.
func (u *Upkeep) RemindOfWaiting(ctx context.Context) error { return u.remindOfWaiting(ctx) }

// Traced is a store of the same database that tells tracer all it says, and what closes it.
func (s *Store) Traced(tracer pgx.QueryTracer) (traced *Store, closeIt func(), err error) {
	config := s.pool.Config()
	config.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		return nil, nil, err
	}
	traced = &Store{pool: pool, files: s.files, dummy: s.dummy, Limits: s.Limits}
	traced.searchers = &searchers{store: traced}
	return traced, pool.Close, nil
}
