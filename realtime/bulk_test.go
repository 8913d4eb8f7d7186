package realtime

import (
	"context"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"
)

// However much one transaction changes, it rings once and tells each stream a bounded number of things, and
// none of them less than that something it shows has changed.
func TestABulkChangeIsTold(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	agent, admin := db.Person(t, store.Agent, "agent@example.com"), db.Person(t, store.Admin, "admin@example.com")
	busy, quiet := db.Person(t, store.Client, "busy@example.com"), db.Person(t, store.Client, "quiet@example.com")
	db.Exec(t, `SET session_replication_role = replica; INSERT INTO tickets (client_id, subject, description)
		SELECT '`+busy.UserID.String()+`', 'Printer', 'It smokes' FROM generate_series(1, 10000); SET session_replication_role = origin`)
	own := submit(t, db, quiet)
	n := newNode(t, db, setting{})
	listener, err := db.Owner.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Release()
	if _, err := listener.Exec(t.Context(), "LISTEN "+channel); err != nil {
		t.Fatal(err)
	}

	before := n.hub.Cursor()
	all := map[string]*reader{"agent": n.open(t, agent, ""), "admin": n.open(t, admin, ""), "busy": n.open(t, busy, "")}
	few := n.open(t, quiet, "")
	for _, r := range all {
		r.until("ping")
	}
	few.until("ping")
	db.Exec(t, `UPDATE tickets SET priority = 'urgent'`)
	for who, r := range all {
		e := r.next()
		for e.Event == "ping" {
			e = r.next()
		}
		if e.Event != "resync" || e.text("cursor") != e.ID {
			t.Errorf("%s is told %s %s of ten thousand changes", who, e.Event, e.Data)
		}
	}
	if got := few.change(store.TicketTopic(own)); got.Version < 2 { // one ticket is no bulk to its client
		t.Errorf("version %d", got.Version)
	}
	rings := 0
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		_, err := listener.Conn().WaitForNotification(ctx)
		cancel()
		if err != nil {
			break
		}
		rings++
	}
	if rings != 1 {
		t.Errorf("one transaction rang %d times", rings)
	}

	// Whoever was away is told the same, and whoever has been told is not told again.
	again := n.open(t, agent, before)
	if e := again.next(); e.Event != "resync" {
		t.Errorf("%s after coming back", e.Event)
	}
	again.until("ping")
	if answer := n.poll(t, agent, "wait=0&after="+before); len(answer.Events) != 1 || answer.Events[0].Event != "resync" {
		t.Errorf("a poll is told %v", answer.Events)
	}
	told := n.open(t, agent, all["agent"].cursor)
	if signals, _ := told.until("ping"); len(signals) != 0 {
		t.Errorf("told twice: %v", signals)
	}
	say(t, db, own, quiet, "comment")
	for _, r := range []*reader{all["agent"], again, told} {
		r.change(store.TicketTopic(own))
	}
}
