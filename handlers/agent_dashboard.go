package handlers

import (
	"net/http"

	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// Dashboard is the portal's first page.
func (h Agent) Dashboard(c echo.Context) error {
	page := h.Page(c, "Dashboard")
	figures, err := h.Store.AgentDashboard(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.AgentDashboardPage(page, figures))
}

// DashboardRegion is what of it refreshes.
func (h Agent) DashboardRegion(c echo.Context) error {
	if same, err := h.listUnchanged(c); same || err != nil {
		return err
	}
	figures, err := h.Store.AgentDashboard(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.AgentDashboard(figures))
}
