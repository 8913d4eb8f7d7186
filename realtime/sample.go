package realtime

import (
	"context"
	"maps"
	"sync"
	"time"

	"autocrm/store"
)

// Why a stream or poll did not come about. Those without a session say nothing of how well live updates work:
// they had no business here.
const (
	noSession   = "no session"  // also that of another portal
	notAsked    = "not asked"   // who it is could not be found out
	forbidden   = "forbidden"   // the caller lets nobody in particular in
	unavailable = "unavailable" // this node could not say what is new
)

// tally counts what is open, and between two minutes what came about.
type tally struct {
	mu      sync.Mutex
	portals map[store.Role]*store.LiveSample
}

func newTally() *tally {
	t := &tally{portals: map[store.Role]*store.LiveSample{}}
	for _, role := range store.Roles {
		t.portals[role] = &store.LiveSample{Portal: role, Reasons: map[string]int{}}
	}
	return t
}

// of changes a portal's figures; whoever comes without one is not counted.
func (t *tally) of(portal store.Role, change func(*store.LiveSample)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.portals[portal]; s != nil {
		change(s)
	}
}

// read gives what was counted in the minute so far.
func (t *tally) read() (samples []store.LiveSample) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, role := range store.Roles {
		s := *t.portals[role]
		s.Reasons, s.Lags = maps.Clone(s.Reasons), append(store.Lags(nil), s.Lags...)
		samples = append(samples, s)
	}
	return samples
}

// forget takes away what has been kept of a minute that is over. What is open stays open, and what came since stays
// counted.
func (t *tally) forget(kept []store.LiveSample) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range kept {
		s := t.portals[k.Portal]
		s.Connects, s.Failed = s.Connects-k.Connects, s.Failed-k.Failed
		for reason, n := range k.Reasons {
			if s.Reasons[reason] -= n; s.Reasons[reason] == 0 {
				delete(s.Reasons, reason)
			}
		}
		for i, n := range k.Lags {
			s.Lags[i] -= n
		}
	}
}

// noteOpen counts a stream or poll that came about, and noteEnd its end.
func (h *Hub) noteOpen(portal store.Role, kind, result string) {
	h.metrics.connects.WithLabelValues(string(portal), kind, result).Inc()
	h.metrics.streams.WithLabelValues(string(portal), kind).Inc()
	h.tally.of(portal, func(s *store.LiveSample) {
		s.Connects++
		*openOf(s, kind)++
	})
}

func (h *Hub) noteEnd(portal store.Role, kind string) {
	h.metrics.streams.WithLabelValues(string(portal), kind).Dec()
	h.tally.of(portal, func(s *store.LiveSample) { *openOf(s, kind)-- })
}

func openOf(s *store.LiveSample, kind string) *int {
	if kind == "poll" {
		return &s.Polls
	}
	return &s.Streams
}

// noteRefusal counts one that came to nothing.
func (h *Hub) noteRefusal(portal store.Role, kind, reason string) {
	h.metrics.connects.WithLabelValues(string(portal), kind, reason).Inc()
	h.tally.of(portal, func(s *store.LiveSample) {
		s.Reasons[reason]++
		if reason != noSession {
			s.Failed++
		}
	})
}

// noteLag counts how long a commit took to be handed to the streams of those whom it concerns.
func (h *Hub) noteLag(c *commit, took time.Duration) {
	took = max(took, 0) // the database's clock may be ahead of this node's
	h.metrics.lag.Observe(took.Seconds())
	count := func(s *store.LiveSample) { s.Lags.Add(took) }
	if c.clients != nil {
		h.tally.of(store.Client, count)
	}
	if c.agent != nil {
		h.tally.of(store.Agent, count)
	}
	if c.admin != nil {
		h.tally.of(store.Admin, count)
	}
}

// TurnedAway counts a stream or poll that was refused before it came here: err says why its caller could not be told,
// nil that nobody is signed in.
func (h *Hub) TurnedAway(portal store.Role, path string, err error) {
	kind, reason := "stream", noSession
	if path == "/live/poll" {
		kind = "poll"
	}
	if err != nil {
		reason = notAsked
	}
	h.noteRefusal(portal, kind, reason)
}

// Report writes what this node counts to log, as node, until ctx ends: the minute so far every few seconds, and
// a farewell. While the database is away it goes on counting, in as much memory, and the minute is a long one.
func (h *Hub) Report(ctx context.Context, log *store.HealthLog, node string) {
	next := time.NewTimer(min(time.Second, h.pace.sample)) // by then it listens
	defer next.Stop()
	minute, failing := time.Now().Truncate(time.Minute), false
	write := func(ctx context.Context, patience time.Duration, up bool) {
		within, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		samples, now := h.tally.read(), time.Now().Truncate(time.Minute)
		err := log.WriteSamples(within, node, minute, h.Status().Listener == Connected, up, samples)
		if err != nil && !failing && ctx.Err() == nil {
			h.logger.Warn("what this node counts cannot be written down", "error", err)
		}
		if failing = err != nil; !failing && !now.Equal(minute) {
			h.tally.forget(samples)
			minute = now
		}
	}
	for {
		select {
		case <-next.C:
			write(ctx, h.pace.sample, true)
			next.Reset(h.pace.sample)
		case <-ctx.Done():
			if !failing { // else it would only hold up the end
				write(context.WithoutCancel(ctx), time.Second, false)
			}
			return
		}
	}
}
