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

// Attend takes a page's word that it shows the ticket, that somebody writes on it, or that it shows it no more.
func (h Staff) Attend(c echo.Context) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	fields, err := Form(c)
	if err != nil {
		return err
	}
	ctx, page := c.Request().Context(), fields.Get("page")
	switch fields.Get("state") {
	case "viewing":
		err = h.Store.Attend(ctx, actor(c), number, page, false)
	case "writing":
		err = h.Store.Attend(ctx, actor(c), number, page, true)
	case "gone":
		err = h.Store.Leave(ctx, actor(c), number, page)
	default:
		err = &store.Invalid{Fields: map[string]string{"state": "One is viewing, writing or gone."}}
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// TicketPresence is the live region of who else is at the ticket.
func (h Staff) TicketPresence(c echo.Context) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	present, err := h.presentAt(c, number)
	if err != nil || Unchanged(c, present.Version) {
		return err
	}
	return Render(c, http.StatusOK, views.PresenceRegion(present))
}

// presentAt is who else is at the ticket.
func (p *Portal) presentAt(c echo.Context, number int64) (present views.Presences, err error) {
	present.Number = number
	present.List, present.Version, err = p.Store.Presences(c.Request().Context(), actor(c), number)
	return present.Others(actor(c)), err
}

// PresenceMarks is the live region of who is at which ticket. It is made once for all staff of a role.
func (h Staff) PresenceMarks(c echo.Context) error {
	audience, ok := actor(c).Audience()
	if !ok {
		return store.ErrForbidden
	}
	ctx := c.Request().Context()
	version, err := h.shared.version(ctx, audience.Key(), func(ctx context.Context) (int64, error) {
		return h.Store.AudienceVersion(ctx, audience)
	})
	if err != nil || Unchanged(c, version) {
		return err
	}
	marks, err := h.shared.region(ctx, regionKey{audience.Key(), "/presences"}, version, func(ctx context.Context) (rendered, error) {
		present, version, err := h.Store.AudiencePresences(ctx, audience)
		if err != nil {
			return rendered{}, err
		}
		var html bytes.Buffer
		if err := views.PresenceMarks(views.Presences{List: present, Version: version}).Render(ctx, &html); err != nil {
			return rendered{}, fmt.Errorf("render: %w", err)
		}
		return rendered{http.StatusOK, html.Bytes(), version}, nil
	})
	if err != nil {
		return err
	}
	return c.HTMLBlob(marks.status, marks.html)
}
