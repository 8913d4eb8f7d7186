package handlers

import (
	"net/url"

	"github.com/labstack/echo/v4"
)

// FollowTicket makes the actor be told what happens on the ticket.
func (h Staff) FollowTicket(c echo.Context) error {
	return h.act(c, act{"follow", nil, func(number int64, _ url.Values) error {
		return h.Store.Follow(c.Request().Context(), actor(c), number)
	}})
}

// UnfollowTicket ends that.
func (h Staff) UnfollowTicket(c echo.Context) error {
	return h.act(c, act{"follow", nil, func(number int64, _ url.Values) error {
		return h.Store.Unfollow(c.Request().Context(), actor(c), number)
	}})
}
