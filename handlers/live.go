package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"

	"autocrm/store"

	"github.com/labstack/echo/v4"
)

// Stream holds the stream of live updates open.
func (p *Portal) Stream(c echo.Context) error {
	who, err := p.viewer(c)
	if err != nil {
		return err
	}
	return p.Live.ServeStream(c.Response(), c.Request(), who)
}

// Poll answers once with what happened after a cursor, for where no stream can be held.
func (p *Portal) Poll(c echo.Context) error {
	who, err := p.viewer(c)
	if err != nil {
		return err
	}
	return p.Live.ServePoll(c.Response(), c.Request(), who)
}

// sessionTag names a session to its pages. A page says it when it asks for news: after its session it must not go
// on with those of another person who has signed in meanwhile. It is not the id, and opens nothing.
func sessionTag(who store.Actor) string {
	sum := sha256.Sum256(who.SessionID[:])
	return hex.EncodeToString(sum[:12])
}

// viewer is who may listen on this portal. Everybody else gets 401, never a redirect: an EventSource would
// follow it to a page and give up for ever. That goes for a wrong role too: no such stream exists.
func (p *Portal) viewer(c echo.Context) (store.Actor, error) {
	who, err := p.Doors.Actor(c.Request())
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return store.Actor{}, err
	}
	of := c.QueryParam("session")
	if err != nil || who.Role != p.Role || (of != "" && of != sessionTag(who)) {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
		return store.Actor{}, echo.NewHTTPError(http.StatusUnauthorized, "There is no session of this portal.")
	}
	Identify(c, who)
	return who, nil
}
