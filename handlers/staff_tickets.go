package handlers

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"

	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// Tickets lists every ticket.
func (h Staff) Tickets(c echo.Context) error {
	return h.list(c, views.TicketList{Query: ticketQuery(c, "/tickets"), Title: "All tickets"}, nil)
}

// TicketRows is the live region of that list.
func (h Staff) TicketRows(c echo.Context) error {
	return h.sharedRows(c, views.TicketList{Query: ticketQuery(c, "/tickets"), Title: "All tickets"}, nil)
}

// list is the page of a list. narrow is what the list is, whatever its address says.
func (h Staff) list(c echo.Context, list views.TicketList, narrow func(*store.TicketFilter)) error {
	page := h.Page(c, list.Title)
	list.Staff = true
	status, err := h.listTickets(c, &list, narrow)
	if err != nil {
		return err
	}
	if WantsJSON(c) {
		return ticketsJSON(c, list.Page)
	}
	if list.Present.List, list.Present.Version, err = h.Store.Presences(c.Request().Context(), actor(c), 0); err != nil {
		return err
	}
	if list.Query.Path == "/tickets" {
		if list.Assignees, err = h.Store.Assignable(c.Request().Context(), actor(c)); err != nil {
			return err
		}
	}
	return Render(c, status, views.TicketListPage(page, list))
}

// rows is the live region of a list that is about who asks.
func (h Staff) rows(c echo.Context, list views.TicketList, narrow func(*store.TicketFilter)) error {
	if same, err := h.listUnchanged(c); same || err != nil {
		return err
	}
	list.Staff = true
	status, err := h.listTickets(c, &list, narrow)
	if err != nil {
		return err
	}
	return Render(c, status, views.TicketRows(list))
}

// sharedRows is the live region of a list that is the same for all staff of a role: made once for all of them.
func (h Staff) sharedRows(c echo.Context, list views.TicketList, narrow func(*store.TicketFilter)) error {
	audience, ok := actor(c).Audience()
	if !ok || list.Query.Assignee == "me" {
		return h.rows(c, list, narrow)
	}
	ctx := c.Request().Context()
	version, err := h.shared.version(ctx, audience.Key(), func(ctx context.Context) (int64, error) {
		return h.Store.AudienceVersion(ctx, audience)
	})
	if err != nil || Unchanged(c, version) {
		return err
	}
	list.Staff = true
	key := regionKey{audience.Key(), c.Request().URL.RequestURI()}
	rows, err := h.shared.region(ctx, key, version, func(ctx context.Context) (rendered, error) {
		return h.renderRows(ctx, audience, list, narrow)
	})
	if err != nil {
		return err
	}
	return c.HTMLBlob(rows.status, rows.html)
}

// renderRows makes a list's rows from its address alone; it does not know who asks.
func (h Staff) renderRows(ctx context.Context, audience store.Audience, list views.TicketList, narrow func(*store.TicketFilter)) (rendered, error) {
	status, err := saidOnList(&list, fillList(&list, store.Actor{}, narrow, func(filter store.TicketFilter) (store.TicketPage, error) {
		return h.Store.AudienceTickets(ctx, audience, filter)
	}))
	if err != nil {
		return rendered{}, err
	}
	version := list.Page.Version
	if status != http.StatusOK {
		version = math.MaxInt64 // what is wrong with an address no change can mend
	}
	var html bytes.Buffer
	if err := views.TicketRows(list).Render(ctx, &html); err != nil {
		return rendered{}, fmt.Errorf("render: %w", err)
	}
	return rendered{status, html.Bytes(), version}, nil
}
