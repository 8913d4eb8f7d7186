package handlers

import (
	"net/http"

	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// Home stands where a portal's dashboard will.
func (p *Portal) Home(c echo.Context) error {
	return Render(c, http.StatusOK, views.Home(p.Page(c, "Dashboard")))
}
