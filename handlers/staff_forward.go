package handlers

import (
	"net/url"

	"autocrm/store"
	"autocrm/views"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// ForwardTicket puts the ticket before a colleague, with a note.
func (h Staff) ForwardTicket(c echo.Context) error {
	return h.act(c, act{"forward", views.ForwardAct, func(number int64, fields url.Values) error {
		to, err := uuid.Parse(fields.Get("to"))
		if err != nil {
			return &store.Invalid{Fields: map[string]string{"to": "Choose a colleague."}}
		}
		return h.Store.Forward(c.Request().Context(), actor(c), number,
			store.Forwarding{ID: sentID(fields), To: to, Note: fields.Get("note"), Assign: fields.Get("assign") != ""})
	}})
}
