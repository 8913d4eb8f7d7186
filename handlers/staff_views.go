package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"autocrm/store"
	"autocrm/views"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// keptView finds the view that the address names.
func (h Staff) keptView(c echo.Context) (store.View, error) {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil || id.String() != c.Param("id") {
		return store.View{}, store.ErrNotFound
	}
	return h.Store.View(c.Request().Context(), actor(c), id)
}

// View lists the tickets of a kept view.
func (h Staff) View(c echo.Context) error {
	view, err := h.keptView(c)
	if err != nil {
		return err
	}
	return h.listTickets(c, view)
}

// ViewRows is the live region of that list.
func (h Staff) ViewRows(c echo.Context) error {
	view, err := h.keptView(c)
	if err != nil {
		return err
	}
	return h.ticketRows(c, view)
}

// BackToTickets leads from an address that only a form is sent to.
func (h Staff) BackToTickets(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, "/tickets")
}

// ViewList is the live region of the views beside a list.
func (h Staff) ViewList(c echo.Context) error {
	ctx := c.Request().Context()
	version := int64(0)
	if audience, ok := actor(c).Audience(); ok {
		var err error
		version, err = h.shared.version(ctx, audience.Key(), func(ctx context.Context) (int64, error) {
			return h.Store.AudienceVersion(ctx, audience)
		})
		if err != nil || Unchanged(c, version) {
			return err
		}
	}
	bar, err := h.viewBar(ctx, actor(c), c.QueryParam("at"), version)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.ViewList(bar))
}

// viewBar is the views that who has, with how many tickets each has, no older than version. What is the same for all
// staff is counted once for all of them.
func (p *Portal) viewBar(ctx context.Context, who store.Actor, at string, version int64) (bar views.ViewBar, err error) {
	kept, err := p.Store.Views(ctx, who)
	if err != nil {
		return bar, err
	}
	bar.At, bar.Version = at, version
	var common, own []string
	for _, v := range slices.Concat(store.BuiltInViews, kept) {
		query, err := store.ParseQuery(who.Role, v.Q)
		if (v.ID == uuid.Nil || v.Shared) && err == nil && !query.Mine() {
			common = append(common, v.Q)
		} else {
			own = append(own, v.Q)
		}
	}
	counts := map[string]store.Count{}
	if audience, ok := who.Audience(); ok {
		if bar.Version, err = p.commonCounts(ctx, audience, common, version, counts); err != nil {
			return bar, err
		}
	} else {
		own = append(common, own...)
	}
	found, ownVersion, err := p.Store.CountTickets(ctx, who, own)
	if err != nil {
		return bar, err
	}
	for i, q := range own {
		counts[q] = found[i]
	}
	if bar.Version == 0 || ownVersion < bar.Version {
		bar.Version = ownVersion
	}
	for _, v := range store.BuiltInViews {
		bar.BuiltIn = append(bar.BuiltIn, views.CountedView{View: v, Count: counts[v.Q]})
	}
	for _, v := range kept {
		counted := views.CountedView{View: v, Count: counts[v.Q]}
		if v.Shared {
			bar.Shared = append(bar.Shared, counted)
		} else {
			bar.Own = append(bar.Own, counted)
		}
	}
	return bar, nil
}

// commonCounts counts what is the same for the whole audience.
func (p *Portal) commonCounts(ctx context.Context, audience store.Audience, texts []string, version int64, counts map[string]store.Count) (int64, error) {
	key := regionKey{audience.Key(), "counts\x00" + strings.Join(texts, "\x00")}
	answer, err := p.shared.region(ctx, key, version, func(ctx context.Context) (rendered, error) {
		found, version, err := p.Store.CountAudienceTickets(ctx, audience, texts)
		if err != nil {
			return rendered{}, err
		}
		text, err := json.Marshal(found)
		return rendered{http.StatusOK, text, version}, err
	})
	if err != nil {
		return 0, err
	}
	var found []store.Count
	if err := json.Unmarshal(answer.html, &found); err != nil {
		return 0, err
	}
	for i, q := range texts {
		counts[q] = found[i]
	}
	return answer.version, nil
}

// readView reads a view from its form.
func readView(fields url.Values) store.View {
	return store.View{Name: fields.Get("name"), Q: fields.Get("q"), Sort: fields.Get("sort"),
		Columns: strings.Join(fields["columns"], ","), Density: fields.Get("density"), Shared: fields.Has("shared")}
}

// NewView is the form that keeps a list as a view.
func (h Staff) NewView(c echo.Context) error {
	return Render(c, http.StatusOK, views.ViewFormPage(h.Page(c, "Save as a view"), views.ViewForm{View: readView(c.QueryParams())}))
}

// KeepView keeps a list under a name and leads to it.
func (h Staff) KeepView(c echo.Context) error {
	fields, err := Form(c)
	if err != nil {
		return err
	}
	view := readView(fields)
	id, err := h.Store.KeepView(c.Request().Context(), actor(c), view)
	if err != nil {
		return h.viewRefused(c, "Save as a view", view, err)
	}
	return h.See(c, "/views/"+id.String(), "The view is saved.")
}

// ViewSettings is the form that changes a view.
func (h Staff) ViewSettings(c echo.Context) error {
	view, err := h.keptView(c)
	if err != nil {
		return err
	}
	if !view.MayChange(actor(c)) {
		return store.ErrForbidden
	}
	form := views.ViewForm{View: view, Mine: view.OwnerID == actor(c).UserID}
	form.Errors = h.unreadable(c, view) // says so where it can be mended
	return Render(c, http.StatusOK, views.ViewFormPage(h.Page(c, "Change a view"), form))
}

// unreadable says what in a view's query cannot be followed any more.
func (h Staff) unreadable(c echo.Context, view store.View) map[string]string {
	query, err := store.ParseQuery(h.Role, view.Q)
	if err == nil {
		_, err = h.Store.Tickets(c.Request().Context(), actor(c), store.TicketFilter{Query: query, Limit: 1})
	}
	var wrong *store.Invalid
	if errors.As(err, &wrong) {
		return wrong.Fields
	}
	return nil
}

// ChangeView changes a view and leads to it.
func (h Staff) ChangeView(c echo.Context) error {
	kept, err := h.keptView(c)
	if err != nil {
		return err
	}
	fields, err := Form(c)
	if err != nil {
		return err
	}
	view := readView(fields)
	view.ID, view.OwnerID, view.Path = kept.ID, kept.OwnerID, kept.Path
	if kept.OwnerID != actor(c).UserID {
		view.Shared = true
	}
	if err := h.Store.ChangeView(c.Request().Context(), actor(c), view); err != nil {
		return h.viewRefused(c, "Change a view", view, err)
	}
	return h.See(c, kept.Path, "The view is changed.")
}

func (h Staff) viewRefused(c echo.Context, title string, view store.View, err error) error {
	var wrong *store.Invalid
	if !errors.As(err, &wrong) {
		return err
	}
	form := views.ViewForm{View: view, Mine: view.ID == uuid.Nil || view.OwnerID == actor(c).UserID, Errors: wrong.Fields}
	return Render(c, http.StatusUnprocessableEntity, views.ViewFormPage(h.Page(c, title), form))
}

// AskViewDeletion asks before a view is deleted.
func (h Staff) AskViewDeletion(c echo.Context) error {
	view, err := h.keptView(c)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.ViewDeletionPage(h.Page(c, "Delete a view"), view))
}

// DeleteView deletes a view.
func (h Staff) DeleteView(c echo.Context) error {
	view, err := h.keptView(c)
	if err != nil {
		return err
	}
	if err := h.Store.DeleteView(c.Request().Context(), actor(c), view.ID); err != nil {
		return err
	}
	return h.See(c, "/tickets", "The view "+view.Name+" is deleted.")
}
