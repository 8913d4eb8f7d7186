package handlers

import (
	"errors"
	"net/http"
	"strings"

	"autocrm/store"
	"autocrm/views"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
)

// Users lists the people.
func (a Admin) Users(c echo.Context) error {
	page := a.Page(c, "Users")
	list, err := a.userList(c)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.Users(page, list))
}

// UserList is the list alone, for its live region.
func (a Admin) UserList(c echo.Context) error {
	version, err := a.Store.ListVersion(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	if Unchanged(c, version) {
		return nil
	}
	list, err := a.userList(c)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.UserRegion(list))
}

// User is one person's page.
func (a Admin) User(c echo.Context) error {
	page := a.Page(c, "User")
	view, err := a.user(c)
	if err != nil {
		return err
	}
	page.Title = view.User.FullName
	return Render(c, http.StatusOK, views.User(page, view, views.UserForm{Role: view.User.Role}))
}

// UserFacts is what is known of one person, for its live region.
func (a Admin) UserFacts(c echo.Context) error {
	version, err := a.Store.ListVersion(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	if Unchanged(c, version) {
		return nil
	}
	view, err := a.user(c)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.UserFacts(view))
}

// ChangeRole makes somebody a client, an agent or an admin.
func (a Admin) ChangeRole(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	fields, err := Form(c)
	if err != nil {
		return err
	}
	form := views.UserForm{Role: store.Role(fields.Get("role")), KeepTickets: fields.Get("keep_tickets") != ""}
	user, err := a.Store.ChangeRole(c.Request().Context(), actor(c), id, store.RoleChange{
		Seen: store.Role(fields.Get("seen")), Next: form.Role, KeepTickets: form.KeepTickets,
	})
	if status, words := declined(err); status != 0 {
		form.Errors = map[string]string{"role": words}
		return a.userAgain(c, status, form, views.User)
	}
	if err != nil {
		return err
	}
	return a.See(c, "/users/"+id.String(), user.FullName+" is now "+user.Role.WithArticle()+".")
}

// AskDeactivation asks before somebody is shut out.
func (a Admin) AskDeactivation(c echo.Context) error {
	return a.userAgain(c, http.StatusOK, views.UserForm{}, views.Deactivation)
}

// Deactivate shuts somebody out.
func (a Admin) Deactivate(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	fields, err := Form(c)
	if err != nil {
		return err
	}
	form := views.UserForm{KeepTickets: fields.Get("keep_tickets") != ""}
	user, err := a.Store.Deactivate(c.Request().Context(), actor(c), id, form.KeepTickets)
	if status, words := declined(err); status != 0 {
		form.Errors = map[string]string{"": words}
		return a.userAgain(c, status, form, views.Deactivation)
	}
	if err != nil {
		return err
	}
	return a.See(c, "/users/"+id.String(), user.FullName+" is deactivated.")
}

// Reactivate lets somebody in again.
func (a Admin) Reactivate(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	user, err := a.Store.Reactivate(c.Request().Context(), actor(c), id)
	if err != nil {
		return err
	}
	return a.See(c, "/users/"+id.String(), user.FullName+" can sign in again.")
}

// BackToUser leads whoever reloads the answer to a post by its address back to the person.
func (a Admin) BackToUser(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, "/users/"+id.String())
}

// userPage is a page about one person with a form.
type userPage func(views.Page, views.UserView, views.UserForm) templ.Component

// userAgain shows the person as they are now, with the form as it was sent.
func (a Admin) userAgain(c echo.Context, status int, form views.UserForm, show userPage) error {
	page := a.Page(c, "User")
	page.Path = "/users"
	view, err := a.user(c)
	if err != nil {
		return err
	}
	page.Title = view.User.FullName
	return Render(c, status, show(page, view, form))
}

func (a Admin) user(c echo.Context) (view views.UserView, err error) {
	id, err := pathID(c)
	if err != nil {
		return view, err
	}
	// The version first: what is read after it is at least as new as it says.
	if view.Version, err = a.Store.ListVersion(c.Request().Context(), actor(c)); err != nil {
		return view, err
	}
	view.User, err = a.Store.User(c.Request().Context(), actor(c), id)
	view.Self = id == actor(c).UserID
	return view, err
}

func (a Admin) userList(c echo.Context) (views.UserList, error) {
	filter := store.UserFilter{
		Role:     store.Role(c.QueryParam("role")),
		Inactive: c.QueryParam("state") == "inactive",
		Search:   search(c),
		After:    c.QueryParam("after"),
		Before:   c.QueryParam("before"),
	}
	page, err := a.Store.Users(c.Request().Context(), actor(c), filter)
	return views.UserList{Page: page, Filter: filter, Self: actor(c).UserID.String()}, err
}

// declined is the status and the sentence of what the store refuses by rule; 0 for every other error.
func declined(err error) (status int, words string) {
	var conflict *store.Conflict
	if errors.As(err, &conflict) {
		return http.StatusConflict, conflict.Message
	}
	if fields, ok := invalid(err); ok {
		for _, sentence := range fields {
			words = sentence
		}
		return http.StatusUnprocessableEntity, words
	}
	return 0, ""
}

// search is what was typed to look for, as it may be shown and asked.
func search(c echo.Context) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(c.QueryParam("q"), "\uFFFD"), "\x00", ""))
}
