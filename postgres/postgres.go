// Package postgres runs a private PostgreSQL server for an AutoCRM that was
// given no DATABASE_URL: it finds the server's programs on this machine, makes
// the cluster, starts it behind a Unix socket that only its own OS user can
// reach, and stops it again. It never opens a port, never downloads anything
// and knows nothing of AutoCRM's tables. Start reading at Start.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Superuser is the role that owns the cluster.
const Superuser = "postgres"

// Options say where the server keeps its data and how it runs.
type Options struct {
	// Dir holds the cluster (Dir/postgres) and its log (Dir/postgres.log).
	// It is made when missing. Where root runs AutoCRM and the server's
	// unprivileged user cannot enter Dir, Dir/postgres becomes a symbolic
	// link to a directory under /var/lib.
	Dir string

	// Durable is for data that must survive a power cut. Tests do without.
	Durable bool

	// Follows makes a cluster that is missing a copy of that server's, and
	// the server its streaming standby until it is promoted. Both must be
	// Durable. Where nil, a new cluster is empty.
	Follows *Server

	// Progress is told, in sentences for people, what takes time. May be nil.
	Progress func(msg string)
}

// Server is a running PostgreSQL.
type Server struct {
	data      string
	socketDir string
	lock      *os.File
	log       *logFile
	process   *process

	done     chan struct{}
	stopping atomic.Bool
	stop     sync.Once
	stopErr  error
}

// Start makes the cluster if there is none and starts it. It returns when the
// server answers. ctx bounds the start only, not the life of the server; when
// it is cancelled, nothing is left running and nothing half-made.
//
// A directory that another AutoCRM uses is answered with an *InUseError.
func Start(ctx context.Context, o Options) (*Server, error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("find the data directory %s: %w", o.Dir, err)
	}
	as, err := serverAccount(filepath.Join(dir, "postgres"))
	if err != nil {
		return nil, err
	}
	found, err := findInstallations(ctx, as)
	if err != nil {
		return nil, err
	}
	data, err := place(ctx, dir, as, found[0], o.Progress)
	if err != nil {
		return nil, err
	}

	s := &Server{data: data, done: make(chan struct{})}
	if s.lock, err = lockCluster(data, dir); err != nil {
		return nil, err
	}
	if err := s.start(ctx, o, dir, as, found); err != nil {
		s.release()
		return nil, err
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, o Options, dir string, as account, found []installation) error {
	use, err := choose(found, s.data)
	if err != nil {
		return err
	}
	stranger, err := stopOrphan(ctx, s.data, o.Progress)
	if err != nil {
		return err
	}
	if err := ensureCluster(ctx, use, as, s.data, o); err != nil {
		return err
	}
	if s.socketDir, err = makeSocketDir(ctx, s.data, as, use); err != nil {
		return err
	}
	if s.log, err = openLog(filepath.Join(dir, "postgres.log")); err != nil {
		return err
	}
	o.Progress(fmt.Sprintf("starting PostgreSQL %s", use.version))
	if err := s.launch(ctx, use, as, o, stranger); err != nil {
		return err
	}
	go func() {
		<-s.process.exited
		if !s.stopping.Load() {
			close(s.done)
		}
	}()
	return nil
}

// launch starts the postmaster and waits for its first answer.
func (s *Server) launch(ctx context.Context, use installation, as account, o Options, stranger int) error {
	giveUp := time.Now().Add(10 * time.Second)
	for {
		s.log.forget()
		cmd := as.command(use.program("postgres"), settings(s.data, s.socketDir, o.Durable)...)
		cmd.Stdout, cmd.Stderr = s.log, s.log
		if stranger != 0 {
			// PostgreSQL takes any living process with the number in a stale
			// postmaster.pid for its twin, except its parent and the one named
			// here. Deleting the file instead would also delete its check
			// that no backend of the dead server still has the data open.
			cmd.Env = append(cmd.Env, fmt.Sprintf("PG_GRANDPARENT_PID=%d", stranger))
		}
		var err error
		if s.process, err = launch(cmd, stopSignal); err != nil {
			return fmt.Errorf("start PostgreSQL: %w", as.explain(err))
		}
		err = s.awaitReady(ctx, o.Progress)
		if err == nil {
			return nil
		}
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		s.process.stop(stop)
		cancel()
		// The backends of a postmaster that was killed take a moment to see it.
		if ctx.Err() != nil || !s.log.saw("pre-existing shared memory block") || time.Now().After(giveUp) {
			return err
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
}

// awaitReady returns when the server answers, or can no longer be expected to.
func (s *Server) awaitReady(ctx context.Context, progress func(string)) error {
	begun, told := time.Now(), false
	for {
		err := s.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.process.exited:
			return fmt.Errorf("PostgreSQL did not start: %s (its log is %s)", s.log.reason(), s.log.path)
		case <-ctx.Done():
			return fmt.Errorf("start PostgreSQL: %w", context.Cause(ctx))
		default:
		}
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code != "57P03" { // cannot_connect_now: starting up
			return fmt.Errorf("PostgreSQL refuses AutoCRM: %w", err)
		}
		if !told && time.Since(begun) > 2*time.Second {
			told = true
			progress("PostgreSQL is recovering what was not yet written when it last stopped")
		}
		if err := pause(ctx, 10*time.Millisecond); err != nil {
			return fmt.Errorf("start PostgreSQL: %w", err)
		}
	}
}

func (s *Server) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.URL(Superuser, "postgres"))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// URL is what pgx connects with. There is no password: the socket can be
// reached by the server's OS user and root only.
func (s *Server) URL(user, database string) string {
	u := url.URL{
		Scheme: "postgres",
		User:   url.User(user),
		Path:   "/" + database,
		// Port and sslmode are said so that PGPORT and PGSSLMODE, meant for
		// another server, change nothing here.
		RawQuery: url.Values{"host": {s.socketDir}, "port": {port}, "sslmode": {"disable"}}.Encode(),
	}
	return u.String()
}

// Done is closed when the server ends without Stop having been called.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err says in one sentence why the server ended by itself; nil while it runs
// and after Stop.
func (s *Server) Err() error {
	select {
	case <-s.done:
		return fmt.Errorf("PostgreSQL stopped by itself (%s); its log is %s", s.process.cmd.ProcessState, s.log.path)
	default:
		return nil
	}
}

// Stop ends the server: open transactions are rolled back, what was committed
// is written, and no process remains. When ctx ends first the server is
// stopped the hard way, which costs a recovery at the next start and no data.
func (s *Server) Stop(ctx context.Context) error {
	s.stop.Do(func() {
		s.stopping.Store(true)
		s.stopErr = s.process.stop(ctx)
		s.release()
	})
	return s.stopErr
}

// release gives back what outlives the process. The lock comes last: whoever
// gets it next must find everything else gone.
func (s *Server) release() {
	if s.socketDir != "" {
		os.RemoveAll(s.socketDir)
	}
	if s.log != nil {
		s.log.close()
	}
	// Said, not left to Close: a child just being forked holds a copy of the file.
	syscall.Flock(int(s.lock.Fd()), syscall.LOCK_UN)
	s.lock.Close()
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
