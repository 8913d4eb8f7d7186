package chaos

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// What is promised of a network between the nodes and the database that swallows everything.
const (
	failsWithin    = 15 * time.Second // a request is answered, with words
	recoversWithin = 30 * time.Second // after the network is back, everything works again by itself
)

// slack is what a busy machine may add to a promise.
const slack = 10 * time.Second

// TestNetwork has the network between the node and the database swallow everything for a while. No connection is
// closed, and those that stood stay dead when it is back.
func TestNetwork(t *testing.T) {
	t.Parallel()
	r := newRig(t, setup{})
	r.write(t)
	broke := time.Now()
	r.wire.blackHole()
	until(t, "every stream says that it is not current", patience, func() bool {
		for _, w := range r.watchers {
			if w.mode == streaming && w.state() == live {
				return false
			}
		}
		return true
	})
	asked, err := r.customers[0].get(context.Background(), "/tickets")
	if err != nil {
		t.Fatal(err)
	}
	id := asked.header.Get("X-Request-Id")
	if asked.status != http.StatusServiceUnavailable || id == "" || !strings.Contains(asked.body, id) || !strings.Contains(asked.body, "does not answer") {
		t.Errorf("a page answers %d, without words or its id %q:\n%.500s", asked.status, id, asked.body)
	}
	if asked.took > failsWithin+slack {
		t.Errorf("a page answers after %s", asked.took)
	}
	time.Sleep(time.Until(broke.Add(either(20*time.Second, 60*time.Second)))) // the fault's own length
	r.wire.heal()
	healed := time.Now()
	r.flows(t, "again", healed, recoversWithin+slack)
	flowing := time.Since(healed)
	until(t, "every page is live", recoversWithin+slack, r.allLive)
	r.report(t, "network black-holed", broke, healed, "a page failed after "+asked.took.Round(10*time.Millisecond).String(),
		"every writer wrote again after "+flowing.Round(10*time.Millisecond).String())
	for _, w := range r.ledger.all(func(w write) bool { return w.path != "" && w.took > failsWithin+slack }) {
		t.Errorf("%s was answered (%d) after %s", w.words, w.status, w.took)
	}
	r.check(t, noResync)
}
