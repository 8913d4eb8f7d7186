package handlers

import (
	"errors"
	"net/http"
	"net/url"

	"autocrm/store"
	"autocrm/views"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// SignUpPage is where an account is made: by an invitation's link on every portal, by anybody on the client
// portal where that is open.
func (p *Portal) SignUpPage(c echo.Context) error {
	token := c.QueryParam("token")
	switch {
	case token != "":
		return p.showInvited(c, http.StatusOK, views.SignUpForm{Token: token})
	case p.offersSignUp():
		return Render(c, http.StatusOK, views.SignUp(p.BarePage(c, "Create an account"), views.SignUpForm{}))
	}
	return p.onlyInvited(c)
}

// SignUp makes the account and signs it in.
func (p *Portal) SignUp(c echo.Context) error {
	fields, err := Form(c)
	if err != nil {
		return err
	}
	form := views.SignUpForm{FullName: fields.Get("full_name"), Email: fields.Get("email"), Token: fields.Get("token")}
	var session store.Session
	switch {
	case form.Token != "":
		session, err = p.acceptInvitation(c, form, fields.Get("password"))
	case p.offersSignUp():
		session, err = p.Store.SignUp(c.Request().Context(), p.visit(c), form.FullName, form.Email, fields.Get("password"))
	default:
		return p.onlyInvited(c)
	}
	status := http.StatusUnprocessableEntity
	var invalid *store.Invalid
	if errors.As(err, &invalid) {
		form.Errors = invalid.Fields
	} else if wait, slow := slowDown(c, err); slow {
		status, form.Errors = http.StatusTooManyRequests, map[string]string{"": wait}
	} else if refused := deadLink(err); refused != nil {
		return p.refuseInvitation(c, refused, form.Token)
	} else if err != nil {
		return err
	}
	switch {
	case form.Errors == nil:
		return p.admit(c, session, "/")
	case form.Token != "":
		return p.showInvited(c, status, form)
	}
	return Render(c, status, views.SignUp(p.BarePage(c, "Create an account"), form))
}

func (p *Portal) acceptInvitation(c echo.Context, form views.SignUpForm, password string) (store.Session, error) {
	ctx := c.Request().Context()
	invitation, err := p.Store.CheckInvitation(ctx, form.Token, p.Role)
	if err != nil {
		return store.Session{}, err
	}
	var id uuid.UUID
	if invitation.Unaddressed() {
		id, err = p.Store.AcceptFirstAdmin(ctx, form.Token, p.Role, form.Email, form.FullName, password)
	} else {
		id, err = p.Store.AcceptInvitation(ctx, form.Token, p.Role, form.FullName, password)
	}
	if err != nil {
		return store.Session{}, err
	}
	return p.Store.StartSession(ctx, p.visit(c), id)
}

// showInvited shows the form of a link that may be used, with the address that it is for.
func (p *Portal) showInvited(c echo.Context, status int, form views.SignUpForm) error {
	invitation, err := p.Store.CheckInvitation(c.Request().Context(), form.Token, p.Role)
	if refused := deadLink(err); refused != nil {
		return p.refuseInvitation(c, refused, form.Token)
	}
	if err != nil {
		return err
	}
	form.Inviter, form.ExpiresAt = invitation.InviterName, invitation.ExpiresAt
	if !invitation.Unaddressed() {
		form.Email, form.EmailFixed = invitation.Email, true
	}
	return Render(c, status, views.SignUp(p.BarePage(c, "Create your account"), form))
}

// refuseInvitation says why the link is no good and what to do. One that was opened on the wrong portal leads
// to the right one whole, so that nobody has to go back for it.
func (p *Portal) refuseInvitation(c echo.Context, refused *store.InvitationError, token string) error {
	status := http.StatusGone
	switch refused.Reason {
	case store.InvitationUnknown:
		status = http.StatusNotFound
	case store.InvitationElsewhere:
		status = http.StatusForbidden
	}
	there := p.Addresses[refused.Role]
	return Render(c, status, views.InvitationRefused(p.BarePage(c, "Invitation"), views.RefusedInvitation{
		Status: status, ID: requestID(c), Reason: string(refused.Reason), Portal: string(refused.Role),
		Address: there, Link: there + "/signup?token=" + url.QueryEscape(token),
	}))
}

func deadLink(err error) *store.InvitationError {
	var refused *store.InvitationError
	errors.As(err, &refused)
	return refused
}

// onlyInvited is for who comes without a link to where accounts are made by invitation.
func (p *Portal) onlyInvited(c echo.Context) error {
	text := views.ErrorText{
		Status:      http.StatusForbidden,
		ID:          requestID(c),
		Title:       "Accounts here are made by invitation",
		Message:     "Open the link of your invitation, whole. If you have none, ask an admin of your help desk for one.",
		ActionLabel: "Sign in", ActionHref: "/sign-in",
	}
	return Render(c, text.Status, views.ErrorPage(p.BarePage(c, text.Title), text))
}
