// Package realtime carries the event log to every open page: event log -> listener -> hub -> stream. It knows
// no HTML and no page, and it never decides who may see what: store.Event.Signals and the policies do. Start
// with Hub.Run in listener.go, follow publish here, and end in ServeStream.
package realtime

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"autocrm/store"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
)

// Options is what a Hub needs. Every field is required.
type Options struct {
	Log       *store.EventLog
	Store     *store.Store // reads, as the viewer, what memory does not reach back to
	ListenURL string       // for LISTEN: past any pooler
	Secrets   []string     // SECRET_KEY, newest first
	Logger    *slog.Logger
	Metrics   prometheus.Registerer
}

// Hub hands every change to the streams that may know of it. One a process. Safe for concurrent use.
type Hub struct {
	log       *store.EventLog
	store     *store.Store
	listenURL string
	sealer    *sealer
	logger    *slog.Logger
	metrics   *metrics
	tally     *tally
	pace      pace

	bell chan struct{} // something may be in the log: at most one ring waits

	mu        sync.RWMutex
	extent    store.LogExtent // Head is what has been handed out, not what the database has
	ring      ring
	agents    set
	admins    set
	clients   map[uuid.UUID]set
	byUser    map[uuid.UUID]set
	bySession map[uuid.UUID]set
	byPage    map[pageKey]*stream
	cuts      []cut // of the last minute
	closed    bool
	open      sync.WaitGroup // streams and polls
	status    status
	read      chan struct{} // closed after each look into the log
}

type set map[*stream]struct{}

// pace is how long everything takes; tests shorten it.
type pace struct {
	poll     time.Duration // how often the log is read though no bell rang
	stale    time.Duration // unread for so long, the hub does not call anything live
	ping     time.Duration
	hold     time.Duration // how long a poll waits for news
	write    time.Duration // how long one write may take before the reader counts as gone
	minAge   time.Duration
	maxAge   time.Duration
	idle     time.Duration // the listening connection is pinged when silent for so long
	minRetry time.Duration
	maxRetry time.Duration
	sample   time.Duration // how often what is counted is written down
}

var usualPace = pace{
	poll: time.Second, stale: 5 * time.Second, ping: 15 * time.Second, hold: 20 * time.Second,
	write: 10 * time.Second, minAge: 10 * time.Minute, maxAge: 15 * time.Minute,
	idle: 15 * time.Second, minRetry: 100 * time.Millisecond, maxRetry: 10 * time.Second, sample: store.SampleEvery,
}

const (
	queueBound    = 64    // batches a stream keeps; further behind, it reads them from the ring
	ringCommits   = 4096  // at least some minutes of a busy desk
	ringSignals   = 65536 // about 4 MB
	readCommits   = 512   // commits a read of the log
	resumeCommits = 1000  // commits a query of a resume beyond the ring
	shutdownWait  = time.Second
)

// New prepares a hub; Run sets it to work. Streams that come before are told to come again.
func New(o Options) (*Hub, error) {
	if o.Log == nil || o.Store == nil || o.ListenURL == "" || o.Logger == nil || o.Metrics == nil {
		return nil, errors.New("realtime: an option is missing")
	}
	sealer, err := newSealer(o.Secrets)
	if err != nil {
		return nil, err
	}
	metrics, err := newMetrics(o.Metrics)
	if err != nil {
		return nil, err
	}
	return &Hub{
		log: o.Log, store: o.Store, listenURL: o.ListenURL, sealer: sealer, logger: o.Logger, metrics: metrics,
		tally: newTally(), pace: usualPace, bell: make(chan struct{}, 1), read: make(chan struct{}),
		ring:   ring{maxCommits: ringCommits, maxSignals: ringSignals},
		agents: set{}, admins: set{},
		clients: map[uuid.UUID]set{}, byUser: map[uuid.UUID]set{}, bySession: map[uuid.UUID]set{}, byPage: map[pageKey]*stream{},
		status: status{listener: PollingOnly},
	}, nil
}

// Cursor is where a page starts that is rendered from queries made after this call: nothing falls between.
// Before the hub has read the log for the first time it gives a cursor that is answered with resync.
func (h *Hub) Cursor() string {
	h.mu.RLock()
	p := position{h.extent.Epoch, h.extent.Head}
	h.mu.RUnlock()
	return h.sealer.seal(p)
}

// seal gives the cursor of a place of the present epoch.
func (h *Hub) seal(place int64) string {
	h.mu.RLock()
	epoch := h.extent.Epoch
	h.mu.RUnlock()
	return h.sealer.seal(position{epoch, place})
}

// publish hands commits, in commit order, to the streams. It never waits for one.
func (h *Hub) publish(events []store.Event) {
	for len(events) > 0 {
		n := 1
		for n < len(events) && events[n].Place == events[0].Place {
			n++
		}
		h.publishCommit(events[:n])
		events = events[n:]
	}
}

func (h *Hub) publishCommit(events []store.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := newCommit(events, h.extent.Head)
	h.cut(c.cuts) // first: whom it throws out is not told the rest of it
	h.ring.add(c)
	h.extent.Head = c.place
	if c.agent != nil {
		for s := range h.agents {
			if _, own := c.persons[s.actor.UserID]; !own {
				s.offer(c.agent)
			}
		}
	}
	if c.admin != nil {
		for s := range h.admins {
			if _, own := c.persons[s.actor.UserID]; !own {
				s.offer(c.admin)
			}
		}
	}
	for id := range c.persons {
		for s := range h.byUser[id] {
			if b := c.tells(s.actor); b != nil && s.actor.Role.Staff() {
				s.offer(b)
			}
		}
	}
	for id, b := range c.clients {
		for s := range h.clients[id] {
			s.offer(b)
		}
	}
	if h.status.ready { // not while reading old news at the start
		h.noteLag(c, time.Since(time.UnixMicro(c.place)))
	}
}

// add makes the stream known, in the same moment as the head it starts from is read. The lock is held.
func (h *Hub) add(s *stream) {
	h.open.Add(1)
	switch s.actor.Role {
	case store.Client:
		insert(h.clients, s.actor.UserID, s)
	case store.Agent:
		h.agents[s] = struct{}{}
	case store.Admin:
		h.admins[s] = struct{}{}
	}
	insert(h.byUser, s.actor.UserID, s)
	insert(h.bySession, s.actor.SessionID, s)
	if s.page.page == "" {
		return
	}
	// One a page: a browser or a proxy may hold a connection for a while that the page gave up.
	if former := h.byPage[s.page]; former != nil {
		former.end(replaced)
	}
	h.byPage[s.page] = s
}

func (h *Hub) remove(s *stream) {
	defer h.open.Done()
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.agents, s)
	delete(h.admins, s)
	drop(h.clients, s.actor.UserID, s)
	drop(h.byUser, s.actor.UserID, s)
	drop(h.bySession, s.actor.SessionID, s)
	if h.byPage[s.page] == s {
		delete(h.byPage, s.page)
	}
}

func insert(index map[uuid.UUID]set, id uuid.UUID, s *stream) {
	if index[id] == nil {
		index[id] = set{}
	}
	index[id][s] = struct{}{}
}

func drop(index map[uuid.UUID]set, id uuid.UUID, s *stream) {
	delete(index[id], s)
	if len(index[id]) == 0 {
		delete(index, id)
	}
}

// Shutdown ends every stream at once, with a `bye`, and lets no new one in. It waits a moment for the byes to be
// written. Call it before the server's own Shutdown, which tells no handler and knows no detached stream.
func (h *Hub) Shutdown() {
	h.mu.Lock()
	h.closed = true
	h.endAll(byeShutdown)
	h.mu.Unlock()
	ended := make(chan struct{})
	go func() {
		h.open.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(shutdownWait):
	}
}

// endAll ends every stream. The lock is held.
func (h *Hub) endAll(reason string) {
	for _, streams := range h.byUser {
		for s := range streams {
			s.end(reason)
		}
	}
}

// catchUp waits, not for long, until the hub has handed out everything up to place: another node may have
// read further when it made the cursor.
func (h *Hub) catchUp(ctx context.Context, place int64) {
	ctx, cancel := context.WithTimeout(ctx, 2*h.pace.poll)
	defer cancel()
	// The look that is under way may have begun too early; the one after it has not.
	for range 2 {
		h.mu.RLock()
		there, read := h.extent.Head >= place, h.read
		h.mu.RUnlock()
		if there {
			return
		}
		h.look()
		select {
		case <-read:
		case <-ctx.Done():
			return
		}
	}
}

// look asks for a look into the log.
func (h *Hub) look() {
	select {
	case h.bell <- struct{}{}:
	default:
	}
}
