package handlers

import (
	"errors"
	"net/http"

	"autocrm/store"
	"autocrm/views"

	"github.com/a-h/templ"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// AddReply answers the ticket; its client will read it.
func (p *Portal) AddReply(c echo.Context) error { return p.addMessage(c, false) }

// addMessage sends a reply or, where internal, adds a note. They come to different addresses: no field that is
// missing or wrong can make a reply of a note.
func (p *Portal) addMessage(c echo.Context, internal bool) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	m, err := p.readMessage(c)
	if err != nil {
		return err
	}
	kind := "reply"
	if internal {
		kind = "note"
	}
	sent := store.Message{ID: m.id(kind), Body: m.fields.Get("content"), Internal: internal, Files: m.files}
	if err = m.check(); err == nil {
		err = p.Store.Reply(c.Request().Context(), actor(c), number, sent)
	}
	if err != nil {
		return p.messageRefused(c, m, internal, err)
	}
	if !IsFragment(c) {
		return p.See(c, ticketPath(number, sent.ID), "")
	}
	v, err := p.ticketView(c)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, templ.Join(messageForm(internal)(v), views.TicketUpdate(v)))
}

// messageRefused shows the form again, with what was typed in it and what is wrong beside it.
func (p *Portal) messageRefused(c echo.Context, m *message, internal bool, err error) error {
	words, err := m.refused(c, err)
	if err != nil {
		return err
	}
	page := p.Page(c, "")
	v, err := p.ticketView(c)
	if err != nil {
		return err
	}
	form := views.MessageForm{ID: formID(m), Text: m.fields.Get("content"), Errors: words}
	if internal {
		v.Note, v.Tab = form, "note"
	} else {
		v.Reply = form
	}
	if IsFragment(c) {
		return errors.Join(Render(c, http.StatusUnprocessableEntity, messageForm(internal)(v)), m.failed)
	}
	return errors.Join(p.renderTicket(c, http.StatusUnprocessableEntity, page, v), m.failed)
}

func messageForm(internal bool) func(views.TicketView) templ.Component {
	if internal {
		return views.NoteForm
	}
	return views.ReplyForm
}

// formID is the id that the form came with, so that it stays the same form.
func formID(m *message) uuid.UUID {
	id, err := uuid.Parse(m.fields.Get("id"))
	if err != nil {
		return uuid.New()
	}
	return id
}
