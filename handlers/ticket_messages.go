package handlers

import (
	"errors"
	"net/http"
	"strconv"

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
	sent := store.Message{ID: m.id(kind), Form: formID(m), Body: m.fields.Get("content"), Internal: internal, Files: m.files, Kept: keptFiles(m), Seen: seenPosition(m)}
	if !internal {
		sent.Then, sent.SeenStatus = store.Status(m.fields.Get("then")), store.Status(m.fields.Get("seen_status"))
	}
	held := !internal && holds(c, m)
	send := p.Store.Reply
	if held {
		send = p.Store.Hold
	}
	if err = m.check(); err == nil {
		err = send(c.Request().Context(), actor(c), number, sent)
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
	switch {
	case held:
		return Render(c, http.StatusOK, templ.Join(messageForm(internal)(v), views.SendingUpdate(v), views.DraftsUpdate(v)))
	case v.Viewer.Role.Staff():
		return Render(c, http.StatusOK, templ.Join(messageForm(internal)(v), views.TicketUpdate(v), views.DraftsUpdate(v)))
	}
	return Render(c, http.StatusOK, templ.Join(messageForm(internal)(v), views.TicketUpdate(v)))
}

// messageRefused shows the form again, with what was typed in it and what is wrong beside it.
func (p *Portal) messageRefused(c echo.Context, m *message, internal bool, err error) error {
	var moved *store.Moved
	var conflict *store.Conflict
	status := http.StatusUnprocessableEntity
	if errors.As(err, &moved) {
		status, err = http.StatusConflict, &store.Invalid{} // no field is wrong
	} else if errors.As(err, &conflict) { // the status that goes with it
		status, err = http.StatusConflict, &store.Invalid{Fields: map[string]string{"body": conflict.Message}}
	}
	words, err := m.refused(c, err)
	if err != nil {
		return err
	}
	page := p.Page(c, "")
	v, err := p.ticketView(c)
	if err != nil {
		return err
	}
	form := views.MessageForm{ID: formID(m), Text: m.fields.Get("content"), Errors: words, Kept: map[uuid.UUID]bool{}}
	for _, id := range keptFiles(m) {
		form.Kept[id] = true
	}
	if moved != nil {
		form.News = unseen(v.Thread, v.Viewer, seenPosition(m))
	}
	if internal {
		form.Files = v.Note.Files
		v.Note, v.Tab = form, "note"
	} else {
		form.Files, form.Then = v.Reply.Files, store.Status(m.fields.Get("then"))
		v.Reply, v.Tab = form, ""
	}
	switch {
	case !IsFragment(c):
		err = p.renderTicket(c, status, page, v)
	case status == http.StatusConflict:
		err = Render(c, status, templ.Join(messageForm(internal)(v), views.TicketUpdate(v)))
	default:
		err = Render(c, status, messageForm(internal)(v))
	}
	return errors.Join(err, m.failed)
}

// seenPosition is how far the writer had seen the timeline, as the form says; 0 where it does not.
func seenPosition(m *message) int64 {
	position, err := strconv.ParseInt(m.fields.Get("seen"), 10, 64)
	if err != nil || position < 0 {
		return 0
	}
	return position
}

// unseen is what others wrote on the thread after that position. Never nil.
func unseen(thread store.Thread, writer store.Actor, seen int64) []store.Activity {
	news := []store.Activity{}
	for _, a := range thread.Activities {
		if a.Position > seen && views.Said(a) && (a.UserID == nil || *a.UserID != writer.UserID) {
			news = append(news, a)
		}
	}
	return news
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
