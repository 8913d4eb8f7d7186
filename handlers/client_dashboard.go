package handlers

import (
	"net/http"

	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// Dashboard is the portal's first page.
func (h Client) Dashboard(c echo.Context) error {
	page := h.Page(c, "Dashboard")
	figures, err := h.Store.ClientDashboard(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.ClientDashboardPage(page, figures))
}

// DashboardRegion is what of it refreshes.
func (h Client) DashboardRegion(c echo.Context) error {
	if same, err := h.listUnchanged(c); same || err != nil {
		return err
	}
	figures, err := h.Store.ClientDashboard(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.ClientDashboard(figures))
}
