package realtime

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/prometheus/client_golang/prometheus"
)

// node is one process: a hub on a database, and a server whose callers say by name who they are.
type node struct {
	*storetest.DB
	hub    *Hub
	server *httptest.Server
	log    *store.EventLog

	mu     sync.Mutex
	actors map[string]store.Actor
}

type setting struct {
	pace      func(*pace)
	listenURL string
	server    func(*http.Server)
	secrets   []string
	logger    *slog.Logger
}

// newNode starts a node and waits until it is current.
func newNode(t *testing.T, db *storetest.DB, set setting) *node {
	t.Helper()
	log, err := store.OpenEventLog(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	if set.listenURL == "" {
		set.listenURL = db.URL
	}
	if set.secrets == nil {
		set.secrets = []string{"a secret of the tests"}
	}
	if set.logger == nil {
		set.logger = slog.New(slog.DiscardHandler)
	}
	hub, err := New(Options{Log: log, Store: db.Store, ListenURL: set.listenURL, Secrets: set.secrets,
		Logger: set.logger, Metrics: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	if set.pace != nil {
		set.pace(&hub.pace)
	}
	n := &node{DB: db, hub: hub, log: log, actors: map[string]store.Actor{}}
	n.server = httptest.NewUnstartedServer(http.HandlerFunc(n.serve))
	n.server.Config.ReadHeaderTimeout = 5 * time.Second
	if set.server != nil {
		set.server(n.server.Config)
	}
	n.server.Start()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); hub.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
		n.server.CloseClientConnections()
		n.server.Close()
		log.Close()
	})
	eventually(t, "the node is current", func() bool { return hub.Status().Ready })
	if set.listenURL == db.URL {
		eventually(t, "the node listens", func() bool { return hub.Status().Listener == Connected })
	}
	return n
}

func (n *node) serve(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	actor := n.actors[r.Header.Get("Person")]
	n.mu.Unlock()
	serve := n.hub.ServeStream
	if r.URL.Path == "/live/poll" {
		serve = n.hub.ServePoll
	}
	if err := serve(w, r, actor); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
	}
}

// know lets actor in under a name of its own.
func (n *node) know(actor store.Actor) (name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name = actor.SessionID.String()
	n.actors[name] = actor
	return name
}

// event is one event of either wire.
type event struct {
	Event string          `json:"event"`
	ID    string          `json:"id"`
	Data  json.RawMessage `json:"data"`
	Retry string          `json:"-"`
}

func (e event) signal() (s store.Signal) {
	json.Unmarshal(e.Data, &s)
	return s
}

func (e event) text(field string) string {
	var m map[string]any
	json.Unmarshal(e.Data, &m)
	return fmt.Sprint(m[field])
}

// reader is an open stream; events are put into a channel as they come, which closes when the server ends it.
type reader struct {
	t      *testing.T
	hello  event
	events chan event
	cursor string // of the last event taken
	cancel func()
}

// open connects and waits for hello.
func (n *node) open(t *testing.T, actor store.Actor, cursor string) *reader {
	t.Helper()
	return n.openAt(t, n.server.URL, n.server.Client(), actor, cursor)
}

func (n *node) openAt(t *testing.T, base string, client *http.Client, actor store.Actor, cursor string) *reader {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cursor, more, _ := strings.Cut(cursor, "&") // further parameters may follow the cursor
	req, _ := http.NewRequestWithContext(ctx, "GET", base+"/live?after="+url.QueryEscape(cursor)+"&"+more, nil)
	req.Header.Set("Person", n.know(actor))
	response, err := client.Do(req)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK {
		cancel()
		t.Fatalf("/live answers %s", response.Status)
	}
	r := &reader{t: t, events: make(chan event, 100000), cancel: cancel}
	go func() {
		defer close(r.events)
		defer response.Body.Close()
		read(response.Body, func(e event) { r.events <- e })
	}()
	t.Cleanup(cancel)
	r.hello = r.next()
	if r.hello.Event != "hello" {
		t.Fatalf("first event is %s", r.hello.Event)
	}
	return r
}

func read(from io.Reader, f func(event)) {
	lines := bufio.NewScanner(from)
	var e event
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "event":
			e.Event = value
		case "id":
			e.ID = value
		case "data":
			e.Data = json.RawMessage(value)
		case "retry":
			e.Retry = value
		case "":
			if e.Event != "" {
				f(e)
			}
			e = event{}
		}
	}
}

// patience is how long a test waits for a fact; promises of 2 s have their own.
const patience = 15 * time.Second

// next gives the next event of any kind; "" as its name: the server has ended the stream.
func (r *reader) next() event {
	r.t.Helper()
	select {
	case e := <-r.events:
		if e.ID != "" {
			r.cursor = e.ID
		}
		return e
	case <-time.After(patience):
		r.t.Fatal("nothing comes on the stream")
		return event{}
	}
}

// until reads on to an event of this name, and gives the signals that came before it.
func (r *reader) until(name string) (signals []store.Signal, found event) {
	r.t.Helper()
	for {
		e := r.next()
		switch e.Event {
		case name:
			return signals, e
		case "change":
			signals = append(signals, e.signal())
		case "":
			r.t.Fatalf("the stream ended before %s", name)
		case "resync":
			r.t.Fatalf("a cursor was refused before %s", name)
		}
	}
}

// change reads on to the next change of topic.
func (r *reader) change(topic string) store.Signal {
	r.t.Helper()
	for {
		_, e := r.until("change")
		if s := e.signal(); s.Topic == topic {
			return s
		}
	}
}

// bye reads on to the end and gives the reason the server gave.
func (r *reader) bye() string {
	r.t.Helper()
	_, e := r.until("bye")
	if after := r.next(); after.Event != "" {
		r.t.Errorf("%s after bye", after.Event)
	}
	return e.text("reason")
}

// poll asks once.
func (n *node) poll(t *testing.T, actor store.Actor, query string) (answer struct {
	Events []event `json:"events"`
	Cursor string  `json:"cursor"`
}) {
	t.Helper()
	req, _ := http.NewRequest("GET", n.server.URL+"/live/poll?"+query, nil)
	req.Header.Set("Person", n.know(actor))
	response, err := n.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("/live/poll answers %s", response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

func eventually(t *testing.T, what string, fact func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if fact() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}

// submit makes a ticket as its client does in the portal.
func submit(t *testing.T, db *storetest.DB, client store.Actor) (number int64) {
	t.Helper()
	err := db.Owner.QueryRow(context.Background(), `
		INSERT INTO tickets (client_id, subject, description) VALUES ($1, 'Printer', 'It smokes') RETURNING number`,
		client.UserID).Scan(&number)
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// say puts a comment or an internal note on a ticket.
func say(t *testing.T, db *storetest.DB, number int64, author store.Actor, kind string) {
	t.Helper()
	db.Exec(t, `
		INSERT INTO ticket_activities (ticket_id, user_id, activity_type, content, is_internal)
		SELECT id, $2, $3, 'text', $3 = 'internal_note' FROM tickets WHERE number = $1`, number, author.UserID, kind)
}
