package chaos

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// TestExhaustedPool gives the node more transactions that wait than it has connections: what asks meanwhile waits,
// and is then told so; pages stay live; and all is well when the transactions are over.
func TestExhaustedPool(t *testing.T) {
	t.Parallel()
	r := newRig(t, setup{})
	r.write(t)
	r.rest() // or every failure below would be the writers'
	ctx := context.Background()
	tx, err := r.db.owner.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	if _, err := tx.Exec(ctx, `SELECT FROM tickets WHERE number = $1 FOR UPDATE`, r.customers[2].quiet); err != nil {
		t.Fatal(err)
	}
	broke := time.Now()
	var (
		asking  sync.WaitGroup
		mu      sync.Mutex
		slowest time.Duration
	)
	for range 20 {
		asking.Go(func() {
			form := url.Values{"id": {uuid.NewString()}, "content": {words("exhausted")}}
			got, err := r.agents[0].post(ctx, fmt.Sprintf("/tickets/%d/replies", r.customers[2].quiet), form)
			if err != nil {
				t.Error(err)
				return
			}
			if id := got.header.Get("X-Request-Id"); got.status != http.StatusServiceUnavailable || !strings.Contains(got.body, "does not answer") || !strings.Contains(got.body, id) {
				t.Errorf("a reply is answered %d:\n%.300s", got.status, got.body)
			}
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, got.took)
		})
	}
	waiting := func() int {
		return one[int](t, r.db, `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	}
	until(t, "the node's connections wait", patience, func() bool { return waiting() >= 4 })
	// The streams have connections of their own. They are told at once, although no page can be fetched.
	if _, err := r.db.owner.Exec(ctx, `UPDATE tickets SET priority = 'urgent' WHERE number = $1`, r.customers[0].quiet); err != nil {
		t.Fatal(err)
	}
	want := rows[truth](t, r.db, `SELECT number, seq, client_seq, client_id::text FROM tickets WHERE number = $1`, r.customers[0].quiet)
	until(t, "pages are told meanwhile", patience, func() bool {
		return !slices.ContainsFunc(r.watchers, func(w *watcher) bool { return w.mode == streaming && !w.has(want) })
	})
	told := time.Since(broke)
	for _, w := range r.watchers {
		if w.mode == streaming && w.state() != live {
			t.Errorf("%s is %s", w.name, w.state())
		}
	}
	asking.Wait()
	if slowest > failsWithin+slack {
		t.Errorf("a reply was answered after %s", slowest)
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	healed := time.Now()
	r.write(t)
	r.report(t, "pool exhausted", broke, healed, fmt.Sprintf("the last of 20 requests failed after %s", slowest.Round(10*time.Millisecond)),
		fmt.Sprintf("pages told meanwhile within %s", told.Round(10*time.Millisecond)),
		fmt.Sprintf("every writer wrote again after %s", time.Since(healed).Round(10*time.Millisecond)))
	if n := one[int](t, r.db, `SELECT count(*)::int FROM ticket_activities WHERE content LIKE 'exhausted %'`); n != 0 {
		t.Errorf("%d replies that failed are there", n)
	}
	r.check(t, noResync)
}

// TestLongTransaction holds a transaction open that has written: what others commit meanwhile is told as fast as
// ever, and what it wrote is told when it commits.
func TestLongTransaction(t *testing.T) {
	t.Parallel()
	r := newRig(t, setup{})
	r.write(t)
	ctx := context.Background()
	tx, err := r.db.owner.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	var number int64
	if err := tx.QueryRow(ctx, `INSERT INTO tickets (client_id, subject, description) VALUES ($1, 'Long', 'It takes long.') RETURNING number`,
		r.customers[0].id).Scan(&number); err != nil {
		t.Fatal(err)
	}
	broke := time.Now()
	var each []time.Duration
	for time.Since(broke) < either(5*time.Second, time.Minute) {
		for w, took := range r.tell(t) {
			if w.mode == streaming {
				each = append(each, took)
			}
		}
		time.Sleep(either(100*time.Millisecond, 500*time.Millisecond)) // the pace of the question
	}
	slices.Sort(each)
	median, worst := each[len(each)/2], each[len(each)-1]
	if median > time.Second {
		t.Errorf("half of what was told took longer than %s", median)
	}
	for _, w := range r.watchers {
		if w.knows(number) != 0 {
			t.Errorf("%s was told of what is not committed", w.name)
		}
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	healed := time.Now()
	r.report(t, "writing transaction held open for "+healed.Sub(broke).Round(time.Second).String(), broke, healed,
		fmt.Sprintf("%d deliveries, median %s, slowest %s", len(each), median.Round(time.Millisecond), worst.Round(time.Millisecond)))
	r.check(t, noResync)
}
