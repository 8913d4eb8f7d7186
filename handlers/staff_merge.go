package handlers

import (
	"fmt"
	"net/url"

	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// MergeTicket moves all of the ticket into another and goes there.
func (h Staff) MergeTicket(c echo.Context) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	fields, err := Form(c)
	if err != nil {
		return err
	}
	into, err := h.ticketMeant(c, "into", fields)
	if err == nil {
		err = h.Store.Merge(c.Request().Context(), actor(c), number, into)
	}
	if err == nil {
		return h.See(c, ticketPath(into), fmt.Sprintf("#%d was merged into this ticket. To undo it, open #%d.", number, number))
	}
	return h.acted(c, act{name: "merge", form: views.MergeAct}, fields, err)
}

// UnmergeTicket puts what came from the ticket back.
func (h Staff) UnmergeTicket(c echo.Context) error {
	return h.act(c, act{"unmerge", nil, func(number int64, _ url.Values) error {
		return h.Store.Unmerge(c.Request().Context(), actor(c), number)
	}})
}
