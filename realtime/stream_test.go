package realtime

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"
)

func TestAChangeReachesWhoMaySeeIt(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client, other := db.Person(t, store.Client, "client@example.com"), db.Person(t, store.Client, "other@example.com")
	agent, admin := db.Person(t, store.Agent, "agent@example.com"), db.Person(t, store.Admin, "admin@example.com")
	n := newNode(t, db, setting{})
	streams := map[string]*reader{"client": n.open(t, client, ""), "agent": n.open(t, agent, ""), "admin": n.open(t, admin, "")}
	stranger := n.open(t, other, "")

	number := submit(t, db, client)
	for who, r := range streams {
		if got := r.change(store.TicketTopic(number)); got.Version != 1 {
			t.Errorf("%s is told version %d of a new ticket", who, got.Version)
		}
		if got := r.change("tickets"); got.Version < time.Now().Add(-time.Minute).UnixMicro() {
			t.Errorf("%s is told version %d of its lists", who, got.Version)
		}
	}
	say(t, db, number, agent, "comment")
	for who, r := range streams {
		if got := r.change(store.TicketTopic(number)); got.Version < 2 {
			t.Errorf("%s is told version %d of an answered ticket", who, got.Version)
		}
	}
	// The stranger's own ticket is the first thing it hears of.
	own := submit(t, db, other)
	stranger.until("ping")
	if _, e := stranger.until("change"); e.signal().Topic != store.TicketTopic(own) {
		t.Errorf("a stranger is told of %s", e.signal().Topic)
	}
}

// What is one person's own reaches that person's pages alone, held and resumed; what is the desk's all staff, and no client.
func TestATopicOfTheDeskAndOnesOwn(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	ada, client := db.Person(t, store.Admin, "ada@example.com"), db.Person(t, store.Client, "client@example.com")
	n := newNode(t, db, setting{})
	start := n.hub.Cursor()
	actors := []store.Actor{ana, ben, ada, client}
	readers := func(query string) (all []*reader) {
		for _, who := range actors {
			all = append(all, n.open(t, who, query))
		}
		return all
	}
	check := func(name string, all []*reader) {
		t.Helper()
		for i, r := range all {
			var got []string
			for len(got) == 0 || got[len(got)-1] != "tickets" {
				_, e := r.until("change")
				if topic := e.signal().Topic; topic == "tickets" || topic == "tags" || topic == "drafts" {
					got = append(got, topic)
				}
			}
			want := map[store.Role]string{store.Agent: "[tags tickets]", store.Admin: "[tags tickets]", store.Client: "[tickets]"}[actors[i].Role]
			if actors[i].UserID == ana.UserID {
				want = "[tags drafts tickets]"
			}
			if fmt.Sprint(got) != want {
				t.Errorf("%s: %s is told %v", name, actors[i].Email, got)
			}
		}
	}
	now := readers("")
	db.Exec(t, `INSERT INTO tags (name) VALUES ('vip')`)
	db.Exec(t, `INSERT INTO events (source, operation, row_id, topic, user_id, opens) VALUES ('drafts', 'insert', gen_random_uuid(), 'drafts', $1, true)`, ana.UserID)
	submit(t, db, client)
	check("held", now)
	check("resumed", readers(start))
}

func TestTheStreamsHeadersAndFirstBytes(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	agent := db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{})
	req, _ := http.NewRequest("GET", n.server.URL+"/live", nil)
	req.Header.Set("Person", n.know(agent))
	response, err := n.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	first := make([]byte, 2300)
	total := 0
	for total < 2100 {
		k, err := response.Body.Read(first[total:])
		if err != nil {
			t.Fatal(err)
		}
		total += k
	}
	if string(first[:7]) != "retry: " {
		t.Errorf("begins with %q", first[:20])
	}
}

// However often a page comes again, and whatever still holds its former connections open: one stream a page.
func TestOneStreamAPage(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	agent := db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{})
	other := n.open(t, agent, "&page=other")
	var former *reader
	for range 50 {
		r := n.open(t, agent, "&page=this")
		r.until("ping")
		if former != nil {
			for e := former.next(); e.Event != ""; e = former.next() {
				if e.Event == "bye" {
					t.Errorf("bye %s to a page that is not reading", e.Data)
				}
			}
		}
		former = r
	}
	eventually(t, "one stream a page", func() bool { return n.hub.Status().Streams == 2 })
	// Another session that happens to choose the same name is another page.
	n.open(t, db.Session(t, agent), "&page=this").until("ping")
	for _, r := range []*reader{former, other} {
		r.cancel()
	}
	eventually(t, "the third stays", func() bool { return n.hub.Status().Streams == 1 })
}

func TestNobodyInParticularGetsNoStream(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	agent := db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{})
	elsewhere := agent
	elsewhere.Portal = store.Admin
	for name, actor := range map[string]store.Actor{"anonymous": {}, "another portal's": elsewhere} {
		for _, path := range []string{"/live", "/live/poll"} {
			req, _ := http.NewRequest("GET", n.server.URL+path, nil)
			n.mu.Lock()
			n.actors[name] = actor
			n.mu.Unlock()
			req.Header.Set("Person", name)
			response, err := n.server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != http.StatusForbidden {
				t.Errorf("%s: %s answers %s", name, path, response.Status)
			}
		}
	}
}

// Without a write deadline of its own a stream dies with the server's timeouts, in production alone.
func TestServerTimeoutsDoNotEndAStream(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	agent := db.Person(t, store.Agent, "agent@example.com")
	client := db.Person(t, store.Client, "client@example.com")
	n := newNode(t, db, setting{
		server: func(s *http.Server) { s.ReadTimeout, s.WriteTimeout = time.Second, time.Second },
		pace:   func(p *pace) { p.ping = 700 * time.Millisecond },
	})
	r := n.open(t, agent, "")
	held := make(chan struct{})
	go func() { // a poll held for longer than WriteTimeout
		defer close(held)
		n.poll(t, client, "wait=3&after="+n.hub.Cursor())
	}()
	for range 5 {
		r.until("ping")
	}
	number := submit(t, db, client)
	r.change(store.TicketTopic(number))
	<-held
}
