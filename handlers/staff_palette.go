package handlers

import (
	"net/http"

	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// Palette answers what the palette's field asks for: scripts show it beside what can be done on the page.
func (h Staff) Palette(c echo.Context) error {
	found, err := h.Store.Find(c.Request().Context(), actor(c), c.QueryParam("q"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"groups": views.PaletteGroups(found)})
}
