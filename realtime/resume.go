package realtime

import (
	"context"
	"fmt"
	"net/http"

	"autocrm/store"
)

// start is where a stream begins.
type start struct {
	place   int64    // what hello's cursor says: with it, nothing below is owed
	head    int64    // the hub's head when the stream was made known to it; above it the stream is told live
	backlog []*batch // what lies between, from memory
	query   bool     // or it must be asked of the database
	resync  string   // why the cursor given could not be served, "": it can, or none was given
	resumed bool
}

func (s start) result() string {
	switch {
	case s.resync != "":
		return "resync"
	case s.query:
		return "queried"
	case s.resumed:
		return "resumed"
	}
	return "fresh"
}

// subscribe makes a stream for actor known to the hub, starting from the request's cursor, or from now where
// there is none. ok is false while this node cannot say what is new.
func (h *Hub) subscribe(r *http.Request, actor store.Actor) (s *stream, from start, ok bool) {
	cursor := cursorOf(r)
	p, genuine := h.sealer.open(cursor)
	if genuine && p.place > h.head() {
		h.catchUp(r.Context(), p.place)
	}
	page := r.URL.Query().Get("page")
	s = newStream(actor, page[:min(len(page), 64)])
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || !h.current() {
		return nil, start{}, false
	}
	from = start{place: h.extent.Head, head: h.extent.Head}
	switch {
	case cursor == "":
	case !genuine:
		from.resync = "malformed"
	case p.epoch != h.extent.Epoch:
		from.resync = "epoch"
	case p.place > h.extent.Head:
		from.resync = "ahead"
	default:
		backlog, inMemory := h.ring.since(p.place, actor)
		if !inMemory && p.place < h.extent.Oldest {
			from.resync = "expired"
			break
		}
		if !inMemory && p.place >= h.ring.floor {
			from.resync = "lost"
			break
		}
		from.place, from.backlog, from.query, from.resumed = p.place, backlog, !inMemory, true
	}
	if from.resync != "" {
		h.metrics.resyncs.WithLabelValues(from.resync).Inc()
	}
	if reason := h.missed(actor); reason != "" {
		s.end(reason)
		from.backlog, from.query = nil, false
	}
	h.add(s)
	return s, from, true
}

// replay hands f what lies between the cursor and the moment the stream was made known, in commit order. What the
// log turns out not to hold ends in one batch that stands for everything.
func (h *Hub) replay(ctx context.Context, actor store.Actor, from start, f func([]*batch) error) error {
	if !from.query {
		if len(from.backlog) == 0 {
			return nil
		}
		return f(from.backlog)
	}
	place := from.place
	for place < from.head {
		events, err := h.store.EventsAfter(ctx, actor, place, resumeCommits)
		if err != nil {
			h.logger.Warn("a stream cannot be resumed", "portal", actor.Role, "error", err)
			return fmt.Errorf("resume: %w", err)
		}
		commits, through := 0, place
		for i := range events {
			if events[i].Place > from.head { // told live
				events = events[:i]
				break
			}
			if events[i].Place != through {
				commits, through = commits+1, events[i].Place
			}
		}
		if commits < resumeCommits {
			through = from.head
		}
		if b := batchOf(events, actor, place, through); b != nil {
			if err := f([]*batch{b}); err != nil {
				return err
			}
		}
		place = through
	}
	// Asked last: the log may have been forgetting just now.
	held, err := h.log.Holds(ctx, from.place)
	if err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	if !held {
		h.metrics.resyncs.WithLabelValues("lost").Inc()
		return f([]*batch{everything(from.head, from.head)})
	}
	return nil
}

// cursorOf prefers the header: a browser that reconnects by itself sends it, with the address of the page's
// first connection.
func cursorOf(r *http.Request) string {
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		return id
	}
	return r.URL.Query().Get("after")
}

// mayStream holds off callers that let nobody in particular in: there is no anonymous stream.
func mayStream(actor store.Actor) error {
	if !actor.Role.Valid() || actor.UserID == [16]byte{} || (actor.Portal != "" && actor.Portal != actor.Role) {
		return fmt.Errorf("%w: no stream for %q on portal %q", store.ErrForbidden, actor.Role, actor.Portal)
	}
	return nil
}

// refused counts and logs a connection that came to nothing.
func (h *Hub) refused(r *http.Request, actor store.Actor, kind, reason string) {
	h.metrics.connects.WithLabelValues(string(actor.Role), kind, reason).Inc()
	h.logger.Warn("no live updates", "portal", actor.Role, "kind", kind, "reason", reason, "user", actor.UserID, "path", r.URL.Path)
}

func (h *Hub) unavailable(w http.ResponseWriter, r *http.Request, actor store.Actor, kind string) {
	h.refused(r, actor, kind, "unavailable")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "1")
	http.Error(w, "live updates are not available just now", http.StatusServiceUnavailable)
}
