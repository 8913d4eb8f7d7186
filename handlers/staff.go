package handlers

import (
	"errors"
	"net/http"

	"autocrm/store"
	"autocrm/views"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
)

// Staff answers what agents and admins do alike.
type Staff struct{ *Portal }

// AddNote keeps words for colleagues on the ticket; its client never reads them.
func (h Staff) AddNote(c echo.Context) error { return h.addMessage(c, true) }

// property is one choice on a ticket's page: what it was changed from, to what, and the form it came from.
type property struct {
	form func(views.TicketView) templ.Component
	back func(*views.PropertyForms) *views.PropertyForm
	name string // the field, as the store's *Invalid calls it too
}

// changeProperty makes a choice come true, or shows the page with the choice still made and, beside it, why it
// was not: 409 where somebody was faster, 422 where it cannot be.
func (h Staff) changeProperty(c echo.Context, p property, change func(number int64, seen, next string) error) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	fields, err := Form(c)
	if err != nil {
		return err
	}
	status := http.StatusOK
	var (
		conflict *store.Conflict
		wrong    *store.Invalid
		words    string
	)
	if fields.Has(p.name) {
		err = change(number, fields.Get("seen"), fields.Get(p.name))
	} else { // nobody is a choice of assignee, nothing at all is none
		err = &store.Invalid{Fields: map[string]string{p.name: "Choose one of the list."}}
	}
	switch {
	case errors.As(err, &conflict):
		status, words = http.StatusConflict, conflict.Message
	case errors.As(err, &wrong):
		status, words = http.StatusUnprocessableEntity, wrong.Fields[p.name]
	case err != nil:
		return err
	case !IsFragment(c):
		return h.See(c, ticketPath(number), "")
	}
	page := h.Page(c, "")
	v, err := h.ticketView(c)
	if err != nil {
		return err
	}
	*p.back(&v.Changed) = views.PropertyForm{Choice: fields.Get(p.name), Error: words}
	if IsFragment(c) {
		return Render(c, status, templ.Join(p.form(v), views.TicketUpdate(v)))
	}
	return h.renderTicket(c, status, page, v)
}
