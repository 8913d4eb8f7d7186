package handlers

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// What is said where a search was given up, so that others need not wait for it.
const (
	searchTooSlow = "This search took too long and was stopped. Add a word that is rarer, or narrow it, as with created:30d."
	searchTooMany = "Many people are searching just now. Try again in a moment."
)

// Search is the page of what a search found. A text that cannot be followed is 422, with what was likely meant.
func (p *Portal) Search(c echo.Context) error {
	s := views.SearchPage{Role: actor(c).Role, Asked: store.Search{
		Text:   strings.TrimSpace(c.QueryParam("q")),
		Newest: c.QueryParam("sort") == "newest",
		Exact:  c.QueryParam("exact") != "",
	}}
	var ok bool
	if s.Asked.Below, ok = count(c.QueryParam("below"), math.MaxInt64); !ok {
		return store.ErrNotFound
	}
	page, ok := count(c.QueryParam("page"), store.SearchWindow)
	if !ok {
		return store.ErrNotFound
	}
	s.Asked.Page = int(page)
	title := "Search"
	if s.Asked.Text != "" {
		title = s.Asked.Text + " · Search"
	}
	shell := p.Page(c, title)
	result, err := p.Store.Search(c.Request().Context(), actor(c), s.Asked)
	status := http.StatusOK
	var wrong *store.InvalidQuery
	switch {
	case errors.As(err, &wrong):
		s.Mistakes, status = wrong.Mistakes, http.StatusUnprocessableEntity
	case errors.Is(err, store.ErrSearchSlow):
		s.Wrong, status = searchTooSlow, http.StatusServiceUnavailable
	case errors.Is(err, store.ErrSearchBusy):
		s.Wrong, status = searchTooMany, http.StatusServiceUnavailable
	case err != nil:
		return err
	}
	s.Result = result
	return Render(c, status, views.SearchResults(shell, s))
}

// count reads a number of an address; "" is 0.
func count(text string, most int64) (int64, bool) {
	if text == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 0 && n <= most
}

// SearchSuggestions are the options under the search field while somebody types.
func (p *Portal) SearchSuggestions(c echo.Context) error {
	text := strings.TrimLeft(c.QueryParam("q"), " ")
	found, err := p.Store.Suggest(c.Request().Context(), actor(c), text)
	wrong := ""
	switch {
	case errors.Is(err, store.ErrSearchSlow):
		wrong = "Nothing was found quickly enough."
	case errors.Is(err, store.ErrSearchBusy):
		wrong = searchTooMany
	case err != nil:
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return Render(c, http.StatusOK, views.SearchSuggestions(strings.TrimSpace(text), found, wrong))
}
