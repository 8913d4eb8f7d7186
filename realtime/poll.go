package realtime

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"autocrm/store"
)

// polled is one event of a poll's answer: as on the stream, with data as JSON and not as text of it.
type polled struct {
	Event string `json:"event"`
	ID    string `json:"id,omitempty"`
	Data  any    `json:"data"`
}

type pollAnswer struct {
	Events []polled `json:"events"`
	Cursor string   `json:"cursor"`
}

// ServePoll answers GET /live/poll for actor, whom the caller has let in: as JSON, what came after the cursor
// in ?after=, waiting up to 20 s (fewer with ?wait=seconds) where that is nothing. Without a cursor it
// answers at once with one. The rules are those of ServeStream.
func (h *Hub) ServePoll(w http.ResponseWriter, r *http.Request, actor store.Actor) error {
	if err := mayStream(actor); err != nil {
		h.refused(r, actor, "poll", forbidden)
		return err
	}
	s, start, ok := h.subscribe(r, actor)
	if !ok {
		h.unavailable(w, r, actor, "poll")
		return nil
	}
	defer h.remove(s)
	h.noteOpen(actor.Role, "poll", start.result())
	defer h.noteEnd(actor.Role, "poll")
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Time{}) //nolint:errcheck // a writer without deadlines has none to clear

	answer := &pollAnswer{Events: []polled{}}
	through := start.head
	collect := func(batches []*batch) error {
		each(batches, func(b *batch, i int) {
			place := b.prev
			if i == len(b.signals)-1 {
				place = b.place
			}
			if b.bulk {
				id := h.seal(place)
				answer.Events = append(answer.Events, polled{"resync", id, map[string]string{"cursor": id}})
				return
			}
			answer.Events = append(answer.Events, polled{"change", h.seal(place), b.signals[i]})
		})
		h.metrics.delivered.Add(float64(len(answer.Events)))
		return nil
	}
	if start.resync != "" {
		fresh := h.seal(start.place)
		answer.Events = append(answer.Events, polled{"resync", fresh, map[string]string{"cursor": fresh}})
	} else if err := h.replay(r.Context(), actor, start, collect); err != nil {
		h.unavailable(w, r, actor, "poll")
		return nil
	}
	if len(answer.Events) == 0 && cursorOf(r) != "" {
		through = h.hold(r, s, answer, collect, through)
	}
	answer.Cursor = h.seal(through)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store, no-transform")
	w.Header().Set("X-Accel-Buffering", "no")
	rc.SetWriteDeadline(time.Now().Add(h.pace.write)) //nolint:errcheck // as for reading
	return json.NewEncoder(w).Encode(answer)
}

// hold waits for the first news, and gives the place up to which the answer then tells everything.
func (h *Hub) hold(r *http.Request, s *stream, answer *pollAnswer, collect func([]*batch) error, through int64) int64 {
	wait := time.NewTimer(h.wait(r))
	defer wait.Stop()
	expiry := expiryTimer(s.actor)
	defer expiry.Stop()
	for {
		select {
		case <-r.Context().Done():
			return through
		case <-expiry.C:
			s.end(byeExpired)
		case <-wait.C:
			if head, ok := h.quiet(s); ok {
				through = head
			}
			return through
		case <-s.wake:
			t := h.take(s)
			if t.reason == replaced {
				return through
			}
			if t.reason != "" {
				h.metrics.byes.WithLabelValues(t.reason).Inc()
				answer.Events = append(answer.Events, polled{Event: "bye", Data: map[string]string{"reason": t.reason}})
				return through
			}
			if len(t.batches) > 0 {
				collect(t.batches) //nolint:errcheck // it cannot fail
				return t.batches[len(t.batches)-1].place
			}
			if t.nudged {
				return through
			}
		}
	}
}

func (h *Hub) wait(r *http.Request) time.Duration {
	seconds, err := strconv.Atoi(r.URL.Query().Get("wait"))
	if err != nil || seconds < 0 {
		return h.pace.hold
	}
	return min(time.Duration(seconds)*time.Second, h.pace.hold)
}
