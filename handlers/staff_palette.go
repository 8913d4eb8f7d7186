package handlers

import (
	"net/http"
	"strings"

	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// Palette answers what the palette's field asks for: scripts show it beside what can be done on the page.
func (h Staff) Palette(c echo.Context) (err error) {
	var found store.Found
	if text := strings.TrimSpace(c.QueryParam("q")); text == "" {
		found, err = h.Store.FindFirst(c.Request().Context(), actor(c))
	} else {
		found, err = h.Store.Find(c.Request().Context(), actor(c), text)
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]any{"groups": views.PaletteGroups(found)})
}
