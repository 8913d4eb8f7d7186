package handlers

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"autocrm/store"
	"autocrm/views"

	"github.com/a-h/templ"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// act is one of the small forms of a ticket's page.
type act struct {
	name string                                 // of the form, where it comes back
	form func(views.TicketView) templ.Component // nil: a button alone, which has nothing to come back with
	do   func(number int64, fields url.Values) error
}

// act does it and shows the ticket as it is then, or the form again with what was typed and why it was not done:
// 409 where somebody was faster, 422 where it cannot be.
func (h Staff) act(c echo.Context, a act) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	fields, err := Form(c)
	if err != nil {
		return err
	}
	err = a.do(number, fields)
	if err == nil && !IsFragment(c) {
		return h.See(c, ticketPath(number), "")
	}
	return h.acted(c, a, fields, err)
}

// acted answers what was done with err: with the parts of the page or, where it is loaded anew, with all of it.
func (h Staff) acted(c echo.Context, a act, fields url.Values, err error) error {
	var several ambiguous
	errors.As(err, &several)
	status, words, err := refusal(err)
	if err != nil {
		return err
	}
	page := h.Page(c, "")
	v, err := h.ticketView(c)
	if err != nil {
		return err
	}
	switch {
	case words == nil:
		v.Done = a.name
	case a.form == nil:
		v.Refused = strings.Join(sentences(words), " ")
	default:
		v.Acts = map[string]views.ActForm{a.name: {Values: fields, Errors: words}}
		v.Found = several.found
	}
	if !IsFragment(c) {
		return h.renderTicket(c, status, page, v)
	}
	if a.form == nil {
		return Render(c, status, views.TicketUpdate(v))
	}
	return Render(c, status, templ.Join(a.form(v), views.TicketUpdate(v)))
}

// refusal is the status and the words, by field, of what was refused; any other error it returns.
func refusal(err error) (status int, words map[string]string, _ error) {
	var (
		conflict *store.Conflict
		wrong    *store.Invalid
	)
	switch {
	case err == nil:
		return http.StatusOK, nil, nil
	case errors.As(err, &conflict):
		return http.StatusConflict, map[string]string{"": conflict.Message}, nil
	case errors.As(err, &wrong):
		return http.StatusUnprocessableEntity, wrong.Fields, nil
	}
	return 0, nil, err
}

func sentences(words map[string]string) (out []string) {
	for sentence := range maps.Values(words) {
		out = append(out, sentence)
	}
	return out
}

// ambiguous is the *store.Invalid of words that may mean several tickets.
type ambiguous struct {
	*store.Invalid
	found []store.Ticket
}

func (e ambiguous) Unwrap() error { return e.Invalid }

// otherTicket reads the number of another ticket as somebody typed it: #1042 or 1042.
func otherTicket(field, text string) (int64, error) {
	number, err := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(text), "#"), 10, 64)
	if err != nil || number <= 0 {
		return 0, &store.Invalid{Fields: map[string]string{field: "Write the number of a ticket, such as #1042."}}
	}
	return number, nil
}

// ticketMeant reads which other ticket a form means: by its number, by the choice made of those that were offered,
// or by words, for which it offers those that it finds.
func (h Staff) ticketMeant(c echo.Context, field string, fields url.Values) (int64, error) {
	text := strings.TrimSpace(fields.Get(field))
	for _, named := range []string{fields.Get("pick"), text} {
		if number, err := otherTicket(field, named); err == nil {
			return number, nil
		}
	}
	none := &store.Invalid{Fields: map[string]string{field: "Write the number of a ticket, such as #1042, or words of its subject."}}
	query, err := store.ParseQuery(actor(c).Role, text)
	if text == "" || err != nil {
		return 0, none
	}
	page, err := h.Store.Tickets(c.Request().Context(), actor(c), store.TicketFilter{Query: query, Limit: 6})
	var wrong *store.Invalid
	if errors.As(err, &wrong) || err == nil && len(page.Tickets) == 0 {
		none.Fields[field] = "No ticket fits these words. Write a number, such as #1042, or other words."
		return 0, none
	}
	if err != nil {
		return 0, err
	}
	return 0, ambiguous{&store.Invalid{Fields: map[string]string{field: "Choose one of these, or write other words."}}, page.Tickets}
}

// sentID is the id that a form came with, or a new one.
func sentID(fields url.Values) uuid.UUID {
	id, err := uuid.Parse(fields.Get("id"))
	if err != nil {
		return uuid.New()
	}
	return id
}

// namedID reads an id that a button sent. What is no id names nothing.
func namedID(fields url.Values, field string) (uuid.UUID, error) {
	id, err := uuid.Parse(fields.Get(field))
	if err != nil {
		return id, store.ErrNotFound
	}
	return id, nil
}
