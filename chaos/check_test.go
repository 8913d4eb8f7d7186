package chaos

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"autocrm/store"
)

// truth is a ticket as the database has it.
type truth struct {
	Number, Seq, ClientSeq int64
	ClientID               string
}

// version is the ticket's for the watcher, and ok whether it may see the ticket at all.
func (t truth) version(w *watcher) (version int64, ok bool) {
	if w.p.role != store.Client {
		return t.Seq, true
	}
	return t.ClientSeq, t.ClientID == w.p.id
}

func (r *rig) truth(t *testing.T) []truth {
	t.Helper()
	return rows[truth](t, r.db, `SELECT number, seq, client_seq, client_id::text FROM tickets`)
}

// whole says whether pages may have had to fetch everything anew.
type whole bool

const (
	mayResync whole = true
	noResync  whole = false // every cursor could be served, and must have been
)

// check stops the writers, waits until the pages are current, and proves that
//
//   - every change there is was told to every page that may see it,
//   - none to a page that may not see it: another's ticket, or a version that only an internal note moved,
//   - no topic's version fell,
//   - what was answered with success is in the database once, what was refused is not, and what got no answer is
//     there once after the form was sent again.
func (r *rig) check(t *testing.T, allowed whole) {
	t.Helper()
	r.rest()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r.ledger.again(ctx)
	r.tell(t)
	until(t, "every page is live", patience, r.allLive)

	all := r.truth(t)
	owner := map[string]string{}
	for _, ticket := range all {
		owner[fmt.Sprintf("ticket-%d", ticket.Number)] = ticket.ClientID
	}
	for _, w := range r.watchers {
		told, changes, resyncs, wrong := w.seen()
		for _, words := range wrong {
			t.Errorf("%s: %s", w.name, words)
		}
		for _, ticket := range all {
			version, may := ticket.version(w)
			switch knows := w.knows(ticket.Number); {
			case may && knows < version:
				t.Errorf("%s knows version %d of ticket %d, the database has %d", w.name, knows, ticket.Number, version)
			case may && knows > version:
				t.Errorf("%s was told version %d of ticket %d, the database has %d", w.name, knows, ticket.Number, version)
			case !may && knows != 0:
				t.Errorf("%s was told of ticket %d, which is another's", w.name, ticket.Number)
			}
		}
		for topic := range told {
			_, isTicket := owner[topic]
			people := topic == "users" || topic == "invitations" || topic == "health"
			if !isTicket && topic != "tickets" && (w.p.role == store.Client || w.p.role == store.Agent && people) {
				t.Errorf("%s was told of %s", w.name, topic)
			}
		}
		if resyncs > 0 && allowed == noResync {
			t.Errorf("%s had to fetch everything anew, %d times", w.name, resyncs)
		}
		t.Logf("%s: %d changes told, %d resyncs", w.name, changes, resyncs)
	}
	r.checkSilence(t)
	r.checkLedger(t)
}

// tell says something on each customer's quiet ticket, in one transaction of somebody with SQL, and waits until it
// was told to every page that may see it: whatever was committed before has been told then too. It returns how
// long each page took.
func (r *rig) tell(t *testing.T) (took map[*watcher]time.Duration) {
	t.Helper()
	took = map[*watcher]time.Duration{}
	began := time.Now()
	want := r.say(t, "comment")
	if !eventually(patience, func() bool {
		for _, w := range r.watchers {
			if took[w] == 0 && w.has(want) {
				took[w] = time.Since(began)
			}
		}
		return len(took) == len(r.watchers)
	}) {
		for _, w := range r.watchers {
			if took[w] == 0 {
				t.Errorf("%s (%s) was not told within %s", w.name, w.state(), patience)
			}
		}
		t.FailNow()
	}
	return took
}

// say writes on the quiet tickets and gives what they have come to.
func (r *rig) say(t *testing.T, kind string) []truth {
	t.Helper()
	r.db.exec(t, `INSERT INTO ticket_activities (ticket_id, user_id, activity_type, content)
		SELECT id, $1, $2, 'said' FROM tickets WHERE subject = 'Quiet' ORDER BY id`, r.agents[0].id, kind)
	return rows[truth](t, r.db, `SELECT number, seq, client_seq, client_id::text FROM tickets WHERE subject = 'Quiet'`)
}

// has says whether the page knows all that it may know of tickets.
func (w *watcher) has(tickets []truth) bool {
	for _, ticket := range tickets {
		if version, may := ticket.version(w); may && w.knows(ticket.Number) < version {
			return false
		}
	}
	return true
}

// checkSilence writes internal notes, waits until the staff's pages were told, then says something in public and
// waits for everybody: between the two a customer's page hears of nothing.
func (r *rig) checkSilence(t *testing.T) {
	t.Helper()
	before := map[*watcher]int{}
	for _, w := range r.watchers {
		if w.p.role == store.Client {
			w.hearsAll(t)
			_, before[w], _, _ = w.seen()
		}
	}
	want := r.say(t, "internal_note")
	until(t, "the staff is told of a note", patience, func() bool {
		return !slices.ContainsFunc(r.watchers, func(w *watcher) bool { return w.p.role != store.Client && !w.has(want) })
	})
	r.tell(t)
	for w, count := range before {
		// What was said in public is one change of a ticket and one of the list.
		w.hearsAll(t)
		if _, now, _, _ := w.seen(); now != count+2 {
			t.Errorf("%s heard %d changes instead of 2 after a note and a comment", w.name, now-count)
		}
	}
}

// hearsAll waits for the list's change, which comes after the ticket's.
func (w *watcher) hearsAll(t *testing.T) {
	t.Helper()
	until(t, w.name+" hears of the list", patience, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.last == "tickets"
	})
}

type counted struct {
	Words string
	By    string
	Count int
}

// checkLedger holds what the writers were answered against what is there.
func (r *rig) checkLedger(t *testing.T) {
	t.Helper()
	there := map[string]int{}
	add := func(kind string, found []counted) {
		for _, c := range found {
			there[kind+c.By+c.Words] = c.Count
		}
	}
	add("ticket", rows[counted](t, r.db, `SELECT subject, '', count(*)::int FROM tickets GROUP BY 1`))
	add("message", rows[counted](t, r.db, `SELECT content, '', count(*)::int FROM ticket_activities
		WHERE activity_type IN ('comment', 'internal_note') GROUP BY 1`))
	add("property", rows[counted](t, r.db, `
		SELECT format('%s %s>%s', t.number, a.metadata ->> 'from', a.metadata ->> 'to'), a.user_id::text, count(*)::int
		FROM ticket_activities a JOIN tickets t ON t.id = a.ticket_id
		WHERE a.activity_type IN ('status_change', 'assignment') AND a.user_id IS NOT NULL GROUP BY 1, 2`))

	// The same move may be made again and again, so they are counted together.
	type count struct{ done, unknown int }
	moves := map[string]*count{}
	var sum count
	refusals := 0
	for _, w := range r.ledger.all(nil) {
		sum.done += btoi(w.outcome == done)
		sum.unknown += btoi(w.outcome == unknown)
		refusals += btoi(w.outcome == refused)
		if w.kind == "property" {
			key := w.kind + w.by.id + w.words
			if moves[key] == nil {
				moves[key] = &count{}
			}
			moves[key].done += btoi(w.outcome == done)
			moves[key].unknown += btoi(w.outcome == unknown)
			continue
		}
		switch n := there[w.kind+w.words]; {
		case w.outcome == done && n != 1:
			t.Errorf("%q was answered with success and is there %d times", w.words, n)
		case w.outcome == refused && n != 0:
			t.Errorf("%q was refused (%d) and is there", w.words, w.status)
		case n > 1:
			t.Errorf("%q is there %d times", w.words, n)
		}
	}
	for key, c := range moves {
		if n := there[key]; n < c.done || n > c.done+c.unknown {
			t.Errorf("%q was answered with success %d times, not answered %d times, and is there %d times", key, c.done, c.unknown, n)
		}
	}
	t.Logf("ledger: %d done, %d refused, %d without an answer", sum.done, refusals, sum.unknown)
	if sum.done == 0 {
		t.Error("nothing was written")
	}
}

func rounded(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// report is the line that docs/faults.md is made of.
func (r *rig) report(t *testing.T, name string, broke, healed time.Time, more ...string) {
	t.Helper()
	var slowest time.Duration
	failures := r.ledger.all(func(w write) bool { return w.outcome == unknown && w.sent.After(broke.Add(-time.Second)) })
	for _, w := range failures {
		slowest = max(slowest, w.took)
	}
	pages := "every page stayed live"
	if first := r.firstLeft(broke); first > 0 {
		pages = fmt.Sprintf("the first page was not live after %s, all were again %s after the cure", rounded(first), rounded(r.lastLive(healed)))
	}
	parts := append([]string{pages, fmt.Sprintf("%d writes without an answer, the slowest after %s", len(failures), rounded(slowest))}, more...)
	t.Logf("FAULT %s: %s", name, strings.Join(parts, "; "))
}
