package handlers

import (
	"errors"
	"net/http"

	"autocrm/store"
	"autocrm/views"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// customerBeside reads who asks on the ticket, with a fresh form.
func (p *Portal) customerBeside(c echo.Context, number int64) (v views.CustomerView, err error) {
	v = views.CustomerView{Viewer: actor(c), Number: number, Note: views.CustomerNoteForm{ID: uuid.New()}}
	v.Customer, err = p.Store.Customer(c.Request().Context(), actor(c), number)
	return v, err
}

// Customer is the live region of the customer beside a ticket.
func (h Staff) Customer(c echo.Context) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	v, err := h.customerBeside(c, number)
	if err != nil {
		return err
	}
	// No version counts when somebody was last seen.
	if Unchanged(c, v.Customer.Version, v.Customer.LastSeenAt) {
		return nil
	}
	return Render(c, http.StatusOK, views.CustomerRegion(v))
}

// AddCustomerNote notes something about the ticket's customer.
func (h Staff) AddCustomerNote(c echo.Context) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	fields, err := Form(c)
	if err != nil {
		return err
	}
	form := views.CustomerNoteForm{Text: fields.Get("note")}
	if form.ID, err = uuid.Parse(fields.Get("id")); err != nil {
		form.ID = uuid.New()
	}
	// The same form that says something else is another note.
	id := uuid.NewSHA1(form.ID, []byte(form.Text))
	err = h.Store.AddCustomerNote(c.Request().Context(), actor(c), number, id, form.Text)
	var wrong *store.Invalid
	if err != nil && !errors.As(err, &wrong) {
		return err
	}
	if err == nil && !IsFragment(c) {
		return h.See(c, ticketPath(number)+"#customer", "")
	}
	if wrong != nil {
		form.Error = wrong.Fields["note"]
		return h.customerNoteRefused(c, number, form)
	}
	v, err := h.customerBeside(c, number)
	if err != nil {
		return err
	}
	v.Note.Kept = true
	return Render(c, http.StatusOK, views.CustomerNoteAdded(v))
}

func (h Staff) customerNoteRefused(c echo.Context, number int64, form views.CustomerNoteForm) error {
	if IsFragment(c) {
		v, err := h.customerBeside(c, number)
		if err != nil {
			return err
		}
		v.Note = form
		return Render(c, http.StatusUnprocessableEntity, views.CustomerNoteAdd(v))
	}
	page := h.Page(c, "")
	v, err := h.ticketView(c)
	if err != nil {
		return err
	}
	v.NoteBack = &form
	return h.renderTicket(c, http.StatusUnprocessableEntity, page, v)
}

// CustomerNote is the page on which one changes a note of one's own.
func (h Staff) CustomerNote(c echo.Context) error {
	page := h.Page(c, "Note about a customer")
	v, err := h.ownCustomerNote(c)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.CustomerNotePage(page, v))
}

// EditCustomerNote changes it.
func (h Staff) EditCustomerNote(c echo.Context) error {
	fields, err := Form(c)
	if err != nil {
		return err
	}
	page := h.Page(c, "Note about a customer")
	v, err := h.ownCustomerNote(c)
	if err != nil {
		return err
	}
	err = h.Store.EditCustomerNote(c.Request().Context(), actor(c), v.Note.ID, fields.Get("note"))
	var wrong *store.Invalid
	if errors.As(err, &wrong) {
		v.Note.Text, v.Note.Error = fields.Get("note"), wrong.Fields["note"]
		return Render(c, http.StatusUnprocessableEntity, views.CustomerNotePage(page, v))
	}
	if err != nil {
		return err
	}
	return h.See(c, ticketPath(v.Number)+"#customer", "")
}

// DeleteCustomerNote removes it.
func (h Staff) DeleteCustomerNote(c echo.Context) error {
	v, err := h.ownCustomerNote(c)
	if err != nil {
		return err
	}
	if err := h.Store.DeleteCustomerNote(c.Request().Context(), actor(c), v.Note.ID); err != nil {
		return err
	}
	return h.See(c, ticketPath(v.Number)+"#customer", "The note was deleted.")
}

// ownCustomerNote reads the note of the address, which is one of the actor's own about the ticket's customer.
func (h Staff) ownCustomerNote(c echo.Context) (v views.CustomerView, err error) {
	number, err := ticketNumber(c)
	if err != nil {
		return v, err
	}
	id, err := uuid.Parse(c.Param("note"))
	if err != nil {
		return v, store.ErrNotFound
	}
	note, err := h.Store.CustomerNote(c.Request().Context(), actor(c), number, id)
	if err != nil {
		return v, err
	}
	v, err = h.customerBeside(c, number)
	v.Note = views.CustomerNoteForm{ID: note.ID, Text: note.Body}
	return v, err
}

// BackToCustomer is for whoever reloads the page that a refused form left at the form's own address.
func (h Staff) BackToCustomer(c echo.Context) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, ticketPath(number)+"#customer")
}
