// Package store is the model: types, rules, who may, SQL and transactions. It imports nothing of ours and
// knows neither HTTP nor HTML. Start with Store and as, then follow a verb such as Reply in ticket_reply.go.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"gocloud.dev/blob"
)

// Store answers every question and makes every change on behalf of an Actor. Safe for concurrent use.
type Store struct {
	pool   *pgxpool.Pool
	files  *blob.Bucket
	dummy  string // a password hash nobody's password has: what an unknown address is compared with
	Limits Limits

	sessions  sessionCrowd
	bulk      *bulkRunner
	searchers *searchers
	slow      slowCounts
}

// Limits are the durations and sizes an operator may want to know.
type Limits struct {
	InvitationLife time.Duration // how long an invitation's link works
	SessionIdle    time.Duration // a session unused for so long ends
	SessionLife    time.Duration // a session ends after this however much it is used
	TokenLife      time.Duration // an API token ends after this
	SearchTime     time.Duration // a search that takes longer is given up
}

// DefaultLimits are used for every limit that is zero.
var DefaultLimits = Limits{
	InvitationLife: 24 * time.Hour,
	SessionIdle:    7 * 24 * time.Hour,
	SessionLife:    30 * 24 * time.Hour,
	TokenLife:      5 * time.Minute,
	SearchTime:     time.Second,
}

// Open connects the pool that requests use. Between requests its connections are the role autocrm_web, which
// may read nothing, whatever rights the login at url has: a query that forgets to say for whom it asks fails.
// files keeps the attachments. Open does not migrate; see package migrations.
func Open(ctx context.Context, url string, files *blob.Bucket, limits Limits) (*Store, error) {
	pool, err := connect(ctx, url, "autocrm_web")
	if err != nil {
		return nil, err
	}
	bulk, err := newBulkRunner(ctx, url)
	if err != nil {
		pool.Close()
		return nil, err
	}
	searchers, err := newSearchers(ctx, url)
	if err != nil {
		bulk.close()
		pool.Close()
		return nil, err
	}
	return &Store{pool: pool, files: files, dummy: nobodysHash(), Limits: limits.withDefaults(), bulk: bulk, searchers: searchers}, nil
}

// Close ends the connections, waiting for those in use. Bulk changes under way are cancelled.
func (s *Store) Close() {
	s.bulk.close()
	s.searchers.store.pool.Close()
	s.pool.Close()
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.pool.Ping(ctx) }

func (l Limits) withDefaults() Limits {
	if l.InvitationLife == 0 {
		l.InvitationLife = DefaultLimits.InvitationLife
	}
	if l.SessionIdle == 0 {
		l.SessionIdle = DefaultLimits.SessionIdle
	}
	if l.SessionLife == 0 {
		l.SessionLife = DefaultLimits.SessionLife
	}
	if l.TokenLife == 0 {
		l.TokenLife = DefaultLimits.TokenLife
	}
	if l.SearchTime == 0 {
		l.SearchTime = DefaultLimits.SearchTime
	}
	return l
}

const (
	connectTime = 5 * time.Second
	pingTime    = 3 * time.Second // for a connection that lay idle, before it is used again
	// requestTime is all a verb's transaction may take, the wait for a connection included. That wait is shorter: who
	// gets none could not be served either, and a request has several transactions.
	requestTime = 15 * time.Second
	waitTime    = 10 * time.Second
)

func connect(ctx context.Context, url, role string, change ...func(*pgxpool.Config)) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database address: %w", err)
	}
	config.ConnConfig.RuntimeParams["application_name"] = role
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "60000"
	config.ConnConfig.RuntimeParams["statement_timeout"] = "30000"
	// A network that swallows everything says nothing; what waits for it must end all the same.
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTime
	}
	config.PingTimeout = pingTime
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SET ROLE `+pgx.Identifier{role}.Sanitize())
		return err
	}
	for _, f := range change {
		f(config)
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return pool, nil
}

// as runs f in a transaction in which the database takes the caller for actor: what f reads and writes passes
// the row-level security of that person. f's error rolls back.
func (s *Store) as(ctx context.Context, actor Actor, f func(tx pgx.Tx) error) error {
	if actor.UserID == noID || len(actor.Claims) == 0 {
		return fmt.Errorf("%w: no actor", ErrForbidden)
	}
	return s.in(ctx, "authenticated", string(actor.Claims), pgx.ReadCommitted, f)
}

// seeing is as for reading alone: every query of f sees the same moment.
func (s *Store) seeing(ctx context.Context, actor Actor, f func(tx pgx.Tx) error) error {
	if actor.UserID == noID || len(actor.Claims) == 0 {
		return fmt.Errorf("%w: no actor", ErrForbidden)
	}
	return s.in(ctx, "authenticated", string(actor.Claims), pgx.RepeatableRead, f)
}

// signingIn runs f as the role that may read passwords, sessions and invitations, and nothing else: for a
// caller that is not known yet.
func (s *Store) signingIn(ctx context.Context, f func(tx pgx.Tx) error) error {
	return s.in(ctx, "autocrm_auth", "", pgx.ReadCommitted, f)
}

// in begins, and in the same round trip says who asks. Both settings are the transaction's own: nothing is
// left on the connection, however f ends.
func (s *Store) in(ctx context.Context, role, claims string, level pgx.TxIsoLevel, f func(tx pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	return transact(ctx, s.pool, role, claims, level, f)
}

// transact is in on any pool, for as long as ctx lets it.
func transact(ctx context.Context, pool *pgxpool.Pool, role, claims string, level pgx.TxIsoLevel, f func(tx pgx.Tx) error) error {
	mode := ""
	if level == pgx.RepeatableRead {
		mode = " READ ONLY"
	}
	conn, err := acquire(ctx, pool)
	if err != nil {
		return unavailable(err)
	}
	defer release(conn)
	escaped, err := conn.Conn().PgConn().EscapeString(claims)
	if err != nil {
		return err
	}
	begin := fmt.Sprintf(`BEGIN ISOLATION LEVEL %s%s; SELECT set_config('request.jwt.claims', '%s', true); SET LOCAL ROLE %s`,
		level, mode, escaped, role)
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: begin})
	if err != nil {
		return unavailable(err)
	}
	// Rolls back also where f panics or the caller has gone; after a commit it does nothing.
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTime)
		defer cancel()
		tx.Rollback(ctx) //nolint:errcheck // the error that matters is f's or the commit's
	}()
	if err := f(bounded{tx, ctx}); err != nil {
		return translate(err)
	}
	return translate(tx.Commit(ctx))
}

func acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, waitTime)
	defer cancel()
	return pool.Acquire(ctx)
}

// release returns a connection to the pool. One that was lost leaves it at once: the driver may take a quarter of a
// minute to part from a server that does not answer, and would hold its place for so long.
func release(conn *pgxpool.Conn) {
	if conn.Conn().IsClosed() {
		conn.Hijack()
		return
	}
	conn.Release()
}

// bounded is a transaction whose every statement ends with the transaction's own time, whatever context the verb
// passes: that one lives as long as its caller waits.
type bounded struct {
	pgx.Tx
	ctx context.Context
}

func (b bounded) Exec(_ context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return b.Tx.Exec(b.ctx, sql, args...)
}

func (b bounded) Query(_ context.Context, sql string, args ...any) (pgx.Rows, error) {
	return b.Tx.Query(b.ctx, sql, args...)
}

func (b bounded) QueryRow(_ context.Context, sql string, args ...any) pgx.Row {
	return b.Tx.QueryRow(b.ctx, sql, args...)
}

func (b bounded) SendBatch(_ context.Context, batch *pgx.Batch) pgx.BatchResults {
	return b.Tx.SendBatch(b.ctx, batch)
}

// one collects exactly one row into T by column name; no row is ErrNotFound.
func one[T any](rows pgx.Rows, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[T])
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return found, err
}

// all collects every row into T by column name.
func all[T any](rows pgx.Rows, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[T])
}
