package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Checkup is what a doctor wants to know of a database. Taking it changes nothing.
type Checkup struct {
	Version     int           // as server_version_num has it
	VersionText string        // as people call it
	Login       string        // whom the address logs in as
	Unbound     bool          // row-level security does not bind the login: a superuser, or BYPASSRLS
	Answered    time.Duration // what one question takes
	Ahead       time.Duration // by how much the database's clock is ahead of this machine's
	NotifyQueue float64       // how full the queue of NOTIFY is, 0 to 1; writers fail at 1
	Roles       []string      // what is wrong with the roles, a sentence each
	Unprotected []string      // tables of public whose row-level security is not enabled and forced
	Open        []string      // tables of which somebody without claims sees rows
}

// TakeCheckup looks at the database behind url, with the rights of its login.
func TakeCheckup(ctx context.Context, url string) (c Checkup, err error) {
	defer wrap(&err, "checkup")
	conn, err := connectPlain(ctx, url)
	if err != nil {
		return c, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	asked := time.Now()
	var there time.Time
	if err := conn.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&there); err != nil {
		return c, err
	}
	c.Answered = time.Since(asked)
	c.Ahead = there.Sub(asked.Add(c.Answered / 2))
	err = conn.QueryRow(ctx, `
		SELECT current_setting('server_version_num')::int, current_setting('server_version'), session_user::text,
		       (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user), pg_notification_queue_usage()`).
		Scan(&c.Version, &c.VersionText, &c.Login, &c.Unbound, &c.NotifyQueue)
	if err != nil {
		return c, err
	}
	if c.Roles, err = checkRoles(ctx, conn); err != nil {
		return c, err
	}
	if c.Unprotected, err = texts(conn.Query(ctx, `
		SELECT c.relname::text FROM pg_class c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
		ORDER BY 1`)); err != nil {
		return c, err
	}
	if len(c.Roles) == 0 {
		c.Open, err = openTables(ctx, conn)
	}
	return c, err
}

// ourRoles are what migrations/roles.sql makes.
var ourRoles = []string{"autocrm_owner", "autocrm_web", "authenticated", "autocrm_auth", "autocrm_worker"}

// checkRoles holds the roles against what the policies build on.
func checkRoles(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	return texts(conn.Query(ctx, `
		WITH there AS (
			SELECT r.oid, n.name, r.rolsuper, r.rolbypassrls
			FROM unnest($1::text[]) n (name) LEFT JOIN pg_roles r ON r.rolname = n.name)
		SELECT 'There is no role ' || name || '.' FROM there WHERE oid IS NULL
		UNION ALL
		SELECT 'Row-level security does not bind the role ' || name || ', a superuser or one with BYPASSRLS.' FROM there WHERE rolsuper OR rolbypassrls
		UNION ALL
		SELECT 'The role autocrm_web may not become ' || t.name || '.'
		FROM there t, there w
		WHERE w.name = 'autocrm_web' AND t.name IN ('authenticated', 'autocrm_auth', 'autocrm_worker') AND NOT pg_has_role(w.oid, t.oid, 'MEMBER')
		UNION ALL
		SELECT 'The role ' || a.name || ' may become ' || b.name || '.'
		FROM there a, there b
		WHERE a.oid <> b.oid AND NOT a.rolsuper AND pg_has_role(a.oid, b.oid, 'MEMBER')
			AND (a.name IN ('authenticated', 'autocrm_auth', 'autocrm_worker') OR a.name = 'autocrm_web' AND b.name = 'autocrm_owner')
		UNION ALL
		SELECT 'The login ' || session_user || ' may not become ' || name || '.'
		FROM there
		WHERE name IN ('autocrm_web', 'autocrm_worker') AND NOT pg_has_role(session_user, oid, 'MEMBER')
		UNION ALL
		SELECT 'The role ' || t.name || ' owns the table ' || c.relname || '.'
		FROM there t JOIN pg_class c ON c.relowner = t.oid
		WHERE t.name <> 'autocrm_owner' AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')`, ourRoles))
}

// openTables asks as somebody without claims, who must see nothing.
func openTables(ctx context.Context, conn *pgx.Conn) (open []string, err error) {
	tables, err := texts(conn.Query(ctx, `
		SELECT c.relname::text FROM pg_class c
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
			AND has_any_column_privilege('authenticated', c.oid, 'SELECT') ORDER BY 1`))
	if err != nil {
		return nil, err
	}
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL ROLE authenticated`); err != nil {
			return err
		}
		for _, table := range tables {
			var any bool
			if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM public.`+pgx.Identifier{table}.Sanitize()+`)`).Scan(&any); err != nil {
				return err
			}
			if any {
				open = append(open, table)
			}
		}
		return nil
	})
	return open, err
}

// AppliedMigrations lists the migrations that the database at url has. Only the owner's login may read them;
// another gets ErrForbidden.
func AppliedMigrations(ctx context.Context, url string) (versions []int64, err error) {
	defer wrap(&err, "applied migrations")
	conn, err := connectPlain(ctx, url)
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, `SELECT version_id FROM migrations.applied WHERE is_applied AND version_id > 0 ORDER BY 1`)
	if err == nil {
		versions, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && (pg.Code == "42P01" || pg.Code == "3F000") { // no such table, no such schema: none was ever applied
		return nil, nil
	}
	return versions, translate(err)
}

// OldestEvent is when the oldest commit was made that the log still holds; the zero time where there is none.
func (p *Probes) OldestEvent(ctx context.Context) (oldest time.Time, err error) {
	var place *int64
	if err = p.pool.QueryRow(ctx, `SELECT min(place) FROM event_commits`).Scan(&place); err == nil && place != nil {
		oldest = time.UnixMicro(*place)
	}
	return oldest, err
}

// Hearing is what became of a NOTIFY.
type Hearing struct {
	Heard    bool
	After    time.Duration // from the notifying commit
	SameBase bool          // both addresses lead to one database of one server
	Wandered bool          // the address of the listener changes the connection under it, as a transaction pooler does
}

// HearNotify listens at listenURL for what is notified at url, waiting at most patience.
func HearNotify(ctx context.Context, listenURL, url string, patience time.Duration) (h Hearing, err error) {
	defer wrap(&err, "LISTEN")
	listener, err := connectPlain(ctx, listenURL)
	if err != nil {
		return h, err
	}
	defer listener.Close(context.WithoutCancel(ctx))
	notifier, err := connectPlain(ctx, url)
	if err != nil {
		return h, err
	}
	defer notifier.Close(context.WithoutCancel(ctx))
	here, err := whichDatabase(ctx, listener)
	if err != nil {
		return h, err
	}
	there, err := whichDatabase(ctx, notifier)
	if err != nil {
		return h, err
	}
	h.SameBase = here == there
	// Through a pooler, LISTEN would stay on a connection that others get.
	if h.Wandered, err = Wanders(ctx, listenURL); err != nil || h.Wandered || !h.SameBase {
		return h, err
	}
	channel := fmt.Sprintf("autocrm_doctor_%x", rand.Uint64())
	if _, err := listener.Exec(ctx, "LISTEN "+channel); err != nil {
		return h, err
	}
	if _, err := notifier.Exec(ctx, "NOTIFY "+channel); err != nil {
		return h, err
	}
	sent := time.Now()
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err = listener.WaitForNotification(wait)
	h.Heard, h.After = err == nil, time.Since(sent)
	if wait.Err() != nil {
		err = ctx.Err()
	}
	return h, err
}

func whichDatabase(ctx context.Context, conn *pgx.Conn) (which string, err error) {
	err = conn.QueryRow(ctx, `SELECT current_database() || ' since ' || pg_postmaster_start_time()`).Scan(&which)
	return which, err
}

// Wanders says whether url leads through something that gives a session another connection from one transaction
// to the next. A second session that is in a transaction makes it show.
func Wanders(ctx context.Context, url string) (wanders bool, err error) {
	defer wrap(&err, "Wanders")
	one, err := connectPlain(ctx, url)
	if err != nil {
		return false, err
	}
	defer one.Close(context.WithoutCancel(ctx))
	two, err := connectPlain(ctx, url)
	if err != nil {
		return false, err
	}
	defer two.Close(context.WithoutCancel(ctx))
	var before, between, after uint32
	if err := one.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&before); err != nil {
		return false, err
	}
	err = pgx.BeginFunc(ctx, two, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&between); err != nil {
			return err
		}
		return one.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&after)
	})
	return before != after || before == between, err
}

// connectPlain connects without becoming any role, and in a way that every pooler lets through.
func connectPlain(ctx context.Context, url string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database address: %w", err)
	}
	config.RuntimeParams["application_name"] = "autocrm_doctor"
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	config.ConnectTimeout = 5 * time.Second
	return pgx.ConnectConfig(ctx, config)
}

func texts(rows pgx.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
