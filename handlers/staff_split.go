package handlers

import (
	"fmt"

	"autocrm/store"
	"autocrm/views"

	"github.com/a-h/templ"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// SplitMessage makes a message a ticket of its own and goes there.
func (h Staff) SplitMessage(c echo.Context) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	fields, err := Form(c)
	if err != nil {
		return err
	}
	message, err := uuid.Parse(fields.Get("message"))
	if err != nil {
		return store.ErrNotFound
	}
	made, err := h.Store.Split(c.Request().Context(), actor(c), number, message, fields.Get("subject"))
	if err == nil {
		return h.See(c, ticketPath(made), fmt.Sprintf("This ticket was made of a message on #%d.", number))
	}
	form := act{name: "split-" + message.String()}
	if _, words, _ := refusal(err); words["subject"] != "" { // else the message may be gone, and its form with it
		form.form = func(v views.TicketView) templ.Component { return views.TicketTimeline(v) }
	}
	return h.acted(c, form, fields, err)
}
