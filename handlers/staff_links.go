package handlers

import (
	"net/http"
	"net/url"

	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// LinkTicket says how another ticket belongs to this one.
func (h Staff) LinkTicket(c echo.Context) error {
	return h.act(c, act{"link", views.LinkAct, func(number int64, fields url.Values) error {
		other, err := h.ticketMeant(c, "other", fields)
		if err != nil {
			return err
		}
		return h.Store.Link(c.Request().Context(), actor(c), number, other, store.LinkRole(fields.Get("role")))
	}})
}

// UnlinkTicket takes a link away.
func (h Staff) UnlinkTicket(c echo.Context) error {
	return h.act(c, act{"unlink", nil, func(number int64, fields url.Values) error {
		id, err := namedID(fields, "link")
		if err != nil {
			return err
		}
		return h.Store.Unlink(c.Request().Context(), actor(c), number, id)
	}})
}

// TicketLinks is the live region of the links. Opened as a page, as after a refused form, it leads to the ticket.
func (h Staff) TicketLinks(c echo.Context) error {
	if !IsFragment(c) {
		return h.BackToTicket(c)
	}
	version, err := h.Store.ListVersion(c.Request().Context(), actor(c))
	if err != nil || Unchanged(c, version) {
		return err
	}
	v, err := h.ticketAlone(c)
	if err != nil {
		return err
	}
	if v.Desk.Links, v.Desk.LinksAt, err = h.Store.Links(c.Request().Context(), v.Viewer, v.Thread.Ticket.Number); err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.TicketLinks(v))
}
