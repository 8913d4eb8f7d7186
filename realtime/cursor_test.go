package realtime

import (
	"fmt"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"
)

// A cursor grants nothing: whoever comes with somebody else's is told from there on what is theirs to know.
func TestAnothersCursorTellsNothingMore(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	cleo, dora := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Client, "dora@example.com")
	agent, admin := db.Person(t, store.Agent, "agent@example.com"), db.Person(t, store.Admin, "admin@example.com")
	n := newNode(t, db, setting{pace: func(p *pace) { p.poll = 50 * time.Millisecond }})
	cursors := map[string]string{}
	for name, who := range map[string]store.Actor{"agent": agent, "admin": admin, "dora": dora} {
		r := n.open(t, who, "")
		r.until("ping")
		cursors[name] = r.cursor
	}
	theirs := store.TicketTopic(submit(t, db, dora))
	hers := submit(t, db, cleo)
	say(t, db, hers, agent, "internal_note")
	own := store.TicketTopic(hers)
	eventually(t, "the node has read it", func() bool { log, _ := n.log.Extent(t.Context()); return n.hub.head() == log.Head })
	for name, cursor := range cursors {
		signals, _ := n.open(t, db.Session(t, cleo), cursor).until("ping")
		for _, e := range n.poll(t, cleo, "after="+cursor).Events {
			signals = append(signals, e.signal())
		}
		told := map[string]bool{}
		for _, s := range signals {
			told[s.Topic] = true
		}
		if !told[own] || told[theirs] || told["users"] || told["invitations"] {
			t.Errorf("with the cursor of %s a client is told %v", name, signals)
		}
		if want := fmt.Sprint(last(signals)[own]); want != "1" {
			t.Errorf("with the cursor of %s a client's ticket is of version %s: a note is seen in it", name, want)
		}
	}
}
