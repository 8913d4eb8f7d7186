package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestCursors comes with cursors that cannot be served. Each is answered with resync: never with silence, a failure
// or what is somebody else's.
func TestCursors(t *testing.T) {
	t.Parallel()
	r := newRig(t, setup{})
	r.write(t)
	cora, ann := r.customers[0], r.agents[0]

	t.Run("malformed and forged", func(t *testing.T) {
		good := r.begin(t, cora, "").cursor
		flipped := []byte(good)
		flipped[len(flipped)/2] ^= 1
		for name, cursor := range map[string]string{
			"garbage": "garbage", "a number": "57", "a quote": `'; DROP TABLE events; --`, "no text": "\x00\xff", "cut short": good[:len(good)-1],
			"too long": good + good, "very long": strings.Repeat("A", 9000), "one bit flipped": string(flipped),
			"zeros": strings.Repeat("A", len(good)), "another's secret": newRig(t, setup{}).begin(t, nil, "").cursor,
		} {
			if got := r.begin(t, cora, cursor); !got.resync {
				t.Errorf("%s: %+v", name, got)
			}
		}
	})

	t.Run("somebody else's", func(t *testing.T) {
		before := r.begin(t, ann, "").cursor
		r.tell(t)
		got := r.begin(t, cora, before)
		if got.resync || !slices.Contains(got.topics, fmt.Sprintf("ticket-%d", cora.quiet)) {
			t.Errorf("an agent's cursor tells a customer %+v", got)
		}
		own := map[string]bool{"tickets": true}
		for _, ticket := range r.truth(t) {
			own[fmt.Sprintf("ticket-%d", ticket.Number)] = ticket.ClientID == cora.id
		}
		for _, topic := range got.topics {
			if !own[topic] {
				t.Errorf("an agent's cursor tells a customer of %s", topic)
			}
		}
	})

	t.Run("another epoch", func(t *testing.T) {
		r.write(t)
		before := r.begin(t, cora, "").cursor
		broke := time.Now()
		r.db.exec(t, `UPDATE event_epochs SET epoch = gen_random_uuid()`)
		until(t, "every page has begun anew", patience, func() bool {
			return !slices.ContainsFunc(r.watchers, func(w *watcher) bool { _, _, resyncs, _ := w.seen(); return resyncs == 0 })
		})
		if got := r.begin(t, cora, before); !got.resync {
			t.Errorf("a cursor of another epoch: %+v", got)
		}
		r.report(t, "another epoch", broke, broke)
		r.check(t, mayResync)
	})

	t.Run("expired", func(t *testing.T) {
		r.write(t)
		before := r.begin(t, cora, "").cursor
		r.tell(t)
		if got := r.begin(t, cora, before); got.resync {
			t.Errorf("a cursor that can be served: %+v", got)
		}
		r.rest()
		r.tell(t)
		if n := one[int](t, r.db, `SELECT live.forget_events(now() + interval '1 day')`); n == 0 {
			t.Fatal("nothing was forgotten")
		}
		r.nodes[0].End(syscall.SIGKILL) // its memory reaches back further than the log
		r.nodes[0].start()
		if got := r.begin(t, cora, before); !got.resync {
			t.Errorf("an expired cursor: %+v", got)
		}
		r.write(t)
		r.check(t, mayResync)
	})

	t.Run("ahead of the head", func(t *testing.T) {
		// The database goes back to where it was, as after a failover that lost something.
		r.rest()
		n := r.nodes[0]
		n.End(syscall.SIGTERM)
		older := r.copyDatabase(t)
		n.start()
		r.tell(t)
		ahead := r.begin(t, cora, "").cursor
		n.End(syscall.SIGTERM)
		for i, setting := range n.Env {
			n.Env[i] = strings.Replace(setting, "/"+r.db.name+"?", "/"+older+"?", 1)
		}
		n.start()
		if got := r.begin(t, cora, ahead); !got.resync {
			t.Errorf("a cursor ahead of the head: %+v", got)
		}
	})
}

// beginning is what somebody who comes with a cursor is told at first, which must be the same on both wires.
type beginning struct {
	resync bool
	cursor string // to go on from
	topics []string
}

// begin asks for a stream, reads it up to the first ping, and asks for the same by a poll. nil: an agent.
func (r *rig) begin(t *testing.T, p *person, cursor string) (b beginning) {
	t.Helper()
	if p == nil {
		p = r.agents[0]
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	response, err := p.http.Do(p.request(ctx, "GET", "/live?after="+url.QueryEscape(cursor), "", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("/live answers %d to %.50q", response.StatusCode, cursor)
	}
	name := ""
	for lines := bufio.NewScanner(response.Body); name != "ping"; {
		if !lines.Scan() {
			t.Fatalf("the stream ended before its first ping: %v", lines.Err())
		}
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			name = value
			b.resync = b.resync || name == "resync"
		case "id":
			b.cursor = value
		case "data":
			var change struct{ Topic string }
			if json.Unmarshal([]byte(value), &change); change.Topic != "" {
				b.topics = append(b.topics, change.Topic)
			}
		}
	}
	got, err := p.get(ctx, "/live/poll?wait=0&after="+url.QueryEscape(cursor))
	if err != nil || got.status != http.StatusOK {
		t.Fatalf("/live/poll answers %d to %.50q, %v", got.status, cursor, err)
	}
	var news struct{ Events []event }
	if err := json.Unmarshal([]byte(got.body), &news); err != nil {
		t.Fatal(err)
	}
	if polled := slices.ContainsFunc(news.Events, func(e event) bool { return e.Event == "resync" }); polled != b.resync {
		t.Errorf("%.50q: resync is %v on the stream and %v in a poll", cursor, b.resync, polled)
	}
	return b
}

// copyDatabase keeps the database as it is now under another name, which it returns.
func (r *rig) copyDatabase(t *testing.T) string {
	t.Helper()
	name := r.db.name + "_older"
	config := r.db.owner.Config().ConnConfig.Copy()
	config.Database = "postgres"
	admin := connectTo(t, config)
	r.db.owner.Reset() // no session may be in what is copied
	until(t, "nobody is in the database", patience, func() bool {
		_, err := admin.Exec(context.Background(), fmt.Sprintf(`CREATE DATABASE %s TEMPLATE %s OWNER autocrm_owner`, name, r.db.name))
		return err == nil
	})
	t.Cleanup(func() { admin.Exec(context.Background(), `DROP DATABASE `+name+` WITH (FORCE)`) })
	return name
}
