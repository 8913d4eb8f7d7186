package handlers

import (
	"net/url"

	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// AddTime adds time that the actor spent on the ticket.
func (h Staff) AddTime(c echo.Context) error {
	return h.act(c, act{"time", views.TimeAct, func(number int64, fields url.Values) error {
		return h.Store.AddTime(c.Request().Context(), actor(c), number,
			store.TimeSpent{ID: sentID(fields), Spent: fields.Get("spent"), Note: fields.Get("word")})
	}})
}

// RemoveTime takes it back.
func (h Staff) RemoveTime(c echo.Context) error {
	return h.act(c, act{"untime", nil, func(number int64, fields url.Values) error {
		id, err := namedID(fields, "entry")
		if err != nil {
			return err
		}
		return h.Store.RemoveTime(c.Request().Context(), actor(c), number, id)
	}})
}
