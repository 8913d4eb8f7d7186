package chaos

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autocrm/migrations"
	"autocrm/postgres"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pair is a primary and the standby that streams from it, each a PostgreSQL of its own, and a wire to each.
type pair struct {
	*database
	primary, standby     *cluster
	toPrimary, toStandby *wire
	settings             []string // of nodes
}

// startPair starts both. synchronous: the primary answers a commit only when the standby has it on its disk.
func startPair(t *testing.T, synchronous bool) *pair {
	t.Helper()
	p := &pair{primary: startCluster(t)}
	p.standby = follow(t, p.primary)
	if synchronous {
		p.primary.psql(`ALTER SYSTEM SET synchronous_standby_names = '*'`)
		p.primary.psql(`SELECT pg_reload_conf()`)
	}
	p.toPrimary, p.toStandby = newWire(t, p.primary.dial), newWire(t, p.standby.dial)
	ctx := context.Background()
	if err := p.primary.server.EnsureDatabase(ctx, "autocrm"); err != nil {
		t.Fatal(err)
	}
	if _, err := migrations.Apply(ctx, p.primary.server.URL(postgres.Superuser, "autocrm")); err != nil {
		t.Fatal(err)
	}
	until(t, "the standby streams", patience, func() bool {
		state := "async"
		if synchronous {
			state = "sync"
		}
		return p.primary.psql(`SELECT coalesce(max(sync_state), '') FROM pg_stat_replication WHERE state = 'streaming'`) == state
	})
	// The standby comes first: whoever takes the first that answers is wrong.
	owner, err := pgxpool.New(ctx, fmt.Sprintf("postgres://%s@/autocrm?host=%s,%s&sslmode=disable&target_session_attrs=read-write",
		postgres.Superuser, p.standby.socketDir(), p.primary.socketDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(owner.Close)
	p.database = &database{name: "autocrm", owner: owner, cluster: p.primary}
	p.settings = sharedSettings(t,
		[2]string{"autocrm_web:secret@", "autocrm_web@"}, [2]string{"autocrm_admin:secret@", postgres.Superuser + "@"},
		[2]string{"db1.example.com:5432", p.toStandby.address}, [2]string{"db2.example.com:5432", p.toPrimary.address})
	return p
}

// follow starts a standby of primary.
func follow(t *testing.T, primary *cluster) *cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "autocrm-chaos-")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, dir: dir}
	t.Cleanup(func() {
		if c.server != nil {
			c.stop()
		}
		os.RemoveAll(dir)
	})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if c.server, err = postgres.Start(ctx, postgres.Options{Dir: dir, Durable: true, Follows: primary.server}); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *cluster) socketDir() string {
	address, _ := url.Parse(c.server.URL(postgres.Superuser, "postgres"))
	return address.Query().Get("host")
}

func (c *cluster) dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", c.socketDir()+"/.s.PGSQL.5432")
}

// psql runs one statement on the server itself, past everything, and gives the first value it answers.
func (c *cluster) psql(sql string) (value string) {
	c.t.Helper()
	ctx := context.Background()
	conn, err := pgconn.Connect(ctx, c.server.URL(postgres.Superuser, "postgres"))
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close(ctx)
	results, err := conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		c.t.Fatalf("%s: %v", sql, err)
	}
	if len(results[0].Rows) == 0 {
		return ""
	}
	return string(results[0].Rows[0][0])
}

// TestFailover takes a primary away whose standby has all that was acknowledged, and promotes the standby. A
// process that dies closes its connections; a machine that goes away closes none.
func TestFailover(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"killed", "out of reach"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startPair(t, true)
			r := newRig(t, setup{db: p.database, nodes: 2, settings: p.settings, front: takeTurns})
			r.write(t)
			broke := time.Now()
			if name == "out of reach" {
				p.toPrimary.blackHole()
			}
			p.primary.kill()
			r.answersThough(t, "nothing takes writes")
			time.Sleep(time.Until(broke.Add(either(6*time.Second, 30*time.Second)))) // until somebody decides
			p.promote(t)
			healed := time.Now()
			r.flows(t, "again", healed, patience)
			writing := time.Since(healed)
			until(t, "every page is live", patience, r.allLive)
			r.report(t, "primary "+name+", synchronous standby promoted", broke, healed,
				fmt.Sprintf("every writer writes %s after the promotion", writing.Round(10*time.Millisecond)))
			r.check(t, noResync)
		})
	}
}

// TestFailoverThatLosesCommits promotes a standby that lacks what pages have been told of, and writes there before
// any node has noticed. Each page must be told to look at everything again.
func TestFailoverThatLosesCommits(t *testing.T) {
	t.Parallel()
	p := startPair(t, false)
	r := newRig(t, setup{db: p.database, nodes: 2, settings: p.settings, front: takeTurns})
	r.write(t)
	r.rest()
	r.tell(t)
	until(t, "the standby has everything", patience, func() bool {
		return p.primary.psql(`SELECT bool_and(replay_lsn = pg_current_wal_lsn()) FROM pg_stat_replication`) == "t"
	})
	p.standby.psql(`ALTER SYSTEM SET primary_conninfo = ''`)
	p.standby.psql(`SELECT pg_reload_conf()`)
	until(t, "the standby follows no more", patience, func() bool {
		return p.primary.psql(`SELECT count(*) FROM pg_stat_replication`) == "0"
	})
	r.tell(t) // this will be lost
	before := map[*watcher]int{}
	for _, w := range r.watchers {
		_, _, before[w], _ = w.seen()
	}
	broke := time.Now()
	p.primary.kill()
	p.promote(t)
	healed := time.Now()
	r.db.owner.Reset()
	r.say(t, "comment")
	until(t, "every page was told to look at everything again", patience, func() bool {
		for _, w := range r.watchers {
			if _, _, resyncs, _ := w.seen(); resyncs == before[w] {
				return false
			}
		}
		return true
	})
	until(t, "every page is live", patience, r.allLive)
	r.write(t)
	r.report(t, "primary killed, standby promoted that lacks commits", broke, healed)
	r.check(t, mayResync)
}

// takeTurns leads each connection to the next node.
func takeTurns(r *rig) string {
	var turn atomic.Int64
	return newWire(r.t, func(ctx context.Context) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", r.nodes[turn.Add(1)%int64(len(r.nodes))].address)
	}).address
}

// promote makes the standby the primary, as pg_ctl promote does.
func (p *pair) promote(t *testing.T) {
	t.Helper()
	if p.standby.psql(`SELECT pg_promote()`) != "t" {
		t.Fatal("the standby was not promoted")
	}
}

// answersThough asks for pages while the database is away: each answer comes in time, and is an error in words.
func (r *rig) answersThough(t *testing.T, words string) {
	t.Helper()
	var asking sync.WaitGroup
	for _, path := range []string{"/", "/tickets", "/live"} {
		asking.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			got, err := r.agents[0].get(ctx, path)
			if err != nil || got.status != http.StatusInternalServerError && got.status != http.StatusServiceUnavailable || got.body == "" {
				t.Errorf("though %s, GET %s: %d %v %q", words, path, got.status, err, got.body)
			}
			if got.took > 25*time.Second { // 15 s, on a machine that has time
				t.Errorf("though %s, GET %s took %s", words, path, got.took)
			}
		})
	}
	asking.Wait()
}
