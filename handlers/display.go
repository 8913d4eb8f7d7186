package handlers

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// displayChoices are the cookies that say how pages look, and the values that each may have beside none.
var displayChoices = map[string][]string{
	"theme":   {"light", "dark"},
	"density": {"compact"},
	"keys":    {"off"},
	"undo":    {"off"},
}

// choice reads a cookie that scripts write; what is not one of the choices is nothing.
func choice(c echo.Context, name string) string {
	cookie, err := c.Cookie(name)
	if err != nil {
		return ""
	}
	return known(cookie.Value, displayChoices[name])
}

func known(value string, choices []string) string {
	if slices.Contains(choices, value) {
		return value
	}
	return ""
}

// setChoice writes what choice reads. It is no secret, and scripts read it too.
func (p *Portal) setChoice(c echo.Context, name, value string) {
	cookie := &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: 365 * 24 * 3600,
		Secure: strings.HasPrefix(p.Addresses[p.Role], "https://"), SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		cookie.MaxAge = -1
	}
	c.SetCookie(cookie)
}
