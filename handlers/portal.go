// Package handlers answers one request at a time: decode, call one verb of the store, render. It holds no SQL
// and no rule of who may; the map of addresses is web/routes.go. Start with Portal and page.go.
package handlers

import (
	"net/http"
	"time"

	"autocrm/realtime"
	"autocrm/store"

	"github.com/labstack/echo/v4"
)

// Portal is what the handlers of all portals share: one of them for each portal.
type Portal struct {
	Role       store.Role // whose portal it is
	Store      *store.Store
	Live       Live
	Doors      Doors
	Addresses  map[store.Role]string // where the portals are, as https://agent.example.com
	SignUpOpen bool                  // customers may make an account without an invitation
	Dev        bool

	shared shared
}

// Client answers on the client portal.
type Client struct{ *Portal }

// Agent answers on the agent portal.
type Agent struct{ *Portal }

// Admin answers on the admin portal.
type Admin struct{ *Portal }

// Live is the hub of live updates, as handlers need it; realtime.Hub is it.
type Live interface {
	// Cursor is where the log stands now. A page takes it before its queries, so that nothing falls between.
	Cursor() string
	// ServeStream holds the stream open, ServePoll answers once, both as actor.
	ServeStream(w http.ResponseWriter, r *http.Request, actor store.Actor) error
	ServePoll(w http.ResponseWriter, r *http.Request, actor store.Actor) error
	// Carry wraps the handler of everything, so that a stream outlives all that is in it.
	Carry(http.Handler) http.Handler
	// Status tells how well the hub is fed.
	Status() realtime.Status
}

// Doors lets people in and out of one portal; auth.Gate is it.
type Doors interface {
	// Actor is who makes the request; store.ErrNotFound where nobody is signed in.
	Actor(r *http.Request) (store.Actor, error)
	// Proven says whether the request comes from a doctor, who has the deployment's secret.
	Proven(r *http.Request) bool
	// Visit says from where the request comes.
	Visit(r *http.Request, address string) store.Visit
	// Admit gives the browser a session just made; Dismiss takes it away.
	Admit(w http.ResponseWriter, r *http.Request, session store.Session) error
	Dismiss(w http.ResponseWriter)
	// Token makes a session's bearer token, and says how long it lives.
	Token(session store.Session) (token string, life time.Duration, err error)
	// Say keeps a sentence for the next page, which takes it with Said.
	Say(w http.ResponseWriter, sentence string)
	Said(w http.ResponseWriter, r *http.Request) string
}

const actorKey = "actor"

// Identify notes who makes the request. The guard of the portal calls it, and nobody else.
func Identify(c echo.Context, actor store.Actor) { c.Set(actorKey, actor) }

// Actor is who makes the request. Behind the guard there always is somebody; elsewhere ok may be false.
func Actor(c echo.Context) (actor store.Actor, ok bool) {
	actor, ok = c.Get(actorKey).(store.Actor)
	return actor, ok
}

// actor is Actor behind the guard, where there always is one.
func actor(c echo.Context) store.Actor {
	who, _ := Actor(c)
	return who
}
