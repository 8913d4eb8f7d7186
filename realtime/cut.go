package realtime

import (
	"cmp"
	"encoding/json"
	"time"

	"autocrm/store"

	"github.com/google/uuid"
)

// Why a stream ends, as `bye` says it.
const (
	byeSignedOut = "signed-out"
	byeRevoked   = "revoked"
	byeExpired   = "expired"
	byeAge       = "age"
	byeSlow      = "slow"
	byeShutdown  = "shutdown"

	// replaced is said to nobody: the page has opened another stream and does not read this one any more.
	replaced = "replaced"
)

// cut is a change after which streams of a session or of a person must not go on.
type cut struct {
	session uuid.UUID // the zero id: all of user's
	user    uuid.UUID
	role    store.Role // what a person became: streams of that role may stay. "": none may
	reason  string     // "": the person was let back in
	seen    time.Time
}

// cutsOf reads from an event of users or sessions whose streams it ends.
func cutsOf(event store.Event) []cut {
	switch {
	case event.Source == "sessions" && event.Operation == "delete":
		return []cut{{session: event.RowID, reason: leaving(event)}}
	case event.Source == "sessions" && event.Operation == "update":
		if revoked, ok := event.Changed("revoked_at"); ok && string(revoked) != "null" {
			return []cut{{session: event.RowID, reason: leaving(event)}}
		}
		if _, ok := event.Changed("expires_at"); ok {
			return []cut{{session: event.RowID, reason: byeAge}} // coming back, it learns its new end
		}
		if _, ok := event.Changes["token"]; ok {
			return []cut{{session: event.RowID, reason: byeAge}} // whoever has the new cookie comes back
		}
	case event.Source == "users" && event.Operation == "delete":
		return []cut{{user: event.RowID, reason: byeRevoked}}
	case event.Source == "users" && event.Operation == "update":
		if active, ok := event.Changed("active"); ok && string(active) == "false" {
			return []cut{{user: event.RowID, reason: byeRevoked}}
		} else if ok {
			return []cut{{user: event.RowID}}
		}
		if role, ok := event.Changed("user_role"); ok {
			c := cut{user: event.RowID, reason: byeRevoked}
			json.Unmarshal(role, &c.role) //nolint:errcheck // a role that cannot be read ends every stream
			return []cut{c}
		}
	}
	return nil
}

// leaving tells a person who signed out from one who was thrown out.
func leaving(event store.Event) string {
	if event.ActorID != nil && event.UserID != nil && *event.ActorID == *event.UserID {
		return byeSignedOut
	}
	return byeRevoked
}

// ends says whether the cut is about a stream of actor.
func (c cut) ends(actor store.Actor) bool {
	if c.session != uuid.Nil {
		return c.session == actor.SessionID
	}
	return c.user == actor.UserID && c.role != actor.Role
}

// lateCuts is how long a cut is remembered for streams whose caller was let in before it and that reach the
// hub after it.
const lateCuts = time.Minute

// missed finds the cut that came between a caller's being let in and its stream's being known here. Of what
// happened to the person the newest counts: who was deactivated and then reactivated may stay. The hub's lock
// is held.
func (h *Hub) missed(actor store.Actor) string {
	var session, person string
	for _, c := range h.cuts {
		switch {
		case c.session != uuid.Nil && c.ends(actor) && c.reason != byeAge:
			session = c.reason
		case c.session == uuid.Nil && c.user == actor.UserID:
			person = c.reason
			if c.role == actor.Role {
				person = ""
			}
		}
	}
	return cmp.Or(session, person)
}

// cut ends the streams that a commit says must end. The hub's lock is held.
func (h *Hub) cut(cuts []cut) {
	now := time.Now()
	for len(h.cuts) > 0 && now.Sub(h.cuts[0].seen) > lateCuts {
		h.cuts = h.cuts[1:]
	}
	for _, c := range cuts {
		c.seen = now
		h.cuts = append(h.cuts, c)
		of := h.bySession[c.session]
		if c.session == uuid.Nil {
			of = h.byUser[c.user]
		}
		for s := range of {
			if c.reason != "" && c.ends(s.actor) {
				s.end(c.reason)
			}
		}
	}
}
