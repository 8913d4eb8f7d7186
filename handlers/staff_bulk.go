package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"autocrm/store"
	"autocrm/views"

	"github.com/a-h/templ"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// Bulk lists the last bulk changes.
func (h Staff) Bulk(c echo.Context) error {
	page := h.Page(c, "Bulk changes")
	list, version, err := h.Store.BulkChanges(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.BulkListPage(page, actor(c), list, version))
}

// BulkList is that list alone, for its live region.
func (h Staff) BulkList(c echo.Context) error {
	if same, err := h.listUnchanged(c); same || err != nil {
		return err
	}
	list, version, err := h.Store.BulkChanges(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.BulkList(actor(c), list, version))
}

// BulkActions is what can be done to selected tickets: a list fetches it once something is selected.
func (h Staff) BulkActions(c echo.Context) error {
	choice, err := h.bulkChoice(c)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.BulkActions(choice))
}

// BulkSize says how many tickets the list shows in all.
func (h Staff) BulkSize(c echo.Context) error {
	filter, err := h.listedAt(c, c.QueryParam("list"))
	if err != nil {
		return err
	}
	count, err := h.Store.SelectionSize(c.Request().Context(), actor(c), filter)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.BulkSize(count))
}

func (h Staff) bulkChoice(c echo.Context) (choice views.BulkChoice, err error) {
	ctx := c.Request().Context()
	if choice.Assignees, err = h.Store.Assignable(ctx, actor(c)); err != nil {
		return choice, err
	}
	if choice.Tags, err = h.Store.TagNames(ctx, actor(c)); err != nil {
		return choice, err
	}
	choice.Macros, _, err = h.Store.Macros(ctx, actor(c))
	return choice, err
}

// StartBulk begins to change the selected tickets. The form says what in one word, "do", and its object: "status
// resolved", "assign", "tag", "macro" and its id. Without scripts a first press asks what: "choose". What sends
// messages to customers asks once more, since that cannot be undone.
func (h Staff) StartBulk(c echo.Context) error {
	fields, err := Form(c)
	if err != nil {
		return err
	}
	form := views.BulkForm{List: fields.Get("list"), Whole: fields.Get("whole") != "", Do: fields.Get("do"), Assignee: fields.Get("assignee"),
		Tags: fields.Get("tags"), Into: fields.Get("into")}
	for _, text := range fields["ticket"] {
		if number, err := strconv.ParseInt(text, 10, 64); err == nil && number > 0 {
			form.Numbers = append(form.Numbers, number)
		}
	}
	what, object, _ := strings.Cut(form.Do, " ")
	if what == "choose" {
		return h.askBulk(c, http.StatusOK, form)
	}
	change, err := h.bulkChange(c, what, object, &form)
	if err == nil && change.Reply != "" && !form.Sure {
		return h.askBulk(c, http.StatusOK, form)
	}
	var selection store.Selection
	if err == nil {
		selection, err = h.selection(c, form)
	}
	var id uuid.UUID
	if err == nil {
		id, err = h.Store.StartBulk(c.Request().Context(), actor(c), change, selection)
	}
	var conflict *store.Conflict
	var wrong *store.Invalid
	switch {
	case errors.As(err, &conflict):
		form.Wrong = conflict.Message
		return h.askBulk(c, http.StatusConflict, form)
	case errors.As(err, &wrong):
		for _, words := range wrong.Fields {
			form.Wrong = words
		}
		return h.askBulk(c, http.StatusUnprocessableEntity, form)
	case err != nil:
		return err
	case IsFragment(c):
		bulk, version, err := h.lastBulk(c)
		if err != nil {
			return err
		}
		return Render(c, http.StatusAccepted, views.BulkBegun(bulk, version))
	}
	return h.See(c, "/bulk/"+id.String(), "")
}

// bulkChange reads what the form asks for.
func (h Staff) bulkChange(c echo.Context, what, object string, form *views.BulkForm) (change store.Change, err error) {
	switch what {
	case "status":
		change.Status = store.Status(object)
	case "priority":
		change.Priority = store.Priority(object)
	case "tag":
		change.AddTags = store.SplitTags([]string{form.Tags})
	case "untag":
		change.RemoveTags = store.SplitTags([]string{form.Tags})
	case "assign":
		if object == "" {
			object = form.Assignee
		}
		change.Assign, change.Assignee, err = assignment(object)
	case "merge":
		change.MergeInto, err = otherTicket("into", form.Into)
	case "macro":
		text, sure, _ := strings.Cut(object, " ")
		form.Sure = sure == "sure"
		id, parsed := uuid.Parse(text)
		if parsed != nil {
			return change, &store.Invalid{Fields: map[string]string{"": "Choose a macro."}}
		}
		var macro store.Macro
		if macro, err = h.Store.Macro(c.Request().Context(), actor(c), id); errors.Is(err, store.ErrNotFound) {
			return change, &store.Invalid{Fields: map[string]string{"": "This macro is no longer there."}}
		}
		if len(macro.Missing) > 0 {
			return change, &store.Invalid{Fields: map[string]string{"": macro.Missing[0] + " Change the macro first."}}
		}
		change, form.Macro = macro.Change(), &macro
	}
	if (what == "tag" || what == "untag") && len(change.AddTags)+len(change.RemoveTags) == 0 {
		return change, &store.Invalid{Fields: map[string]string{"tags": "Name a tag first."}}
	}
	return change, err
}

// assignment reads whom a choice of assignee means: me, nobody, or somebody's id.
func assignment(text string) (store.Assign, *uuid.UUID, error) {
	switch text {
	case "me":
		return store.AssignMe, nil, nil
	case "nobody":
		return store.AssignNobody, nil, nil
	}
	id, err := personID(text)
	if err == nil && id == nil {
		err = &store.Invalid{Fields: map[string]string{"assignee": "Choose who should get them."}}
	}
	return store.AssignPerson, id, err
}

// selection is which tickets the form means.
func (h Staff) selection(c echo.Context, form views.BulkForm) (selection store.Selection, err error) {
	if !form.Whole {
		selection.Numbers = form.Numbers
		return selection, nil
	}
	filter, err := h.listedAt(c, form.List)
	selection.Filter, selection.Query = &filter, form.List
	return selection, err
}

// listedAt is what the list at the address shows, without its pages and order.
func (h Staff) listedAt(c echo.Context, address string) (filter store.TicketFilter, err error) {
	nowhere := &store.Invalid{Fields: map[string]string{"": "This list does not exist. Select the tickets again."}}
	at, err := url.Parse(address)
	if err != nil {
		return filter, nowhere
	}
	values := at.Query()
	for _, name := range []string{"after", "before", "sort", "columns", "density", "from"} {
		values.Del(name)
	}
	lists := []store.View{allTickets, queue, myTickets}
	if text, kept := strings.CutPrefix(at.Path, "/views/"); kept {
		id, err := uuid.Parse(text)
		if err != nil {
			return filter, nowhere
		}
		view, err := h.Store.View(c.Request().Context(), actor(c), id)
		if errors.Is(err, store.ErrNotFound) {
			return filter, nowhere
		}
		if err != nil {
			return filter, err
		}
		lists = []store.View{view}
	}
	for _, view := range lists {
		if at.Path == view.Path {
			view.Sort = ""
			_, filter, err = listAt(h.Role, view, values)
			return filter, err
		}
	}
	return filter, nowhere
}

// askBulk shows the question again, or what is wrong: in the bar where scripts run, else as a page.
func (h Staff) askBulk(c echo.Context, status int, form views.BulkForm) error {
	if len(form.Numbers) == 0 && !form.Whole && form.Wrong == "" {
		form.Wrong, status = "Select some tickets first.", http.StatusUnprocessableEntity
	}
	if IsFragment(c) {
		return Render(c, status, views.BulkQuestion(form))
	}
	page := h.Page(c, "Change tickets")
	choice, err := h.bulkChoice(c)
	if err != nil {
		return err
	}
	return Render(c, status, views.BulkFormPage(page, form, choice))
}

// BackToBulk leads whoever reloads the answer to a post by its address back to where it belongs.
func (h Staff) BackToBulk(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, "/bulk/"+url.PathEscape(c.Param("id")))
}

func bulkID(c echo.Context) (uuid.UUID, error) {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil || id.String() != c.Param("id") {
		return id, store.ErrNotFound
	}
	return id, nil
}

// ShowBulk is the page of one bulk change.
func (h Staff) ShowBulk(c echo.Context) error {
	page := h.Page(c, "Bulk change")
	return h.bulkPage(c, http.StatusOK, page, "")
}

func (h Staff) bulkPage(c echo.Context, status int, page views.Page, problem string) error {
	bulk, version, err := h.bulkAt(c)
	if err != nil {
		return err
	}
	return Render(c, status, views.BulkPage(page, bulk, version, problem))
}

func (h Staff) bulkAt(c echo.Context) (bulk store.BulkChange, version int64, err error) {
	id, err := bulkID(c)
	if err != nil {
		return bulk, 0, err
	}
	// The version before the row: one that is too old is only looked at again.
	if version, err = h.Store.ListVersion(c.Request().Context(), actor(c)); err != nil {
		return bulk, 0, err
	}
	bulk, err = h.Store.BulkChange(c.Request().Context(), actor(c), id)
	return bulk, version, err
}

// BulkProgress is how far it is, for its live region.
func (h Staff) BulkProgress(c echo.Context) error {
	bulk, version, err := h.bulkAt(c)
	if err != nil {
		return err
	}
	if Unchanged(c, version) {
		return nil
	}
	return Render(c, http.StatusOK, views.BulkProgress(bulk, version))
}

// barLife is for how long the bar tells of a bulk change that has ended.
const barLife = 2 * time.Minute

func (h Staff) lastBulk(c echo.Context) (*store.BulkChange, int64, error) {
	bulk, version, err := h.Store.LastBulk(c.Request().Context(), actor(c))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, 0, nil
	case err != nil:
		return nil, 0, err
	case bulk.EndedAt != nil && time.Since(*bulk.EndedAt) > barLife:
		return nil, 0, nil // as every page begins
	}
	return &bulk, version, nil
}

// BulkBar is the bar over the foot of every page that tells of the actor's last bulk change.
func (h Staff) BulkBar(c echo.Context) error {
	bulk, version, err := h.lastBulk(c)
	if err != nil {
		return err
	}
	if Unchanged(c, bulk != nil, version) {
		return nil
	}
	return Render(c, http.StatusOK, views.BulkBar(bulk, version))
}

// CancelBulk gives a bulk change up.
func (h Staff) CancelBulk(c echo.Context) error {
	id, err := bulkID(c)
	if err != nil {
		return err
	}
	return h.afterBulk(c, h.Store.CancelBulk(c.Request().Context(), actor(c), id))
}

// UndoBulk sets back what a bulk change changed.
func (h Staff) UndoBulk(c echo.Context) error {
	id, err := bulkID(c)
	if err != nil {
		return err
	}
	undo, err := h.Store.UndoBulk(c.Request().Context(), actor(c), id)
	if err == nil && !IsFragment(c) {
		return h.See(c, "/bulk/"+undo.String(), "")
	}
	return h.afterBulk(c, err)
}

// afterBulk answers what was done about a bulk change: with the bar, or its page.
func (h Staff) afterBulk(c echo.Context, err error) error {
	status, problem := declined(err)
	if err != nil && status == 0 {
		return err
	}
	if !IsFragment(c) {
		if problem == "" {
			return h.BackToBulk(c)
		}
		return h.bulkPage(c, status, h.Page(c, "Bulk change"), problem)
	}
	bulk, version, err := h.lastBulk(c)
	if err != nil {
		return err
	}
	parts := []templ.Component{views.BulkBarPart(bulk, version)}
	if one, version, err := h.bulkAt(c); err == nil {
		parts = append(parts, views.BulkProgressPart(one, version))
	}
	return Render(c, http.StatusOK, templ.Join(parts...))
}
