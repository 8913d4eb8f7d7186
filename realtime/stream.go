package realtime

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"autocrm/store"

	"github.com/google/uuid"
)

// stream is one open reader: what waits for it, and why it must end.
type stream struct {
	actor store.Actor
	page  pageKey
	since time.Time
	wake  chan struct{}

	mu     sync.Mutex
	queue  []*batch
	behind bool  // the queue overflowed: what is above from is to be read from the ring
	from   int64 // nothing at or below this place is owed
	nudged bool  // say whether the hub is current
	reason string
	hurry  func() // shortens a write that is under way; nil without one
}

// pageKey names a page among all: what it calls itself, within its session.
type pageKey struct {
	session uuid.UUID
	page    string // "": it does not call itself anything
}

// newStream keeps of actor what streams are chosen and ended by, and not the claims: there are many streams.
func newStream(actor store.Actor, page string) *stream {
	actor = store.Actor{UserID: actor.UserID, Role: actor.Role, Portal: actor.Portal, SessionID: actor.SessionID, ExpiresAt: actor.ExpiresAt}
	return &stream{actor: actor, page: pageKey{actor.SessionID, page}, since: time.Now(), wake: make(chan struct{}, 1)}
}

// offer queues what a commit tells this stream. It never waits: a reader that is too slow for the queue is
// served from the ring, and one too slow for that is let go.
func (s *stream) offer(b *batch) {
	s.mu.Lock()
	switch {
	case s.behind || s.reason != "":
	case len(s.queue) == queueBound:
		s.behind, s.from, s.queue = true, s.queue[0].prev, nil
	default:
		s.queue = append(s.queue, b)
	}
	s.mu.Unlock()
	s.ring()
}

// end asks the stream to say bye and go. The first reason stands.
func (s *stream) end(reason string) {
	s.mu.Lock()
	if s.reason == "" {
		s.reason, s.queue = reason, nil
		if s.hurry != nil {
			go s.hurry() // it may wait for the connection; whoever ends streams must not
		}
	}
	s.mu.Unlock()
	s.ring()
}

func (s *stream) nudge() {
	s.mu.Lock()
	s.nudged = true
	s.mu.Unlock()
	s.ring()
}

func (s *stream) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// taken is what a stream has to write now.
type taken struct {
	batches []*batch
	reason  string // why to end, instead of anything else
	nudged  bool
}

// take empties what waits for s.
func (h *Hub) take(s *stream) taken {
	s.mu.Lock()
	if !s.behind || s.reason != "" {
		defer s.mu.Unlock()
		t := taken{s.queue, s.reason, s.nudged}
		s.queue, s.nudged = nil, false
		return t
	}
	s.mu.Unlock()
	// The hub's lock before the stream's, as publish takes them: nothing falls between ring and queue.
	h.mu.RLock()
	defer h.mu.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	batches, ok := h.ring.since(s.from, s.actor)
	t := taken{batches, s.reason, s.nudged}
	if !ok && t.reason == "" {
		t.reason = byeSlow
	}
	s.behind, s.queue, s.nudged = false, nil, false
	return t
}

// quiet gives the head if nothing waits for s: s has then been told everything up to it.
func (h *Hub) quiet(s *stream) (head int64, ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return h.extent.Head, len(s.queue) == 0 && !s.behind && s.reason == ""
}

// ServeStream answers GET /live for actor, whom the caller has let in, until either side ends it. What came
// after the cursor in Last-Event-ID, or in ?after=, is told first. It answers 503 while this node cannot say
// what is new. An error is returned only before anything was written. It returns as soon as the stream is
// current; the rest is written beside, on the bare connection, or in Carry.
func (h *Hub) ServeStream(w http.ResponseWriter, r *http.Request, actor store.Actor) error {
	if err := mayStream(actor); err != nil {
		h.refused(r, actor, "stream", "forbidden")
		return err
	}
	s, start, ok := h.subscribe(r, actor)
	if !ok {
		h.unavailable(w, r, actor, "stream")
		return nil
	}
	h.metrics.connects.WithLabelValues(string(actor.Role), "stream", start.result()).Inc()
	h.metrics.streams.WithLabelValues(string(actor.Role), "stream").Inc()
	out := h.newOutput(w, r, s)
	h.logger.Debug("stream opened", "portal", actor.Role, "user", actor.UserID, "cursor", start.result())
	if err := h.begin(r.Context(), s, actor, start, out); err != nil {
		h.finish(s, out, "", err)
		return nil
	}
	if h.detach(r, s, out) {
		return nil
	}
	reason, err := h.run(r.Context().Done(), s, out)
	h.finish(s, out, reason, err)
	return nil
}

// finish forgets the stream. reason is the bye's, or err says how its reader was lost.
func (h *Hub) finish(s *stream, out *output, reason string, err error) {
	out.close()
	h.remove(s)
	h.metrics.streams.WithLabelValues(string(s.actor.Role), "stream").Dec()
	if reason != "" {
		h.metrics.byes.WithLabelValues(reason).Inc()
	}
	// The request's own line came when it was answered, which may be long ago.
	h.logger.Info("stream ended", "portal", s.actor.Role, "user", s.actor.UserID, "bye", reason, "error", err,
		"after", time.Since(s.since).Round(time.Millisecond))
}

// begin writes what the stream starts with.
func (h *Hub) begin(ctx context.Context, s *stream, actor store.Actor, start start, out *output) error {
	if err := out.opening(start); err != nil {
		return err
	}
	if err := h.replay(ctx, actor, start, func(batches []*batch) error { return out.changes(batches) }); err != nil {
		return err
	}
	// The first ping closes the backlog: from here on the reader is as current as this node.
	return out.ping()
}

var errGone = errors.New("the reader is gone")

// run writes until the stream ends: the bye's reason, or the error of a reader that is gone.
func (h *Hub) run(gone <-chan struct{}, s *stream, out *output) (reason string, err error) {
	age := time.Now().Add(h.pace.minAge + rand.N(h.pace.maxAge-h.pace.minAge))
	// One timer for all three: a stream has little of its own.
	next := func() time.Duration {
		d := min(h.pace.ping, time.Until(age))
		if !s.actor.ExpiresAt.IsZero() {
			d = min(d, time.Until(s.actor.ExpiresAt))
		}
		return d
	}
	timer := time.NewTimer(next())
	defer timer.Stop()
	for {
		select {
		case <-gone:
			return "", errGone
		case <-timer.C:
			switch now := time.Now(); {
			case !s.actor.ExpiresAt.IsZero() && !now.Before(s.actor.ExpiresAt):
				s.end(byeExpired)
			case !now.Before(age):
				s.end(byeAge)
			default:
				err = out.ping()
			}
			timer.Reset(max(next(), time.Millisecond))
		case <-s.wake:
			t := h.take(s)
			if t.reason == replaced {
				return replaced, nil
			}
			if t.reason != "" {
				return t.reason, out.bye(t.reason)
			}
			err = out.changes(t.batches)
			if err == nil && t.nudged {
				err = out.ping()
			}
		}
		if err != nil {
			return "", err
		}
	}
}

// expiryTimer fires when the actor's session ends; never where it has no end.
func expiryTimer(actor store.Actor) *time.Timer {
	if actor.ExpiresAt.IsZero() {
		timer := time.NewTimer(time.Hour)
		timer.Stop()
		return timer
	}
	return time.NewTimer(time.Until(actor.ExpiresAt))
}
