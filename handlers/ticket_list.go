package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// ticketList reads which list an address asks for: view, narrowed and ordered as the address says. What the address
// says wrong is err, an *Invalid; the list is then the one to say it on.
func (p *Portal) ticketList(c echo.Context, view store.View) (list views.TicketList, filter store.TicketFilter, err error) {
	return listAt(p.Role, view, c.QueryParams())
}

func listAt(role store.Role, view store.View, values url.Values) (list views.TicketList, filter store.TicketFilter, err error) {
	list = views.TicketList{View: view, Role: role, Query: views.TicketQuery{
		Path:    view.Path,
		Kept:    values.Get("view"),
		Q:       view.Q,
		Sort:    values.Get("sort"),
		Columns: strings.Join(values["columns"], ","),
		Density: values.Get("density"),
		After:   values.Get("after"),
		Before:  values.Get("before"),
	}}
	if text, given := values["q"]; given {
		list.Query.Q = strings.ReplaceAll(strings.ToValidUTF8(strings.TrimSpace(text[0]), "\uFFFD"), "\x00", "")
		list.Query.Path = "/tickets"
	}
	query, err := store.ParseQuery(role, list.Query.Q)
	if err != nil {
		return list, filter, err
	}
	narrowed, err := narrow(role, query, values)
	if err != nil {
		return list, filter, err
	}
	if narrowed.String() != query.String() {
		if list.Query.Path != "/tickets" && list.Query.Sort == "" {
			list.Query.Sort = view.Sort
		}
		list.Query.Path = "/tickets"
	}
	list.Query.Q = narrowed.String()
	list.Asked = narrowed
	filter = store.TicketFilter{
		Query:  narrowed,
		Sort:   store.TicketSort(list.Sort()),
		After:  list.Query.After,
		Before: list.Query.Before,
	}
	if wrong := list.WrongColumns(); wrong != "" {
		return list, filter, &store.Invalid{Fields: map[string]string{"columns": wrong}}
	}
	if !slices.Contains([]string{"", "comfortable", "compact"}, list.Query.Density) {
		return list, filter, &store.Invalid{Fields: map[string]string{"density": "Rows can be comfortable or compact."}}
	}
	return list, filter, nil
}

// narrow puts the choices beside the box into the query. A choice counts where it is another one than the text that
// the form came with shows: what was written in the box meanwhile is not undone by a choice nobody touched. An
// address without such a text, as lists had them before they had a language, has all its choices count.
func narrow(role store.Role, query store.Query, values url.Values) (store.Query, error) {
	from, _ := store.ParseQuery(role, values.Get("from"))
	for _, choice := range views.Choices {
		given, has := values[choice.Name]
		if !has && !values.Has("from") {
			continue
		}
		value := ""
		if has {
			value = given[0]
		}
		if value == choice.Chosen(from) || value == views.AsWritten {
			continue
		}
		query = query.Without(choice.Field)
		if value == "" || value == "any" {
			continue
		}
		text, known := choice.Text(value)
		if !known {
			return query, &store.Invalid{Fields: map[string]string{choice.Name: choice.Unknown}}
		}
		chosen, err := store.ParseQuery(role, text)
		if err != nil {
			return query, err
		}
		query = query.Require(chosen.Root)
	}
	return query, nil
}

// listTickets is the page of a list, or where a form asked, the way to its address. Where the address asks for what no
// list has, the page says so in place of rows, and the status is 422.
func (p *Portal) listTickets(c echo.Context, view store.View) error {
	page := p.Page(c, "")
	list, filter, err := p.ticketList(c, view)
	if c.QueryParams().Has("from") && !WantsJSON(c) {
		if err != nil { // the choices could not be put into it: the text is said to be wrong where it stands
			list.Query.Path = "/tickets"
		}
		return c.Redirect(http.StatusSeeOther, list.Href())
	}
	if err == nil {
		list.Page, err = p.Store.Tickets(c.Request().Context(), actor(c), filter)
	}
	if WantsJSON(c) {
		if err != nil {
			return err
		}
		return ticketsJSON(c, list.Page)
	}
	status, err := p.sayOnList(c, &list, err)
	if err != nil {
		return err
	}
	if list.Choices, err = p.Store.QueryChoices(c.Request().Context(), actor(c)); err != nil {
		return err
	}
	if p.Role.Staff() {
		if list.Present.List, list.Present.Version, err = p.Store.Presences(c.Request().Context(), actor(c), 0); err != nil {
			return err
		}
		list.Person = actor(c)
		if list.Bar, err = p.viewBar(c.Request().Context(), actor(c), list.At(), list.Page.Version); err != nil {
			return err
		}
		if list.Query.Kept != "" {
			for _, v := range slices.Concat(list.Bar.Shared, list.Bar.Own) {
				if v.ID.String() == list.Query.Kept {
					list.KeptView = v.View
				}
			}
		}
	}
	page.Title = list.Title()
	if density := list.Density(); density != "" {
		page.Density = strings.TrimPrefix(density, "comfortable")
	}
	return Render(c, status, views.TicketListPage(page, list))
}

// ticketRows is the live region of a list.
func (p *Portal) ticketRows(c echo.Context, view store.View) error {
	list, filter, err := p.ticketList(c, view)
	if err == nil {
		if audience, ok := actor(c).Audience(); ok && !filter.Query.Mine() {
			return p.sharedRows(c, audience, list, filter)
		}
		if same, err := p.listUnchanged(c); same || err != nil {
			return err
		}
		list.Page, err = p.Store.Tickets(c.Request().Context(), actor(c), filter)
	}
	status, err := p.sayOnList(c, &list, err)
	if err != nil {
		return err
	}
	return Render(c, regionStatus(c, status), views.TicketRows(list))
}

// regionStatus is the status of a region's answer: a page that refreshes itself takes what is wrong for its content,
// not for a failure to be tried again.
func regionStatus(c echo.Context, status int) int {
	if IsFragment(c) {
		return http.StatusOK
	}
	return status
}

// sayOnList is sayOnList with the version that a page needs to go on from.
func (p *Portal) sayOnList(c echo.Context, list *views.TicketList, err error) (status int, _ error) {
	status, err = sayOnList(list, err)
	if err == nil && status != http.StatusOK {
		list.Page.Version, err = p.Store.ListVersion(c.Request().Context(), actor(c))
	}
	return status, err
}

// sayOnList puts on the list what is wrong with its address.
func sayOnList(list *views.TicketList, err error) (status int, _ error) {
	var mistaken *store.InvalidQuery
	var wrong *store.Invalid
	switch {
	case errors.As(err, &mistaken):
		list.Mistakes = mistaken.Mistakes
	case errors.As(err, &wrong):
		for _, words := range wrong.Fields {
			list.Wrong = words
		}
	default:
		return http.StatusOK, err
	}
	return http.StatusUnprocessableEntity, nil
}
