package handlers

import (
	"errors"
	"net/http"

	"autocrm/store"
	"autocrm/views"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// Tickets lists the customer's own tickets.
func (h Client) Tickets(c echo.Context) error { return h.listTickets(c, allTickets) }

// TicketRows is the live region of that list.
func (h Client) TicketRows(c echo.Context) error { return h.ticketRows(c, allTickets) }

// NewTicket is the form for a ticket.
func (h Client) NewTicket(c echo.Context) error {
	form := views.NewTicketForm{ID: uuid.New(), Priority: store.PriorityMedium}
	return Render(c, http.StatusOK, views.NewTicketPage(h.Page(c, "New ticket"), form))
}

// SubmitTicket makes a ticket and leads to it.
func (h Client) SubmitTicket(c echo.Context) error {
	m, err := h.readMessage(c)
	if err != nil {
		return err
	}
	in := store.NewTicket{
		ID:          m.id("ticket"),
		Subject:     m.fields.Get("subject"),
		Description: m.fields.Get("description"),
		Priority:    store.Priority(m.fields.Get("priority")),
		Files:       m.files,
	}
	var number int64
	if err = m.check(); err == nil {
		number, err = h.Store.Submit(c.Request().Context(), actor(c), in)
	}
	if err != nil {
		return h.ticketRefused(c, m, in, err)
	}
	if IsFragment(c) {
		// A redirect would be followed by the script, not by the page.
		c.Response().Header().Set("HX-Redirect", ticketPath(number))
		return c.NoContent(http.StatusOK)
	}
	return h.See(c, ticketPath(number), "")
}

func (h Client) ticketRefused(c echo.Context, m *message, in store.NewTicket, err error) error {
	words, err := m.refused(c, err)
	if err != nil {
		return err
	}
	form := views.NewTicketForm{ID: formID(m), Subject: m.fields.Get("subject"), Description: m.fields.Get("description"), Priority: in.Priority, Errors: words}
	if IsFragment(c) {
		return errors.Join(Render(c, http.StatusUnprocessableEntity, views.NewTicket(form)), m.failed)
	}
	return errors.Join(Render(c, http.StatusUnprocessableEntity, views.NewTicketPage(h.Page(c, "New ticket"), form)), m.failed)
}
