package handlers

import (
	"errors"

	"autocrm/store"

	"github.com/labstack/echo/v4"
)

// SignOut ends the session, whoever's it is: also somebody who is on the wrong portal may leave.
func (p *Portal) SignOut(c echo.Context) error {
	who, err := p.Doors.Actor(c.Request())
	if err == nil {
		err = p.Store.SignOut(c.Request().Context(), who)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	p.Doors.Dismiss(c.Response())
	return p.See(c, "/sign-in", "You have signed out.")
}
