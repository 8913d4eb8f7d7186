package chaos

import (
	"context"
	"net/url"
	"sync"
	"time"
)

// outcome is what a writer was told.
type outcome int

const (
	unknown outcome = iota // no answer, or a failure of the server's: it may have come about
	done                   // success
	refused                // refused, or rolled back: it must not have come about
)

// write is one attempt to change something.
type write struct {
	kind  string // ticket, message or property
	words string // what it is found by: a subject, a text, or "1042 open>pending"
	by    *person
	path  string     // where the form went; "" for SQL
	form  url.Values // that a person would send again
	sent  time.Time
	took  time.Duration

	outcome outcome
	status  int
	answer  string // of a failure
}

// ledger keeps every attempt.
type ledger struct {
	mu     sync.Mutex
	writes []*write
}

func (l *ledger) add(w *write) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes = append(l.writes, w)
}

// all gives copies of what f picks.
func (l *ledger) all(f func(write) bool) (found []write) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.writes {
		if f == nil || f(*w) {
			found = append(found, *w)
		}
	}
	return found
}

// send posts a form and notes the answer.
func (w *write) send(ctx context.Context) {
	w.sent = time.Now()
	got, err := w.by.post(ctx, w.path, w.form)
	w.took, w.status, w.answer = got.took, got.status, got.body
	switch {
	case err != nil:
		w.answer = err.Error()
		w.outcome = unknown
	case got.status == 303:
		w.outcome = done
	case got.status >= 400 && got.status < 500:
		w.outcome = refused
	default:
		w.outcome = unknown
	}
}

// again sends the forms that got no answer a second time, as a person would, until each has one. The form's id
// makes that harmless where the first sending had come about.
func (l *ledger) again(ctx context.Context) {
	l.mu.Lock()
	writes := append([]*write(nil), l.writes...)
	l.mu.Unlock()
	for _, w := range writes {
		if w.outcome != unknown || w.form.Get("id") == "" {
			continue
		}
		repeated := *w
		for repeated.send(ctx); repeated.outcome == unknown && ctx.Err() == nil; repeated.send(ctx) {
			time.Sleep(200 * time.Millisecond)
		}
		if repeated.outcome == done {
			l.mu.Lock()
			w.outcome = done
			l.mu.Unlock()
		} // a refusal tells nothing of the first sending: the ticket may have been closed since
	}
}
