package auth

import (
	"net/http"
	"regexp"
	"strings"

	"autocrm/store"
)

// Actor says who makes the request, or store.ErrNotFound where nobody is signed in. It reads the session anew
// each time: a role, an account or a session that an admin took away is gone with the next request.
func (g *Gate) Actor(r *http.Request) (store.Actor, error) {
	if token, ok := bearer(r); ok {
		return g.actorByBearer(r, token)
	}
	session, err := g.session.Get(r, g.session.name)
	if err != nil {
		return store.Actor{}, err
	}
	actor, ok := session.Values[actorKey].(store.Actor)
	if !ok {
		return store.Actor{}, store.ErrNotFound
	}
	return actor, nil
}

// ticketPath is where the JSON form of a page is: the list and one ticket.
var ticketPath = regexp.MustCompile(`^/tickets(/[0-9]+)?$`)

// bearer returns the token of a request that may carry one: the stream, and the JSON form of the ticket pages.
// Anywhere else the header is as good as absent, so that a token never drives the forms of the portal.
func bearer(r *http.Request) (token string, ok bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		return "", false
	}
	takes := isStream(r) || (ticketPath.MatchString(r.URL.Path) && strings.Contains(r.Header.Get("Accept"), "application/json"))
	return strings.TrimSpace(token), takes
}

func isStream(r *http.Request) bool { return r.URL.Path == "/live" || r.URL.Path == "/live/poll" }

var presencePath = regexp.MustCompile(`^/tickets/[0-9]+/presence$`)

// byItself says whether nobody has to sit before the screen for this request to come.
func byItself(r *http.Request) bool { return isStream(r) || presencePath.MatchString(r.URL.Path) }
