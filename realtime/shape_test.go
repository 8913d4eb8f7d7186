package realtime

import (
	"context"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
)

// What the desk does with a ticket for itself alone is told to the desk, and is not a blink on its client's wire.
func TestTheDesksShapingIsNotABlinkOnItsClientsWire(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, agent, colleague := db.Person(t, store.Client, "client@example.com"), db.Person(t, store.Agent, "agent@example.com"), db.Person(t, store.Agent, "ben@example.com")
	number, other := submit(t, db, client), submit(t, db, client)
	n := newNode(t, db, setting{pace: func(p *pace) { p.ping = 200 * time.Millisecond }})
	theirs, ours := n.open(t, client, ""), n.open(t, agent, "")
	theirs.until("ping")
	before := ours.hello
	entry := uuid.New()
	for name, act := range []func() error{
		func() error { return db.Store.Tag(ctx, agent, number, "vip") },
		func() error { return db.Store.Untag(ctx, agent, number, "vip") },
		func() error { return db.Store.Snooze(ctx, agent, number, store.SnoozeUntilAnswer) },
		func() error { return db.Store.Wake(ctx, agent, number) },
		func() error { return db.Store.Link(ctx, agent, number, other, store.RoleDuplicateOf) },
		func() error { return db.Store.Follow(ctx, agent, number) },
		func() error { return db.Store.Unfollow(ctx, agent, number) },
		func() error {
			return db.Store.Forward(ctx, agent, number, store.Forwarding{ID: uuid.New(), To: colleague.UserID, Note: "Look."})
		},
		func() error { return db.Store.AddTime(ctx, agent, number, store.TimeSpent{ID: entry, Spent: "5m"}) },
		func() error { return db.Store.RemoveTime(ctx, agent, number, entry) },
	} {
		if err := act(); err != nil {
			t.Fatalf("%d: %v", name, err)
		}
		ours.change(store.TicketTopic(number))
	}
	for range 3 { // pings sent after all of it
		if e := theirs.next(); e.Event != "ping" || string(e.Data) != `{"current":true}` {
			t.Errorf("the client gets %+v", e)
		}
	}
	if signals, _ := n.open(t, client, before.ID).until("ping"); len(signals) != 0 {
		t.Errorf("the client resumes with %v", signals)
	}
	// A linked ticket's status is told to those who look at the links, and of these not to the client.
	if err := db.Store.ChangeStatus(ctx, agent, other, store.StatusNew, store.StatusOpen); err != nil {
		t.Fatal(err)
	}
	ours.change(store.LinksTopic(number))
	signals, _ := theirs.until("ping")
	for _, s := range signals {
		if s.Topic != "tickets" && s.Topic != store.TicketTopic(other) {
			t.Errorf("the client is told of %s", s.Topic)
		}
	}
}
