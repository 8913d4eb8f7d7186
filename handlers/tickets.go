package handlers

import (
	"net/http"
	"strconv"

	"autocrm/store"

	"github.com/labstack/echo/v4"
)

// ticketNumber reads the number in the address. What is no number is no ticket: ErrNotFound.
func ticketNumber(c echo.Context) (int64, error) {
	text := c.Param("number")
	number, err := strconv.ParseInt(text, 10, 64)
	// One address a ticket: not also +1042 and 01042.
	if err != nil || number <= 0 || strconv.FormatInt(number, 10) != text {
		return 0, store.ErrNotFound
	}
	return number, nil
}

// listUnchanged answers a list's region with 304 where the browser shows what it would get.
func (p *Portal) listUnchanged(c echo.Context) (bool, error) {
	version, err := p.Store.ListVersion(c.Request().Context(), actor(c))
	if err != nil {
		return false, err
	}
	return Unchanged(c, version), nil
}

// ticketsJSON is a list for API clients; next is the after of the following page.
func ticketsJSON(c echo.Context, page store.TicketPage) error {
	tickets := page.Tickets
	if tickets == nil {
		tickets = []store.Ticket{}
	}
	return c.JSON(http.StatusOK, map[string]any{"tickets": tickets, "next": page.Next})
}

// threadJSON is a ticket for API clients.
func threadJSON(c echo.Context, thread store.Thread) error {
	files, activities := thread.Files, thread.Activities
	if files == nil {
		files = []store.Attachment{}
	}
	if activities == nil {
		activities = []store.Activity{}
	}
	return c.JSON(http.StatusOK, map[string]any{"ticket": thread.Ticket, "attachments": files, "activities": activities})
}
