package realtime

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"go.uber.org/goleak"
)

func TestAnInternalNoteIsNotABlinkOnItsClientsWire(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client, agent := db.Person(t, store.Client, "client@example.com"), db.Person(t, store.Agent, "agent@example.com")
	number := submit(t, db, client)
	n := newNode(t, db, setting{pace: func(p *pace) { p.ping = 200 * time.Millisecond }})
	theirs, ours := n.open(t, client, ""), n.open(t, agent, "")
	theirs.until("ping")
	before := ours.hello
	for range 3 {
		say(t, db, number, agent, "internal_note")
		ours.change(store.TicketTopic(number))
	}
	for range 3 { // pings sent after the notes were
		if e := theirs.next(); e.Event != "ping" || len(e.ID) != len(before.ID) || string(e.Data) != `{"current":true}` {
			t.Errorf("the client gets %+v", e)
		}
	}
	// Nor when it resumes, nor when it polls.
	if signals, _ := n.open(t, client, before.ID).until("ping"); len(signals) != 0 {
		t.Errorf("the client resumes with %v", signals)
	}
	if answer := n.poll(t, client, "wait=0&after="+before.ID); len(answer.Events) != 0 {
		t.Errorf("the client polls %v", answer.Events)
	}
	if signals, _ := n.open(t, agent, before.ID).until("ping"); len(signals) == 0 {
		t.Error("the agent resumes with nothing")
	}
}

func TestTheListenersConnectionIsKilled(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client, agent := db.Person(t, store.Client, "client@example.com"), db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{pace: func(p *pace) {
		p.poll, p.stale, p.idle = time.Hour, 2*time.Hour, time.Hour // only what follows LISTEN tells
		p.minRetry, p.maxRetry = 4*time.Second, 4*time.Second
	}})
	r := n.open(t, agent, "")
	db.Exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'autocrm_listener' AND datname = current_database()`)
	eventually(t, "it does not listen", func() bool { return n.hub.Status().Listener == PollingOnly })
	want := map[string]bool{}
	for range 100 { // all within the gap: nothing rings afterwards
		want[store.TicketTopic(submit(t, db, client))] = true
	}
	if n.hub.Status().Listener != PollingOnly {
		t.Skip("this machine is too slow to write a hundred tickets in two seconds")
	}
	for len(want) > 0 {
		_, e := r.until("change")
		delete(want, e.signal().Topic)
	}
	eventually(t, "it listens again", func() bool { return n.hub.Status().Listener == Connected })
}

func TestNotifyIsLost(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client := db.Person(t, store.Client, "client@example.com")
	db.Exec(t, `
		CREATE OR REPLACE FUNCTION live.commit_events() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
		BEGIN
			PERFORM pg_advisory_xact_lock(hashtext('autocrm.event_commits'));
			INSERT INTO public.event_commits (place, xid)
			SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
				coalesce((SELECT max(c.place) FROM public.event_commits c), 0) + 1), NEW.xid;
			RETURN NULL;
		END $$`)
	n := newNode(t, db, setting{})
	r := n.open(t, client, "")
	for range 3 {
		began := time.Now()
		r.change(store.TicketTopic(submit(t, db, client)))
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("after %v", took)
		}
	}
}

func TestWithoutAListenerTheLogIsPolled(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client := db.Person(t, store.Client, "client@example.com")
	n := newNode(t, db, setting{listenURL: "postgres://127.0.0.1:1/nowhere"})
	began := time.Now()
	n.open(t, client, "").change(store.TicketTopic(submit(t, db, client)))
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("after %v", took)
	}
	if status := n.hub.Status(); status.Listener != PollingOnly || !status.Ready || status.Err == nil {
		t.Errorf("%+v", status)
	}
}

// A node that has lost its database says so on every stream, and takes no new ones.
func TestAHubThatCannotReadSaysSo(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client := db.Person(t, store.Client, "client@example.com")
	n := newNode(t, db, setting{pace: func(p *pace) {
		p.poll, p.stale = 50*time.Millisecond, 300*time.Millisecond
		p.ping = time.Hour // none but the ones that tell
	}})
	r := n.open(t, client, "")
	db.Exec(t, `REVOKE SELECT ON event_commits FROM autocrm_worker`)
	for {
		if _, e := r.until("ping"); e.text("current") == "false" {
			break
		}
	}
	req, _ := http.NewRequest("GET", n.server.URL+"/live", nil)
	req.Header.Set("Person", n.know(client))
	response, err := n.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/live answers %s", response.Status)
	}
	number := submit(t, db, client)
	db.Exec(t, `GRANT SELECT ON event_commits TO autocrm_worker`)
	r.change(store.TicketTopic(number))
	for {
		if _, e := r.until("ping"); e.text("current") == "true" {
			break
		}
	}
}

// A restored backup has another epoch, and a failover may have lost commits: nobody may go on from there.
func TestAnotherHistoryStartsEveryStreamAnew(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"other epoch":  `DELETE FROM event_epochs; INSERT INTO event_epochs DEFAULT VALUES`,
		"lost commits": `DELETE FROM event_commits WHERE place > (SELECT min(place) FROM event_commits)`,
		// Before anybody looks, others have taken their place.
		"lost commits, and new ones": `DELETE FROM event_commits WHERE place > (SELECT min(place) FROM event_commits);
			INSERT INTO tickets (client_id, subject, description) SELECT id, 'Printer', 'It smokes' FROM users`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := storetest.New(t)
			client := db.Person(t, store.Client, "client@example.com")
			submit(t, db, client)
			n := newNode(t, db, setting{pace: func(p *pace) { p.poll = 50 * time.Millisecond }})
			r := n.open(t, client, "")
			r.until("ping")
			db.Exec(t, sql)
			if got := r.bye(); got != byeAge {
				t.Errorf("bye %s", got)
			}
			eventually(t, "the node is current again", func() bool { return n.hub.Status().Ready })
			again := n.open(t, client, r.cursor)
			again.until("resync")
			again.change(store.TicketTopic(submit(t, db, client)))
		})
	}
}

// stuck is a connection whose reader has stopped: writes wait until it is let go.
type stuck struct {
	http.ResponseWriter
	hold chan struct{}
	in   chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	select {
	case s.in <- struct{}{}:
	default:
	}
	<-s.hold
	return s.ResponseWriter.Write(p)
}

func (s *stuck) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func TestASlowReaderIsLetGoAndDelaysNobody(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client, agent := db.Person(t, store.Client, "client@example.com"), db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{})
	n.hub.mu.Lock()
	n.hub.ring.maxCommits = 100
	n.hub.mu.Unlock()
	hold, in := make(chan struct{}), make(chan struct{}, 1)
	server := stuckServer(t, n, hold, in)
	opened := make(chan *reader)
	go func() { opened <- n.openAt(t, server.URL, server.Client(), agent, "") }()
	<-in // it hangs in its first write
	quick := n.open(t, db.Session(t, agent), "")
	var numbers []string
	for range 300 {
		numbers = append(numbers, store.TicketTopic(submit(t, db, client)))
	}
	for _, topic := range numbers {
		quick.change(topic)
	}
	n.hub.mu.RLock()
	for s := range n.hub.agents {
		s.mu.Lock()
		if len(s.queue) > queueBound {
			t.Errorf("%d batches wait for a slow reader", len(s.queue))
		}
		s.mu.Unlock()
	}
	n.hub.mu.RUnlock()
	close(hold)
	r := <-opened
	if got := r.bye(); got != byeSlow {
		t.Errorf("bye %s", got)
	}
	// Dropped, it resumes, and misses nothing.
	signals, _ := n.open(t, agent, r.cursor).until("ping")
	got := last(signals)
	for _, topic := range numbers {
		if got[topic] == 0 {
			t.Errorf("%s is lost", topic)
		}
	}
}

// A burst longer than the queue is read from memory, and costs a reader that keeps up nothing.
func TestABurstIsNotSlowness(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client, agent := db.Person(t, store.Client, "client@example.com"), db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{})
	hold, in := make(chan struct{}), make(chan struct{}, 1)
	server := stuckServer(t, n, hold, in)
	opened := make(chan *reader)
	go func() { opened <- n.openAt(t, server.URL, server.Client(), agent, "") }()
	<-in
	var want []string
	for range 200 {
		want = append(want, store.TicketTopic(submit(t, db, client)))
	}
	eventually(t, "the node has read them", func() bool { log, _ := n.log.Extent(t.Context()); return n.hub.head() == log.Head })
	close(hold)
	r := <-opened
	var got []string
	for len(got) < len(want) {
		if _, e := r.until("change"); e.signal().Topic != "tickets" {
			got = append(got, e.signal().Topic)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// stuckServer serves n's streams to a reader that reads nothing until hold is closed; in tells that it hangs.
func stuckServer(t *testing.T, n *node, hold, in chan struct{}) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { n.serve(&stuck{w, hold, in}, r) }))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server
}

// Not parallel: it counts what is left of everything.
func TestNothingIsLeftRunning(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("a node", func(t *testing.T) {
		db := storetest.New(t)
		client := db.Person(t, store.Client, "client@example.com")
		n := newNode(t, db, setting{})
		for range 50 {
			r := n.open(t, client, "")
			r.change(store.TicketTopic(submit(t, db, client)))
			r.cancel()
		}
		eventually(t, "every stream is gone", func() bool { return n.hub.Status().Streams == 0 })
		n.hub.mu.RLock()
		defer n.hub.mu.RUnlock()
		if len(n.hub.byPage)+len(n.hub.clients)+len(n.hub.byUser)+len(n.hub.bySession)+len(n.hub.agents)+len(n.hub.admins) != 0 {
			t.Error("the hub still knows somebody")
		}
		http.DefaultClient.CloseIdleConnections()
	})
	goleak.VerifyNone(t, before)
}
