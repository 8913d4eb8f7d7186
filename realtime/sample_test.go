package realtime

import (
	"context"
	"errors"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/prometheus/client_golang/prometheus"
)

// reporting has a node write what it counts, often, until stop.
func reporting(t *testing.T, n *node, name string) (stop func()) {
	t.Helper()
	log, err := store.OpenHealthLog(t.Context(), n.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); n.hub.Report(ctx, log, name) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(func() { stop(); log.Close() })
	return stop
}

func TestNodesReportWhatTheyCount(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	often := setting{pace: func(p *pace) { p.sample = 20 * time.Millisecond }}
	one, two := newNode(t, db, often), newNode(t, db, often)
	admin, cleo := db.Person(t, store.Admin, "ada@example.com"), db.Person(t, store.Client, "cleo@example.com")
	stop := reporting(t, one, "one")
	reporting(t, two, "two")

	health := func() store.LiveHealth {
		h, err := db.Store.LiveHealth(t.Context(), admin)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	first, second := one.open(t, cleo, ""), two.open(t, cleo, "")
	one.poll(t, cleo, "")
	one.hub.TurnedAway(store.Client, "/live/poll", nil)
	one.hub.TurnedAway(store.Client, "/live", errors.New("the database is away"))
	submit(t, db, cleo)
	first.change("tickets")
	second.change("tickets")
	eventually(t, "both nodes' figures are there", func() bool {
		h := health()
		c := h.Portals[0]
		return len(h.Nodes) == 2 && h.Nodes[0].Listening && c.Streams == 2 && c.Polls == 0 && c.Connects == 3 && c.Failed == 1 &&
			c.Lags.Count() == 2 && len(c.Reasons) == 2 && h.Portals[1].Lags.Count() >= 2
	})
	// Nothing of it is news to anybody.
	var events int
	if err := db.Owner.QueryRow(t.Context(), `SELECT count(*) FROM events WHERE source NOT IN ('tickets', 'ticket_activities', 'users', 'sessions')`).Scan(&events); err != nil || events != 0 {
		t.Errorf("samples made %d events: %v", events, err)
	}

	// While the database takes nothing, a node goes on counting; then all of it is there, once.
	db.Exec(t, `ALTER TABLE live_samples RENAME TO away`)
	one.open(t, cleo, "")
	db.Exec(t, `ALTER TABLE away RENAME TO live_samples`)
	eventually(t, "what was counted meanwhile is there", func() bool { c := health().Portals[0]; return c.Streams == 3 && c.Connects == 4 })

	stop()
	if h := health(); len(h.Nodes) != 1 || h.Nodes[0].Node != "two" || h.Portals[0].Streams != 1 {
		t.Errorf("after one has left: %+v", h.Nodes)
	}
}

// The counts of a minute go with it, and nothing that came in between.
func TestTallyForgetsWhatWasKept(t *testing.T) {
	t.Parallel()
	h := &Hub{tally: newTally()}
	h.metrics, _ = newMetrics(prometheus.NewRegistry())
	h.noteOpen(store.Agent, "stream", "fresh")
	h.noteRefusal(store.Agent, "stream", unavailable)
	h.noteLag(&commit{agent: &batch{}}, -time.Second)
	kept := h.tally.read()
	h.noteOpen(store.Agent, "poll", "fresh")
	h.noteLag(&commit{agent: &batch{}}, time.Millisecond)
	h.tally.forget(kept)
	left := h.tally.read()[1]
	if left.Streams != 1 || left.Polls != 1 || left.Connects != 1 || left.Failed != 0 || len(left.Reasons) != 0 || left.Lags.Count() != 1 {
		t.Errorf("left over: %+v", left)
	}
	h.tally.of("", func(*store.LiveSample) { t.Error("somebody of no portal is counted") })
}
