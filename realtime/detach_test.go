package realtime

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"
)

// Whatever carries a stream, it brings the same, without the request it came with.
func TestAStreamOverEveryProtocol(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	agent, client := db.Person(t, store.Agent, "agent@example.com"), db.Person(t, store.Client, "client@example.com")
	// Longer between two pings than one write may take: silence is no write that hangs.
	n := newNode(t, db, setting{pace: func(p *pace) { p.ping, p.write = 3*time.Second, 2*time.Second }})
	for _, test := range []struct {
		name      string
		tls, http bool
	}{{"HTTP/1.1", false, false}, {"HTTP/1.1 over TLS", true, false}, {"HTTP/2", true, true}} {
		t.Run(test.name, func(t *testing.T) {
			answered := make(chan struct{}, 1)
			server := httptest.NewUnstartedServer(n.hub.Carry(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				n.serve(w, r)
				answered <- struct{}{}
			})))
			server.EnableHTTP2 = test.http
			if test.tls {
				server.StartTLS()
			} else {
				server.Start()
			}
			t.Cleanup(server.Close)
			r := n.openAt(t, server.URL, server.Client(), agent, "")
			t.Cleanup(r.cancel)
			r.until("ping")
			select {
			case <-answered:
			case <-time.After(patience):
				t.Error("the request is held as long as its stream")
			}
			number := submit(t, db, client)
			r.change(store.TicketTopic(number))
			r.until("ping")
			again := n.openAt(t, server.URL, server.Client(), agent, r.cursor)
			say(t, db, number, client, "comment")
			again.change(store.TicketTopic(number))
			r.cancel()
			again.cancel()
			eventually(t, "a reader that has gone is noticed", func() bool { return n.hub.Status().Streams == 0 })
		})
	}
}

func TestABareConnectionSaysThatItEndsWithTheStream(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	agent := db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{})
	conn, err := net.Dial("tcp", n.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// What the reader goes on to say is not taken for an answer to anything.
	if _, err := conn.Write([]byte("GET /live HTTP/1.1\r\nHost: x\r\nPerson: " + n.know(agent) + "\r\n\r\n" + strings.Repeat("noise ", 1000))); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !response.Close || response.TransferEncoding != nil || response.ContentLength != -1 {
		t.Errorf("Connection close %t, transfer encoding %v, length %d", response.Close, response.TransferEncoding, response.ContentLength)
	}
	events := make(chan event, 100)
	go func() {
		defer close(events)
		read(response.Body, func(e event) { events <- e })
	}()
	for e := range events {
		if e.Event == "ping" {
			break
		}
	}
	n.hub.Shutdown() // has written its goodbye when it returns
	var last event
	for e := range events {
		last = e
	}
	if last.Event != "bye" || last.text("reason") != byeShutdown {
		t.Errorf("the last word is %s %s", last.Event, last.Data)
	}
}

// A stream's failure is its own: beside the server nothing else would catch it.
func TestADetachedStreamSurvivesAPanic(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	agent := db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{})
	r := n.open(t, agent, "")
	r.until("ping")
	n.hub.mu.Lock()
	for s := range n.hub.agents {
		s.offer(nil) // nothing can be written of it
	}
	n.hub.mu.Unlock()
	if e := r.next(); e.Event != "" {
		t.Errorf("%s after a failure", e.Event)
	}
	eventually(t, "the stream is forgotten", func() bool { return n.hub.Status().Streams == 0 })
	n.open(t, agent, "").until("ping")
}
