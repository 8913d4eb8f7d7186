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

// TicketDrafts is the live region of what its reader is writing on a ticket, on whichever device.
func (h Staff) TicketDrafts(c echo.Context) error { return h.writingPart(c, views.TicketDrafts) }

// TicketSending is the live region of the replies that are on their way.
func (h Staff) TicketSending(c echo.Context) error { return h.writingPart(c, views.TicketSending) }

func (h Staff) writingPart(c echo.Context, part func(views.TicketView) templ.Component) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	v := views.TicketView{Viewer: actor(c)}
	v.Thread.Ticket.Number = number
	if v.Writing, err = h.Store.Writing(c.Request().Context(), v.Viewer, number); err != nil {
		return err
	}
	if Unchanged(c, v.Writing.Version) {
		return nil
	}
	return Render(c, http.StatusOK, part(v))
}

// SaveDraft keeps what is being written. It answers with the version after which the region of drafts has it.
func (h Staff) SaveDraft(c echo.Context) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	fields, err := Form(c)
	if err != nil {
		return err
	}
	form, _ := uuid.Parse(fields.Get("id"))
	version, err := h.Store.SaveDraft(c.Request().Context(), actor(c), number, store.DraftKind(c.Param("kind")), form,
		fields.Get("content"), store.Status(fields.Get("then")))
	if err != nil {
		var wrong *store.Invalid
		if errors.As(err, &wrong) {
			return echo.NewHTTPError(http.StatusUnprocessableEntity, wrong.Error())
		}
		return err
	}
	return c.JSON(http.StatusOK, map[string]int64{"version": version})
}

// DiscardDraft throws away what was written.
func (h Staff) DiscardDraft(c echo.Context) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	kind := store.DraftKind(c.Param("kind"))
	if !kind.Valid() {
		return store.ErrNotFound
	}
	if err := h.Store.DiscardDraft(c.Request().Context(), actor(c), number, kind); err != nil {
		return err
	}
	if !IsFragment(c) {
		return h.See(c, ticketPath(number), "Your draft is thrown away.")
	}
	v, err := h.ticketView(c)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, templ.Join(messageForm(kind == store.NoteDraft)(v), views.DraftsUpdate(v)))
}

// WithdrawReply takes a reply back that is on its way.
func (h Staff) WithdrawReply(c echo.Context) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return store.ErrNotFound
	}
	fields, err := Form(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	// What was typed since and has not been kept yet, so that what comes back can be put before it.
	if fields.Has("content") {
		if _, err := h.Store.SaveDraft(ctx, actor(c), number, store.ReplyDraft, uuid.Nil, fields.Get("content"), ""); err != nil {
			return err
		}
	}
	err = h.Store.Withdraw(ctx, actor(c), number, id)
	var conflict *store.Conflict
	status, words := http.StatusOK, ""
	if errors.As(err, &conflict) {
		status, words = http.StatusConflict, conflict.Message
	} else if err != nil {
		return err
	}
	if !IsFragment(c) && words == "" {
		return h.See(c, ticketPath(number), "Your reply was not sent. It is back where you write.")
	}
	page := h.Page(c, "")
	v, err := h.ticketView(c)
	if err != nil {
		return err
	}
	v.TooLate = words
	if !IsFragment(c) {
		return h.renderTicket(c, status, page, v)
	}
	if words != "" {
		return Render(c, status, templ.Join(views.TicketSending(v), views.TicketUpdate(v)))
	}
	return Render(c, status, templ.Join(views.TicketSending(v), views.ReplyFormUpdate(v), views.DraftsUpdate(v)))
}

// Colleagues are who can be mentioned, for the list that a script shows.
func (h Staff) Colleagues(c echo.Context) error {
	colleagues, err := h.Store.Colleagues(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, colleagues)
}

// Preview shows a text as it will be read.
func (p *Portal) Preview(c echo.Context) error {
	fields, err := Form(c)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.Preview(fields.Get("content")))
}

// keptFiles are the files of the draft that are to go with a message, as its form says.
func keptFiles(m *message) (kept []uuid.UUID) {
	for _, text := range m.fields["kept"] {
		if id, err := uuid.Parse(text); err == nil {
			kept = append(kept, id)
		}
	}
	return kept
}

// holds says whether a reply that was sent so can be taken back for a moment: by staff from a page whose scripts
// show it, unless they have switched that off.
func holds(c echo.Context, m *message) bool {
	return actor(c).Role.Staff() && IsFragment(c) && m.fields.Get("hold") == strconv.Itoa(int(store.HoldTime.Seconds()))
}
