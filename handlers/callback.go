package handlers

import (
	"errors"
	"net/http"

	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// Callback completes every sign-in: it lets the portal's own people in and sends everybody else to
// /unauthorized. Each later request is asked the same by Guard.
func (p *Portal) Callback(c echo.Context) error {
	next := Next(c.QueryParam("next"))
	who, err := p.Doors.Actor(c.Request())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return c.Redirect(http.StatusSeeOther, SignInPath(next))
	case err != nil:
		return err
	case who.Role != p.Role:
		return c.Redirect(http.StatusSeeOther, "/unauthorized")
	}
	return c.Redirect(http.StatusSeeOther, next)
}

// Unauthorized tells whoever is signed in with another role which portal is theirs.
func (p *Portal) Unauthorized(c echo.Context) error {
	who, err := p.Doors.Actor(c.Request())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return c.Redirect(http.StatusSeeOther, "/sign-in")
	case err != nil:
		return err
	case who.Role == p.Role:
		return c.Redirect(http.StatusSeeOther, "/")
	}
	Identify(c, who)
	return Render(c, http.StatusForbidden, views.Unauthorized(p.BarePage(c, "Not your portal"), views.WrongPortal{
		Here: string(p.Role), Theirs: string(who.Role), Address: p.Addresses[who.Role],
	}))
}

// Guard lets a request pass whose actor has the portal's role now. It asks the database each time, so a change
// of role, a deactivation or a revoked session bites with the next request.
func (p *Portal) Guard(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		who, err := p.Doors.Actor(c.Request())
		if errors.Is(err, store.ErrNotFound) {
			return p.notSignedIn(c)
		}
		if err != nil {
			return err
		}
		Identify(c, who)
		if who.Role != p.Role {
			return p.wrongRole(c)
		}
		return next(c)
	}
}

// notSignedIn leads a person to the sign-in page and back. A script gets 401: it must not take the sign-in page
// for the fragment it asked for.
func (p *Portal) notSignedIn(c echo.Context) error {
	if IsFragment(c) || WantsJSON(c) {
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
		return echo.NewHTTPError(http.StatusUnauthorized, "You are signed out.")
	}
	next := "/"
	if c.Request().Method == http.MethodGet {
		next = c.Request().URL.RequestURI()
	}
	return c.Redirect(http.StatusSeeOther, SignInPath(next))
}

func (p *Portal) wrongRole(c echo.Context) error {
	if IsFragment(c) || WantsJSON(c) {
		return store.ErrForbidden
	}
	return c.Redirect(http.StatusSeeOther, "/unauthorized")
}
