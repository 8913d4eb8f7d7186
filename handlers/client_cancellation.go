package handlers

import (
	"errors"
	"net/http"

	"autocrm/store"

	"github.com/labstack/echo/v4"
)

// CancelTicket withdraws the customer's ticket. The page has asked already: its button is inside a question.
func (h Client) CancelTicket(c echo.Context) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	err = h.Store.Cancel(c.Request().Context(), actor(c), number)
	var wrong *store.Invalid
	if errors.As(err, &wrong) {
		page := h.Page(c, "")
		v, err := h.ticketView(c)
		if err != nil {
			return err
		}
		v.Refused = wrong.Fields[""]
		return h.renderTicket(c, http.StatusUnprocessableEntity, page, v)
	}
	if err != nil {
		return err
	}
	return h.See(c, ticketPath(number), "Your ticket is cancelled.")
}
