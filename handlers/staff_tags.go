package handlers

import (
	"net/http"
	"net/url"
	"strconv"

	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// TagTicket puts tags on the ticket; new ones are made.
func (h Staff) TagTicket(c echo.Context) error {
	return h.act(c, act{"tag", views.TagForm, func(number int64, fields url.Values) error {
		return h.Store.Tag(c.Request().Context(), actor(c), number, fields.Get("tag"))
	}})
}

// UntagTicket takes one off.
func (h Staff) UntagTicket(c echo.Context) error {
	return h.act(c, act{"untag", nil, func(number int64, fields url.Values) error {
		return h.Store.Untag(c.Request().Context(), actor(c), number, fields.Get("tag"))
	}})
}

// Tags is the page of all tags.
func (h Staff) Tags(c echo.Context) error { return h.tags(c, http.StatusOK, views.TagForms{}) }

// TagList is the list alone, for its live region.
func (h Staff) TagList(c echo.Context) error {
	version, err := h.Store.ListVersion(c.Request().Context(), actor(c))
	if err != nil || Unchanged(c, version) {
		return err
	}
	page, err := h.Store.Tags(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.TagRegion(page, views.TagForms{}))
}

// ChangeTag gives a tag another name and colour.
func (h Staff) ChangeTag(c echo.Context) error {
	return h.shapeTag(c, "change", func(fields url.Values) error {
		id, err := pathID(c)
		if err != nil {
			return err
		}
		hue, err := strconv.Atoi(fields.Get("hue"))
		if err != nil {
			hue = -1
		}
		return h.Store.ChangeTag(c.Request().Context(), actor(c), id, fields.Get("name"), hue)
	})
}

// MergeTags makes one tag of two.
func (h Staff) MergeTags(c echo.Context) error {
	return h.shapeTag(c, "merge", func(fields url.Values) error {
		id, err := pathID(c)
		if err != nil {
			return err
		}
		return h.Store.MergeTags(c.Request().Context(), actor(c), id, fields.Get("into"))
	})
}

// DeleteTag takes a tag off every ticket and forgets it.
func (h Staff) DeleteTag(c echo.Context) error {
	return h.shapeTag(c, "deletion", func(url.Values) error {
		id, err := pathID(c)
		if err != nil {
			return err
		}
		return h.Store.DeleteTag(c.Request().Context(), actor(c), id)
	})
}

// BackToTags leads whoever reloads a refused form by its address back to the list.
func (h Staff) BackToTags(c echo.Context) error { return c.Redirect(http.StatusSeeOther, "/tags") }

func (h Staff) shapeTag(c echo.Context, what string, do func(url.Values) error) error {
	fields, err := Form(c)
	if err != nil {
		return err
	}
	status, words, err := refusal(do(fields))
	if err != nil {
		return err
	}
	if words == nil {
		return h.See(c, "/tags", "")
	}
	return h.tags(c, status, views.TagForms{ID: c.Param("id"), What: what, Form: views.ActForm{Values: fields, Errors: words}})
}

func (h Staff) tags(c echo.Context, status int, forms views.TagForms) error {
	page := h.Page(c, "Tags")
	page.Path = "/tags"
	tags, err := h.Store.Tags(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return Render(c, status, views.Tags(page, tags, forms))
}
