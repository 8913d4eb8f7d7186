package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"autocrm/store"
	"autocrm/views"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// ticketNumber reads the number in the address. What is no number is no ticket: ErrNotFound.
func ticketNumber(c echo.Context) (int64, error) {
	text := c.Param("number")
	number, err := strconv.ParseInt(text, 10, 64)
	// One address a ticket: not also +1042 and 01042.
	if err != nil || number <= 0 || strconv.FormatInt(number, 10) != text {
		return 0, store.ErrNotFound
	}
	return number, nil
}

// ticketQuery reads the state of a list from its address.
func ticketQuery(c echo.Context, path string) views.TicketQuery {
	return ticketQueryOf(c.QueryParams(), path)
}

func ticketQueryOf(params url.Values, path string) views.TicketQuery {
	return views.TicketQuery{
		Path:     path,
		Status:   params.Get("status"),
		Priority: params.Get("priority"),
		Assignee: params.Get("assignee"),
		Age:      params.Get("age"),
		Sort:     params.Get("sort"),
		After:    params.Get("after"),
		Before:   params.Get("before"),
	}
}

// ages are the filter's values: how old a ticket is at most, or at least.
var ages = map[string]struct{ younger, older time.Duration }{
	"":         {},
	"1d":       {younger: 24 * time.Hour},
	"7d":       {younger: 7 * 24 * time.Hour},
	"30d":      {younger: 30 * 24 * time.Hour},
	"over-1d":  {older: 24 * time.Hour},
	"over-7d":  {older: 7 * 24 * time.Hour},
	"over-30d": {older: 30 * 24 * time.Hour},
}

// ticketFilter turns the state of a list into what the store is asked for. What no list can be narrowed to is
// *Invalid; statuses, priorities and orders are the store's to judge.
func ticketFilter(who store.Actor, q views.TicketQuery) (store.TicketFilter, error) {
	f := store.TicketFilter{
		Priority: store.Priority(q.Priority),
		Sort:     store.TicketSort(q.Sort),
		After:    q.After,
		Before:   q.Before,
	}
	switch q.Status {
	case "active":
		f.Active = true
	case "any":
	default:
		f.Status = store.Status(q.Status)
	}
	age, known := ages[q.Age]
	if !known {
		return f, &store.Invalid{Fields: map[string]string{"age": "There is no such age to narrow the list to."}}
	}
	f.Younger, f.Older = age.younger, age.older
	switch q.Assignee {
	case "":
	case "none":
		f.Unassigned = true
	case "me":
		f.Assignee = &who.UserID
	default:
		id, err := uuid.Parse(q.Assignee)
		if err != nil {
			return f, &store.Invalid{Fields: map[string]string{"assignee": "There is nobody of that name."}}
		}
		f.Assignee = &id
	}
	return f, nil
}

// listTickets fills in a list's rows. Where the address asks for what no list has, the page says so instead of
// its rows, and the status is 422.
func (p *Portal) listTickets(c echo.Context, list *views.TicketList, narrow func(*store.TicketFilter)) (status int, err error) {
	err = fillList(list, actor(c), narrow, func(filter store.TicketFilter) (store.TicketPage, error) {
		return p.Store.Tickets(c.Request().Context(), actor(c), filter)
	})
	if WantsJSON(c) {
		return http.StatusOK, err
	}
	return saidOnList(list, err)
}

// fillList reads the rows of a list as its address, and what the list is, narrow it.
func fillList(list *views.TicketList, who store.Actor, narrow func(*store.TicketFilter), read func(store.TicketFilter) (store.TicketPage, error)) error {
	filter, err := ticketFilter(who, list.Query)
	if err != nil {
		return err
	}
	if narrow != nil {
		narrow(&filter)
	}
	list.Page, err = read(filter)
	return err
}

// saidOnList puts on the list what is wrong with its address.
func saidOnList(list *views.TicketList, err error) (status int, _ error) {
	var wrong *store.Invalid
	if !errors.As(err, &wrong) {
		return http.StatusOK, err
	}
	for _, words := range wrong.Fields {
		list.Wrong = words
	}
	return http.StatusUnprocessableEntity, nil
}

// listUnchanged answers a list's region with 304 where the browser shows what it would get.
func (p *Portal) listUnchanged(c echo.Context) (bool, error) {
	version, err := p.Store.ListVersion(c.Request().Context(), actor(c))
	if err != nil {
		return false, err
	}
	return Unchanged(c, version), nil
}

// ticketsJSON is a list for API clients; next is the after of the following page.
func ticketsJSON(c echo.Context, page store.TicketPage) error {
	tickets := page.Tickets
	if tickets == nil {
		tickets = []store.Ticket{}
	}
	return c.JSON(http.StatusOK, map[string]any{"tickets": tickets, "next": page.Next})
}

// threadJSON is a ticket for API clients.
func threadJSON(c echo.Context, thread store.Thread) error {
	files, activities := thread.Files, thread.Activities
	if files == nil {
		files = []store.Attachment{}
	}
	if activities == nil {
		activities = []store.Activity{}
	}
	return c.JSON(http.StatusOK, map[string]any{"ticket": thread.Ticket, "attachments": files, "activities": activities})
}
