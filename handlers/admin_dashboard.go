package handlers

import (
	"net/http"

	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// Dashboard is the portal's first page.
func (h Admin) Dashboard(c echo.Context) error {
	page := h.Page(c, "Overview")
	figures, err := h.Store.AdminDashboard(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.AdminDashboardPage(page, figures))
}

// DashboardRegion is what of it refreshes.
func (h Admin) DashboardRegion(c echo.Context) error {
	if same, err := h.listUnchanged(c); same || err != nil {
		return err
	}
	figures, err := h.Store.AdminDashboard(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.AdminDashboard(figures))
}
