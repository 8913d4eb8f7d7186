package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// mode is how a page listens.
type mode string

const (
	streaming mode = "stream"
	polling   mode = "poll"
)

// condition is what a page shows of itself.
type condition string

const (
	away  condition = "away"  // no connection, or not yet caught up
	stale condition = "stale" // connected to a node that says it is not current itself
	live  condition = "live"
)

// watcher is an open page without its pixels: it listens as static/js/live.js does, reads everything anew on
// resync as its own viewer, and keeps all it was told.
type watcher struct {
	name string
	p    *person
	mode mode
	stop context.CancelFunc
	gone chan struct{}

	retry time.Duration // what the last bye asked for

	mu      sync.Mutex
	cursor  string
	told    map[string]int64 // topic -> version
	read    map[int64]int64  // ticket -> version, as last read through the portal
	owed    bool             // a resync whose reading has not succeeded yet
	changes int              // events of a change, in all
	last    string           // the topic of the last of them
	resyncs int
	wrong   []string
	is      condition
	history []moment
}

// moment is a change of a watcher's condition.
type moment struct {
	at time.Time
	is condition
}

func (r *rig) watch(p *person, m mode) *watcher {
	ctx, stop := context.WithCancel(context.Background())
	w := &watcher{name: p.name + "'s " + string(m), p: p, mode: m, stop: stop, gone: make(chan struct{}),
		told: map[string]int64{}, read: map[int64]int64{}, is: away}
	r.watchers = append(r.watchers, w)
	go func() {
		defer close(w.gone)
		w.follow(ctx)
	}()
	return w
}

func (w *watcher) close() {
	w.stop()
	<-w.gone
}

var errRefused = errors.New("refused")

// follow is the page's loop: one stream or one poll at a time.
func (w *watcher) follow(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		var err error
		caughtUp := false
		if w.cursor == "" {
			err = w.open(ctx)
		} else if w.mode == streaming {
			caughtUp, err = w.stream(ctx)
		} else {
			caughtUp, err = w.poll(ctx)
		}
		pause := time.Duration(0)
		switch {
		case caughtUp:
			failures = 0
			if w.mode == streaming {
				pause = rand.N(500 * time.Millisecond)
				if w.retry > 0 { // the server stops: so that not all come back at once
					pause = 250*time.Millisecond + rand.N(w.retry)
				}
			}
		case err != nil:
			w.set(away)
			// As a page does, but never longer than 4 s: not its patience is examined here.
			pause = 100*time.Millisecond + rand.N(min(4*time.Second, time.Second<<min(failures, 4)))
			failures++
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

var cursorOf = regexp.MustCompile(`data-cursor="([^"]+)"`)

// open loads the page: the cursor stands in it, and what it shows was read after the cursor.
func (w *watcher) open(ctx context.Context) error {
	page, err := w.p.get(ctx, "/")
	if err != nil {
		return err
	}
	found := cursorOf.FindStringSubmatch(page.body)
	if page.status != http.StatusOK || found == nil {
		return fmt.Errorf("the page answers %d", page.status)
	}
	if err := w.reread(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	w.cursor = found[1]
	w.mu.Unlock()
	return nil
}

// reread reads everything there is to see.
func (w *watcher) reread(ctx context.Context) error {
	tickets, err := w.p.tickets(ctx)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range tickets {
		w.read[t.Number] = max(w.read[t.Number], t.Version)
	}
	w.owed = false
	return nil
}

// event is one event of either wire.
type event struct {
	Event string          `json:"event"`
	ID    string          `json:"id"`
	Data  json.RawMessage `json:"data"`
	retry time.Duration
}

func (w *watcher) stream(ctx context.Context) (caughtUp bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request := w.p.request(ctx, "GET", "/live?after="+url.QueryEscape(w.cursor), "", nil)
	watchdog := time.AfterFunc(5*time.Second, cancel)
	defer watchdog.Stop()
	response, err := w.p.http.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	if err := w.answered(response.StatusCode); err != nil {
		return false, err
	}
	defer w.set(away)
	w.retry = 0
	lines := bufio.NewScanner(response.Body)
	for e := (event{}); lines.Scan(); {
		watchdog.Reset(37500 * time.Millisecond) // two pings and a half
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "event":
			e.Event = value
		case "id":
			e.ID = value
		case "data":
			e.Data = json.RawMessage(value)
		case "retry":
			ms, _ := strconv.Atoi(value)
			e.retry = time.Duration(ms) * time.Millisecond
		case "":
			if e.Event != "" {
				w.receive(ctx, e)
				caughtUp = caughtUp || e.Event == "ping"
			}
			if e.Event == "bye" {
				w.retry = e.retry
				return caughtUp, nil
			}
			e = event{}
		}
	}
	return caughtUp, lines.Err()
}

func (w *watcher) poll(ctx context.Context) (caughtUp bool, err error) {
	wait := 20
	if w.state() != live {
		wait = 0
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(wait+10)*time.Second)
	defer cancel()
	request := w.p.request(ctx, "GET", fmt.Sprintf("/live/poll?wait=%d&after=%s", wait, url.QueryEscape(w.cursor)), "", nil)
	got, err := w.p.do(request)
	if err != nil {
		return false, err
	}
	if err := w.answered(got.status); err != nil {
		return false, err
	}
	var news struct {
		Events []event `json:"events"`
		Cursor string  `json:"cursor"`
	}
	if err := json.Unmarshal([]byte(got.body), &news); err != nil {
		return false, err
	}
	for _, e := range news.Events {
		w.receive(ctx, e)
		if e.Event == "bye" {
			return false, errRefused
		}
	}
	w.mu.Lock()
	w.cursor = news.Cursor
	w.mu.Unlock()
	w.set(live)
	return true, nil
}

// answered judges a status: a page whose session is good is never told otherwise.
func (w *watcher) answered(status int) error {
	switch {
	case status == http.StatusOK:
		return nil
	case status == http.StatusServiceUnavailable || status == http.StatusInternalServerError || status == http.StatusBadGateway:
	default:
		w.mu.Lock()
		w.wrong = append(w.wrong, fmt.Sprintf("/live answered %d", status))
		w.mu.Unlock()
	}
	return fmt.Errorf("%w: %d", errRefused, status)
}

func (w *watcher) receive(ctx context.Context, e event) {
	var data struct {
		Topic   string `json:"topic"`
		Version int64  `json:"version"`
		Current *bool  `json:"current"`
		Cursor  string `json:"cursor"`
		Reason  string `json:"reason"`
	}
	_ = json.Unmarshal(e.Data, &data)
	w.mu.Lock()
	switch e.Event {
	case "change":
		w.changes++
		w.last = data.Topic
		if data.Version < w.told[data.Topic] {
			w.wrong = append(w.wrong, fmt.Sprintf("%s fell from %d to %d", data.Topic, w.told[data.Topic], data.Version))
		}
		w.told[data.Topic] = data.Version
	case "resync":
		w.resyncs++
		w.owed = true
		e.ID = data.Cursor
		clear(w.told) // another history counts anew
	case "bye":
		if data.Reason == "revoked" || data.Reason == "signed-out" || data.Reason == "expired" {
			w.wrong = append(w.wrong, "bye: "+data.Reason)
		}
	}
	if e.ID != "" {
		w.cursor = e.ID
	}
	owed := w.owed
	w.mu.Unlock()
	if owed {
		_ = w.reread(ctx) // where it fails, the next event tries again
	}
	if e.Event == "ping" {
		if data.Current != nil && !*data.Current {
			w.set(stale)
		} else {
			w.set(live)
		}
	}
}

func (w *watcher) set(to condition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.is != to {
		w.is = to
		w.history = append(w.history, moment{time.Now(), to})
	}
}

// state is live only where nothing is owed.
func (w *watcher) state() condition {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.is == live && w.owed {
		return stale
	}
	return w.is
}

// knows is the version up to which the page was told of a ticket, or has read it after a resync.
func (w *watcher) knows(number int64) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return max(w.told[fmt.Sprintf("ticket-%d", number)], w.read[number])
}

// seen copies what the watcher was told.
func (w *watcher) seen() (told map[string]int64, changes, resyncs int, wrong []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.told), w.changes, w.resyncs, append([]string(nil), w.wrong...)
}

// firstLeft is how long after broke the first page stopped being live, and lastLive how long after healed the last
// one became it again. Zero: never.
func (r *rig) firstLeft(broke time.Time) (first time.Duration) {
	for _, w := range r.watchers {
		w.mu.Lock()
		for _, m := range w.history {
			if d := m.at.Sub(broke); d > 0 && m.is != live && (first == 0 || d < first) {
				first = d
			}
		}
		w.mu.Unlock()
	}
	return first
}

func (r *rig) lastLive(healed time.Time) (last time.Duration) {
	for _, w := range r.watchers {
		w.mu.Lock()
		for _, m := range w.history {
			if d := m.at.Sub(healed); m.is == live {
				last = max(last, d)
			}
		}
		w.mu.Unlock()
	}
	return last
}
