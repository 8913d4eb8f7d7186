package handlers

import (
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
	return h.rows(c, views.TicketList{Query: ticketQuery(c, "/tickets"), Title: "All tickets"}, nil)
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
	if list.Query.Path == "/tickets" {
		if list.Assignees, err = h.Store.Assignable(c.Request().Context(), actor(c)); err != nil {
			return err
		}
	}
	return Render(c, status, views.TicketListPage(page, list))
}

// rows is the live region of a list.
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
