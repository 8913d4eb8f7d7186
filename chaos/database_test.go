package chaos

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"autocrm/migrations"
	"autocrm/postgres"
	"autocrm/store/storetest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// database is what the nodes work on. The rig itself reaches it past every fault in between.
type database struct {
	name    string
	owner   *pgxpool.Pool // what somebody does in psql, and where the truth is read
	cluster *cluster      // nil: the tests' common server, which nobody may break
}

// sharedDatabase is one of the tests' common server.
func sharedDatabase(t testing.TB) *database {
	t.Helper()
	db := storetest.New(t)
	return &database{name: db.Owner.Config().ConnConfig.Database, owner: db.Owner}
}

// ownDatabase is on a PostgreSQL of its own, which a fault may do anything to.
func ownDatabase(t testing.TB) *database {
	t.Helper()
	c := startCluster(t)
	ctx := context.Background()
	if err := c.server.EnsureDatabase(ctx, "autocrm"); err != nil {
		t.Fatal(err)
	}
	address := c.server.URL(postgres.Superuser, "autocrm")
	if _, err := migrations.Apply(ctx, address); err != nil {
		t.Fatal(err)
	}
	owner, err := pgxpool.New(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	return &database{name: "autocrm", owner: owner, cluster: c}
}

// dial connects to the server as it is now.
func (db *database) dial(ctx context.Context) (net.Conn, error) {
	config := db.owner.Config().ConnConfig
	network, address := pgconn.NetworkAddress(config.Host, config.Port)
	return new(net.Dialer).DialContext(ctx, network, address)
}

// through is the database's address by way of a wire.
func (db *database) through(w *wire, user string) string {
	u := url.URL{Scheme: "postgres", User: url.User(user), Host: w.address, Path: "/" + db.name, RawQuery: "sslmode=disable"}
	return u.String()
}

// exec runs SQL as somebody in psql would.
func (db *database) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := db.owner.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// one reads one value.
func one[T any](t testing.TB, db *database, sql string, args ...any) (value T) {
	t.Helper()
	if err := db.owner.QueryRow(context.Background(), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// rows reads all there are.
func rows[T any](t testing.TB, db *database, sql string, args ...any) []T {
	t.Helper()
	found, err := db.owner.Query(context.Background(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	all, err := pgx.CollectRows(found, pgx.RowToStructByPos[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return all
}

// cluster is a PostgreSQL of the rig's own. What it says is committed is on the disk: it is killed here.
type cluster struct {
	t      testing.TB
	dir    string
	server *postgres.Server
}

func startCluster(t testing.TB) *cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "autocrm-chaos-")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, dir: dir}
	t.Cleanup(func() {
		if c.server != nil {
			c.signal(syscall.SIGCONT)
			c.stop()
		}
		os.RemoveAll(dir)
	})
	c.start()
	return c
}

func (c *cluster) start() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	server, err := postgres.Start(ctx, postgres.Options{Dir: c.dir, Durable: true})
	if err != nil {
		c.t.Fatal(err)
	}
	c.server = server
}

// stop is a fast shutdown: sessions are told and ended.
func (c *cluster) stop() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.server.Stop(ctx); err != nil {
		c.t.Error(err)
	}
}

// kill ends every process at once, as a power cut would.
func (c *cluster) kill() {
	c.t.Helper()
	c.signal(syscall.SIGKILL)
	select {
	case <-c.server.Done():
	case <-time.After(patience):
		c.t.Fatal("PostgreSQL survived its death")
	}
	c.stop() // gives back what outlives the processes
}

// signal goes to every process of the server. The postmaster is stopped first: it can start no more then, nor lose
// its children, by which they are known.
func (c *cluster) signal(signal syscall.Signal) {
	c.t.Helper()
	raw, err := os.ReadFile(filepath.Join(c.dir, "postgres", "postmaster.pid"))
	if err != nil {
		return // it is not running
	}
	first, _, _ := bytes.Cut(raw, []byte("\n"))
	postmaster, err := strconv.Atoi(string(first))
	if err != nil || postmaster <= 1 {
		c.t.Fatalf("postmaster.pid says %q", first)
	}
	syscall.Kill(postmaster, syscall.SIGSTOP)
	for _, pid := range append(childrenOf(postmaster), postmaster) {
		syscall.Kill(pid, signal)
	}
}

func childrenOf(parent int) (children []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		// The name, in brackets, may hold anything; after it come the state and the parent.
		fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
		if len(fields) > 1 && fields[1] == fmt.Sprint(parent) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			children = append(children, pid)
		}
	}
	return children
}

// connectTo is one connection, for the length of the test.
func connectTo(t testing.TB, config *pgx.ConnConfig) *pgx.Conn {
	t.Helper()
	conn, err := pgx.ConnectConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}
