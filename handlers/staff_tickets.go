package handlers

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// The lists that have addresses of their own.
var (
	allTickets = store.View{Name: "All tickets", Path: "/tickets"}
	queue      = builtIn("/queue")
	myTickets  = builtIn("/my-tickets")
)

func builtIn(path string) store.View {
	for _, v := range store.BuiltInViews {
		if v.Path == path {
			return v
		}
	}
	panic("no view has the address " + path)
}

// Tickets lists the tickets that its address asks for.
func (h Staff) Tickets(c echo.Context) error { return h.listTickets(c, allTickets) }

// TicketRows is the live region of that list.
func (h Staff) TicketRows(c echo.Context) error { return h.ticketRows(c, allTickets) }

// Queue lists what nobody has and somebody should take: the most pressing first, and of those the oldest.
func (h Staff) Queue(c echo.Context) error { return h.listTickets(c, queue) }

// QueueRows is the live region of the queue.
func (h Staff) QueueRows(c echo.Context) error { return h.ticketRows(c, queue) }

// MyTickets lists what who asks has to do.
func (h Staff) MyTickets(c echo.Context) error { return h.listTickets(c, myTickets) }

// MyTicketRows is the live region of that list.
func (h Staff) MyTicketRows(c echo.Context) error { return h.ticketRows(c, myTickets) }

// sharedRows is the live region of a list that is the same for all staff of a role: made once for all of them.
func (p *Portal) sharedRows(c echo.Context, audience store.Audience, list views.TicketList, filter store.TicketFilter) error {
	ctx := c.Request().Context()
	version, err := p.shared.version(ctx, audience.Key(), func(ctx context.Context) (int64, error) {
		return p.Store.AudienceVersion(ctx, audience)
	})
	if err != nil || Unchanged(c, version) {
		return err
	}
	key := regionKey{audience.Key(), c.Request().URL.RequestURI()}
	rows, err := p.shared.region(ctx, key, version, func(ctx context.Context) (rendered, error) {
		return p.renderRows(ctx, audience, list, filter)
	})
	if err != nil {
		return err
	}
	return c.HTMLBlob(regionStatus(c, rows.status), rows.html)
}

// renderRows makes a list's rows from its address alone; it does not know who asks.
func (p *Portal) renderRows(ctx context.Context, audience store.Audience, list views.TicketList, filter store.TicketFilter) (rendered, error) {
	var err error
	list.Page, err = p.Store.AudienceTickets(ctx, audience, filter)
	status, err := sayOnList(&list, err)
	if err != nil {
		return rendered{}, err
	}
	if status != http.StatusOK {
		if list.Page.Version, err = p.Store.AudienceVersion(ctx, audience); err != nil {
			return rendered{}, err
		}
	}
	var html bytes.Buffer
	if err := views.TicketRows(list).Render(ctx, &html); err != nil {
		return rendered{}, fmt.Errorf("render: %w", err)
	}
	return rendered{status, html.Bytes(), list.Page.Version}, nil
}
