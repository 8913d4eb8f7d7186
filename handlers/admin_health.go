package handlers

import (
	"net/http"

	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// Health shows how well live updates work, and what the doctor found last.
func (a Admin) Health(c echo.Context) error {
	return a.health(c, http.StatusOK, "")
}

// HealthFigures is the figures alone, for their live region. They change with every sample, so nothing is
// answered from a version.
func (a Admin) HealthFigures(c echo.Context) error {
	live, err := a.Store.LiveHealth(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.HealthFigures(live))
}

// HealthFindings is what the doctor found alone, for its live region.
func (a Admin) HealthFindings(c echo.Context) error {
	found, err := a.Store.Examinations(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	// One whose node died ends without a word.
	if Unchanged(c, found.Version, found.UnderWay != nil) {
		return nil
	}
	return Render(c, http.StatusOK, views.HealthFindings(found, ""))
}

// Examine sets the doctor to work. It takes longer than a request may: what comes of it appears on the page.
func (a Admin) Examine(c echo.Context) error {
	err := a.Portal.Examine(c.Request().Context(), actor(c))
	if status, words := declined(err); status != 0 {
		return a.health(c, status, words)
	}
	if err != nil {
		return err
	}
	return a.See(c, "/health", "")
}

// BackToHealth leads whoever reloads the answer to a post by its address back to the page.
func (a Admin) BackToHealth(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, "/health")
}

func (a Admin) health(c echo.Context, status int, problem string) error {
	page := a.Page(c, "Health")
	page.Path = "/health"
	live, err := a.Store.LiveHealth(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	found, err := a.Store.Examinations(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return Render(c, status, views.Health(page, live, found, problem))
}
