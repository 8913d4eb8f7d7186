package handlers

import (
	"net/http"
	"time"

	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// Style shows every control in every state; in development only. It needs nobody signed in, so it invents
// somebody, and takes the look of any portal.
func (p *Portal) Style(c echo.Context) error {
	page := p.BarePage(c, "Style")
	if role := store.Role(c.QueryParam("portal")); role.Valid() {
		page.Portal = string(role)
	}
	if which := c.QueryParam("page"); which != "" {
		return Render(c, http.StatusOK, views.StyleBare(page, which))
	}
	page.Person = &views.Person{Name: "Ana Ruiz", Email: "ana@example.com", Role: page.Portal}
	page.Nav = navOf(store.Role(page.Portal))
	return Render(c, http.StatusOK, views.StylePage(page, time.Now()))
}
