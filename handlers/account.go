package handlers

import (
	"errors"
	"net/http"

	"autocrm/store"
	"autocrm/views"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// Account is one's own page.
func (p *Portal) Account(c echo.Context) error {
	return p.account(c, http.StatusOK, views.AccountData{FullName: actor(c).Name})
}

// account shows the page, also with what was typed wrong.
func (p *Portal) account(c echo.Context, status int, data views.AccountData) error {
	page := p.Page(c, "Account")
	page.Path = "/account" // its forms post to addresses below it
	if page.Bell != nil {
		muted, err := p.Store.MutedNotifications(c.Request().Context(), actor(c))
		if err != nil {
			return err
		}
		data.Notifications = views.NotificationChoices(muted)
	}
	signedIns, err := p.Store.SignedIns(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	for _, s := range signedIns {
		data.Places = append(data.Places, views.SignedInPlace{
			ID: s.ID.String(), Browser: browserName(s.UserAgent), Portal: string(s.Portal), Address: s.Address,
			Since: s.CreatedAt, Used: s.LastUsedAt, Here: s.ID == actor(c).SessionID,
		})
	}
	return Render(c, status, views.Account(page, data))
}

// BackToAccount leads whoever reloads the answer to a form by its address back to the page.
func (p *Portal) BackToAccount(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, "/account")
}

// Rename changes one's own name.
func (p *Portal) Rename(c echo.Context) error {
	fields, err := Form(c)
	if err != nil {
		return err
	}
	err = p.Store.Rename(c.Request().Context(), actor(c), fields.Get("full_name"))
	return p.accountAfter(c, err, fields.Get("full_name"), "Your name is saved.")
}

// ChangePassword changes one's own password, and signs one out everywhere else.
func (p *Portal) ChangePassword(c echo.Context) error {
	fields, err := Form(c)
	if err != nil {
		return err
	}
	session, err := p.Store.ChangePassword(c.Request().Context(), actor(c), c.RealIP(), fields.Get("current_password"), fields.Get("new_password"))
	if err == nil {
		err = p.Doors.Admit(c.Response(), c.Request(), session)
	}
	return p.accountAfter(c, err, actor(c).Name, "Your password is changed. You are signed out everywhere else.")
}

// accountAfter leads back to the page after a form of it, or shows what was wrong with the form.
func (p *Portal) accountAfter(c echo.Context, err error, fullName, done string) error {
	var invalid *store.Invalid
	if errors.As(err, &invalid) {
		return p.account(c, http.StatusUnprocessableEntity, views.AccountData{FullName: fullName, Errors: invalid.Fields})
	}
	if wait, slow := slowDown(c, err); slow {
		return p.account(c, http.StatusTooManyRequests, views.AccountData{FullName: fullName, Errors: map[string]string{"": wait}})
	}
	if err != nil {
		return err
	}
	return p.See(c, "/account", done)
}

// SignOutElsewhere ends every other session of one's own.
func (p *Portal) SignOutElsewhere(c echo.Context) error {
	err := p.Store.SignOutElsewhere(c.Request().Context(), actor(c))
	return p.accountAfter(c, err, actor(c).Name, "You are signed out everywhere else.")
}

// EndSession ends one session of one's own.
func (p *Portal) EndSession(c echo.Context) error {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return store.ErrNotFound
	}
	err = p.Store.SignOutOf(c.Request().Context(), actor(c), id)
	return p.accountAfter(c, err, actor(c).Name, "That session is ended.")
}

// Display keeps how the pages look, for who has no scripts; theme.js writes the same cookies.
func (p *Portal) Display(c echo.Context) error {
	fields, err := Form(c)
	if err != nil {
		return err
	}
	for name, choices := range displayChoices {
		p.setChoice(c, name, known(fields.Get(name), choices))
	}
	return p.See(c, "/account", "Your display is saved.")
}
