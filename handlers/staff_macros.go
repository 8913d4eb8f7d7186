package handlers

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"autocrm/store"
	"autocrm/views"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// Macros lists the macros and templates that the person may use.
func (h Staff) Macros(c echo.Context) error {
	page := h.Page(c, "Macros")
	macros, version, err := h.Store.Macros(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.MacrosPage(page, actor(c), macros, version))
}

// MacroList is that list alone, for its live region.
func (h Staff) MacroList(c echo.Context) error {
	if same, err := h.listUnchanged(c); same || err != nil {
		return err
	}
	macros, version, err := h.Store.Macros(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.MacroList(actor(c), macros, version))
}

// NewMacro is the form of a new macro.
func (h Staff) NewMacro(c echo.Context) error {
	return h.macroForm(c, http.StatusOK, views.MacroForm{Macro: store.Macro{OwnerID: actor(c).UserID}})
}

// ShowMacro is the form of a macro; who may not change it reads it.
func (h Staff) ShowMacro(c echo.Context) error {
	id, err := macroID(c)
	if err != nil {
		return err
	}
	macro, err := h.Store.Macro(c.Request().Context(), actor(c), id)
	if err != nil {
		return err
	}
	return h.macroForm(c, http.StatusOK, views.MacroForm{Macro: macro})
}

func (h Staff) macroForm(c echo.Context, status int, form views.MacroForm) (err error) {
	title := form.Macro.Name
	if form.Macro.ID == uuid.Nil {
		title = "New macro"
	}
	page := h.Page(c, title)
	page.Path = "/macros"
	form.Viewer = actor(c)
	if form.Assignees, err = h.Store.Assignable(c.Request().Context(), actor(c)); err != nil {
		return err
	}
	if form.Tags, err = h.Store.TagNames(c.Request().Context(), actor(c)); err != nil {
		return err
	}
	return Render(c, status, views.MacroFormPage(page, form))
}

func macroID(c echo.Context) (uuid.UUID, error) {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil || id.String() != c.Param("id") {
		return id, store.ErrNotFound
	}
	return id, nil
}

func readMacro(fields url.Values) (macro store.Macro, err error) {
	macro = store.Macro{
		Name:       fields.Get("name"),
		Shortcut:   fields.Get("shortcut"),
		Shared:     fields.Get("shared") != "",
		Reply:      fields.Get("reply"),
		Note:       fields.Get("note"),
		Status:     store.Status(fields.Get("status")),
		Priority:   store.Priority(fields.Get("priority")),
		AddTags:    store.SplitTags(fields["add_tags"]),
		RemoveTags: store.SplitTags(fields["remove_tags"]),
	}
	if who := fields.Get("assignee"); who != "" {
		macro.Assign, macro.AssigneeID, err = assignment(who)
	}
	return macro, err
}

// CreateMacro makes a macro.
func (h Staff) CreateMacro(c echo.Context) error {
	return h.saveMacro(c, uuid.Nil, func(macro store.Macro) error {
		_, err := h.Store.CreateMacro(c.Request().Context(), actor(c), macro)
		return err
	})
}

// ChangeMacro rewrites one.
func (h Staff) ChangeMacro(c echo.Context) error {
	id, err := macroID(c)
	if err != nil {
		return err
	}
	return h.saveMacro(c, id, func(macro store.Macro) error {
		macro.ID = id
		return h.Store.ChangeMacro(c.Request().Context(), actor(c), macro)
	})
}

func (h Staff) saveMacro(c echo.Context, id uuid.UUID, save func(store.Macro) error) error {
	fields, err := Form(c)
	if err != nil {
		return err
	}
	macro, err := readMacro(fields)
	if err == nil {
		err = save(macro)
	}
	var wrong *store.Invalid
	switch {
	case errors.As(err, &wrong):
		form := views.MacroForm{Macro: macro, Errors: wrong.Fields}
		form.Macro.ID, form.Macro.OwnerID = id, actor(c).UserID
		if id != uuid.Nil { // whose it is decides what the form offers
			kept, err := h.Store.Macro(c.Request().Context(), actor(c), id)
			if err != nil {
				return err
			}
			form.Macro.OwnerID, form.Macro.OwnerName = kept.OwnerID, kept.OwnerName
			form.Macro.Shared = form.Macro.Shared || kept.OwnerID != actor(c).UserID
		}
		return h.macroForm(c, http.StatusUnprocessableEntity, form)
	case errors.Is(err, store.ErrForbidden) && id != uuid.Nil && macro.Shared == false:
		return h.See(c, "/macros", "Only its owner can make it private again.")
	case err != nil:
		return err
	}
	return h.See(c, "/macros", "Saved.")
}

// DeleteMacro deletes one.
func (h Staff) DeleteMacro(c echo.Context) error {
	id, err := macroID(c)
	if err != nil {
		return err
	}
	if err := h.Store.DeleteMacro(c.Request().Context(), actor(c), id); err != nil {
		return err
	}
	return h.See(c, "/macros", "Deleted.")
}

// BackToMacros is for whoever reloads the answer to a post by its address.
func (h Staff) BackToMacros(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, "/macros")
}

// UseTemplate counts that a template's words were put into a message.
func (h Staff) UseTemplate(c echo.Context) error {
	id, err := macroID(c)
	if err != nil {
		return err
	}
	if err := h.Store.CountUse(c.Request().Context(), actor(c), id); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// Templates lists what the composer can insert, its placeholders filled for the ticket.
func (h Staff) Templates(c echo.Context) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	internal := c.QueryParam("kind") == "note"
	macros, err := h.Store.Templates(c.Request().Context(), actor(c), number, internal, search(c))
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.TemplateOptions(macros, internal, search(c)))
}

// TicketMacros lists what can be done to the ticket in one press: in the ticket's page where scripts run, else as a
// page of its own.
func (h Staff) TicketMacros(c echo.Context) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	page := h.Page(c, "Macros")
	thread, err := h.Store.Thread(c.Request().Context(), actor(c), number, 0)
	if err != nil {
		return err
	}
	macros, _, err := h.Store.Macros(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	choice := views.MacroChoice{Thread: thread, Macros: macros}
	if IsFragment(c) {
		return Render(c, http.StatusOK, views.MacroChoices(choice))
	}
	return Render(c, http.StatusOK, views.MacroChoicePage(page, choice))
}

// ApplyMacro does to the ticket what a macro says.
func (h Staff) ApplyMacro(c echo.Context) error {
	return h.act(c, act{"macro", views.MacroAct, func(number int64, fields url.Values) error {
		id, err := namedID(fields, "macro")
		if err != nil {
			return &store.Invalid{Fields: map[string]string{"": "Choose a macro."}}
		}
		agent, err := personID(fields.Get("seen_assignee"))
		if err != nil {
			return err
		}
		position, _ := strconv.ParseInt(fields.Get("seen_position"), 10, 64)
		_, err = h.Store.ApplyMacro(c.Request().Context(), actor(c), number, id, store.Seen{
			Status: store.Status(fields.Get("seen_status")), Priority: store.Priority(fields.Get("seen_priority")),
			AgentID: agent, Position: position,
		})
		var moved *store.Moved
		if errors.As(err, &moved) {
			return &store.Conflict{Message: "Somebody wrote on this ticket meanwhile. Read what is new, then choose again."}
		}
		return err
	}})
}
