package realtime

import (
	"slices"
	"strings"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
)

// last is the newest version of each topic.
func last(signals []store.Signal) map[string]int64 {
	versions := map[string]int64{}
	for _, s := range signals {
		versions[s.Topic] = max(versions[s.Topic], s.Version)
	}
	return versions
}

func equal(a, b map[string]int64) bool {
	if len(a) != len(b) {
		return false
	}
	for topic, version := range a {
		if b[topic] != version {
			return false
		}
	}
	return true
}

// What a stream that was held was told, one that resumes is told in the end: from memory, and from the
// database under the viewer's own rights.
func TestAResumedStreamIsToldWhatAHeldOneWas(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client, other := db.Person(t, store.Client, "client@example.com"), db.Person(t, store.Client, "other@example.com")
	agent, admin := db.Person(t, store.Agent, "agent@example.com"), db.Person(t, store.Admin, "admin@example.com")
	n := newNode(t, db, setting{})
	viewers := map[string]store.Actor{"client": client, "other": other, "agent": agent, "admin": admin}
	held := map[string]*reader{}
	for who, actor := range viewers {
		held[who] = n.open(t, actor, "")
	}
	for range 5 {
		number := submit(t, db, client)
		say(t, db, number, agent, "comment")
		say(t, db, number, agent, "internal_note")
		db.Exec(t, `UPDATE tickets SET status = 'open' WHERE number = $1`, number)
	}
	moved := submit(t, db, client)
	db.Exec(t, `UPDATE tickets SET client_id = $2 WHERE number = $1`, moved, other.UserID)
	db.Exec(t, `INSERT INTO invitations (email, user_role, token_hash, expires_at) VALUES ('new@example.com', 'agent', sha256('x'), now())`)
	db.Exec(t, `UPDATE users SET full_name = 'Renamed' WHERE id = $1`, client.UserID)
	end := submit(t, db, other)

	db.Exec(t, `UPDATE tickets SET client_id = $2 WHERE number = $1`, end, client.UserID) // all four are told of it

	for who, r := range held {
		var told []store.Signal
		for told == nil || told[len(told)-1].Topic != store.TicketTopic(end) || who != "client" && told[len(told)-1].Version < 2 {
			s, e := r.until("change")
			told = append(append(told, s...), e.signal())
		}
		for _, mode := range []string{"memory", "database"} {
			again := n
			if mode == "database" {
				again = newNode(t, db, setting{})
				again.hub.mu.Lock()
				again.hub.ring.reset(again.hub.extent.Head) // as after more commits than memory holds
				again.hub.mu.Unlock()
			}
			resumed := again.open(t, viewers[who], r.hello.text("cursor"))
			signals, _ := resumed.until("ping")
			want := last(told)
			got := last(signals)
			delete(want, "tickets") // the last of them was still to come
			delete(got, "tickets")
			if !equal(want, got) {
				t.Errorf("%s from %s: held %v, resumed %v", who, mode, want, got)
			}
			if len(signals) != len(last(signals)) {
				t.Errorf("%s from %s: a topic told twice", who, mode)
			}
		}
	}
}

// Cut after any event, a stream that resumes with that event's id is told all that followed it.
func TestResumingAfterAnyEventMissesNothing(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client, agent := db.Person(t, store.Client, "client@example.com"), db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{})
	r := n.open(t, agent, "")
	db.Exec(t, `INSERT INTO tickets (client_id, subject, description) SELECT $1, 'Printer', 'It smokes' FROM generate_series(1, 5)`, client.UserID)
	for range 3 {
		submit(t, db, client)
	}
	end := store.TicketTopic(submit(t, db, client))
	var events []event
	for {
		_, e := r.until("change")
		events = append(events, e)
		if e.signal().Topic == end {
			break
		}
	}
	for i, e := range events {
		resumed := n.open(t, agent, e.ID)
		signals, _ := resumed.until("ping")
		got := last(signals)
		for _, later := range events[i+1:] {
			if s := later.signal(); got[s.Topic] < s.Version {
				t.Errorf("cut after event %d of %d: %s %d is lost", i, len(events), s.Topic, s.Version)
			}
		}
	}
	caughtUp := n.open(t, agent, n.hub.Cursor())
	if signals, _ := caughtUp.until("ping"); len(signals) != 0 {
		t.Errorf("told again: %v", signals)
	}
}

func TestACursorThatCannotBeServedGetsResync(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client, agent := db.Person(t, store.Client, "client@example.com"), db.Person(t, store.Agent, "agent@example.com")
	submit(t, db, client)
	n := newNode(t, db, setting{pace: func(p *pace) { p.poll = 100 * time.Millisecond }})
	stranger, _ := newSealer([]string{"another secret"})
	n.hub.mu.RLock()
	now := position{n.hub.extent.Epoch, n.hub.extent.Head}
	n.hub.mu.RUnlock()
	genuine := n.hub.sealer.seal(now)
	flipped := []byte(genuine)
	flipped[40] ^= 1
	for name, cursor := range map[string]string{
		"malformed":   "1764000000000000",
		"too long":    strings.Repeat("A", 5000),
		"empty bytes": strings.Repeat("A", len(genuine)),
		"tampered":    string(flipped),
		"forged":      stranger.seal(now),
		"other epoch": n.hub.sealer.seal(position{uuid.New(), now.place}),
		"ahead":       n.hub.sealer.seal(position{now.epoch, now.place + 1e9}),
		"no commit's": n.hub.sealer.seal(position{now.epoch, now.place - 1}),
		"never read":  (&Hub{sealer: n.hub.sealer}).Cursor(),
		"control":     "a\r\nb: c\x00",
	} {
		r := n.open(t, agent, cursor)
		signals, e := r.until("resync")
		if len(signals) != 0 {
			t.Errorf("%s: told %v", name, signals)
		}
		fresh := n.open(t, agent, e.text("cursor"))
		if signals, _ := fresh.until("ping"); len(signals) != 0 {
			t.Errorf("%s: the fresh cursor is behind: %v", name, signals)
		}
		answer := n.poll(t, agent, "after="+strings.NewReplacer("\r", "%0D", "\n", "%0A", "\x00", "%00", " ", "%20").Replace(cursor))
		if len(answer.Events) != 1 || answer.Events[0].Event != "resync" || answer.Cursor == "" {
			t.Errorf("%s: a poll answers %v", name, answer)
		}
	}
}

func TestAForgottenPartGetsResync(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client, agent := db.Person(t, store.Client, "client@example.com"), db.Person(t, store.Agent, "agent@example.com")
	before := newNode(t, db, setting{})
	old := before.hub.Cursor()
	for range 3 {
		submit(t, db, client)
	}
	eventually(t, "the node has read them", func() bool { log, _ := before.log.Extent(t.Context()); return before.hub.head() == log.Head })
	floor := before.hub.Cursor()
	if _, err := before.log.Forget(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	number := submit(t, db, client)
	n := newNode(t, db, setting{}) // its memory holds only what the log still has
	n.open(t, agent, old).until("resync")
	if got := n.open(t, agent, floor).change(store.TicketTopic(number)); got.Version != 1 {
		t.Error("a cursor that can still be served is refused")
	}
}

// Further back than memory a cursor is looked up in the log, where a failover may have lost its commit too.
func TestALostPartFurtherBackGetsResync(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client, agent := db.Person(t, store.Client, "client@example.com"), db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{})
	n.hub.mu.Lock()
	n.hub.ring.maxCommits = 1
	n.hub.mu.Unlock()
	submit(t, db, client)
	eventually(t, "the node has read it", func() bool { log, _ := n.log.Extent(t.Context()); return n.hub.head() == log.Head })
	held, place := n.hub.Cursor(), n.hub.head()
	number := submit(t, db, client)
	submit(t, db, client)
	n.open(t, agent, held).change(store.TicketTopic(number))
	db.Exec(t, `DELETE FROM event_commits WHERE place = $1`, place)
	r := n.open(t, agent, held)
	for e := r.next(); e.Event != "resync"; e = r.next() {
		if e.Event == "ping" || e.Event == "" {
			t.Fatal("a cursor whose commit is lost is served as if nothing were missing")
		}
	}
	if answer := n.poll(t, agent, "after="+held); answer.Events[len(answer.Events)-1].Event != "resync" {
		t.Errorf("a poll answers %v", answer)
	}
}

func TestKeysRotate(t *testing.T) {
	t.Parallel()
	old, _ := newSealer([]string{"old"})
	both, _ := newSealer([]string{"new", "old"})
	after, _ := newSealer([]string{"new"})
	p := position{uuid.New(), 17}
	if got, ok := both.open(old.seal(p)); !ok || got != p {
		t.Error("an old key's cursor is refused")
	}
	if _, ok := after.open(old.seal(p)); ok {
		t.Error("a removed key's cursor is taken")
	}
	if got, ok := after.open(both.seal(p)); !ok || got != p {
		t.Error("the newest key does not seal")
	}
	if old.seal(p) == old.seal(p) {
		t.Error("equal positions look equal")
	}
	if _, err := newSealer(nil); err == nil {
		t.Error("a sealer without a key")
	}
}

// A node that is a little behind the one that made the cursor catches up instead of refusing it.
func TestACursorOfANodeThatReadFurther(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client, agent := db.Person(t, store.Client, "client@example.com"), db.Person(t, store.Agent, "agent@example.com")
	ahead := newNode(t, db, setting{})
	behind := newNode(t, db, setting{listenURL: "postgres://127.0.0.1:1/nowhere"})
	number := submit(t, db, client)
	eventually(t, "one node has read it", func() bool { log, _ := ahead.log.Extent(t.Context()); return ahead.hub.head() == log.Head })
	cursor := ahead.hub.Cursor()
	r := behind.open(t, agent, cursor)
	if signals, e := r.until("ping"); len(signals) != 0 || e.text("current") != "true" {
		t.Errorf("told %v", signals)
	}
	say(t, db, number, agent, "comment")
	r.change(store.TicketTopic(number))
}

func TestPolling(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client, agent := db.Person(t, store.Client, "client@example.com"), db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{})
	first := n.poll(t, agent, "")
	if len(first.Events) != 0 || first.Cursor == "" {
		t.Fatalf("the first answer is %v", first)
	}
	number := submit(t, db, client)
	var got []store.Signal
	cursor := first.Cursor
	for !slices.ContainsFunc(got, func(s store.Signal) bool { return s.Topic == "tickets" }) {
		answer := n.poll(t, agent, "after="+cursor)
		for _, e := range answer.Events {
			if e.Event != "change" || e.ID == "" {
				t.Errorf("%+v", e)
			}
			got = append(got, e.signal())
		}
		cursor = answer.Cursor
	}
	if got[0] != (store.Signal{Topic: store.TicketTopic(number), Version: 1}) {
		t.Errorf("told %v", got)
	}
	// Held, until something happens.
	answered := make(chan []event)
	go func() { answered <- n.poll(t, agent, "after="+cursor).Events }()
	eventually(t, "the poll is held", func() bool { return n.hub.Status().Streams == 1 })
	say(t, db, number, agent, "internal_note")
	if events := <-answered; len(events) == 0 || events[0].signal().Topic != store.TicketTopic(number) {
		t.Errorf("held: %v", events)
	}
	// And for no longer than asked.
	if answer := n.poll(t, client, "wait=0&after="+n.hub.Cursor()); len(answer.Events) != 0 {
		t.Errorf("told %v", answer.Events)
	}
	eventually(t, "no poll is left", func() bool { return n.hub.Status().Streams == 0 })
}
