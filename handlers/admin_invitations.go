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

// Invitations shows the form and the list.
func (a Admin) Invitations(c echo.Context) error {
	return a.invitations(c, http.StatusOK, views.InvitationForm{}, nil, "")
}

// InvitationList is the list alone, for its live region.
func (a Admin) InvitationList(c echo.Context) error {
	version, err := a.Store.ListVersion(c.Request().Context(), actor(c))
	if err != nil {
		return err
	}
	if Unchanged(c, version) {
		return nil
	}
	list, err := a.invitationList(c)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.InvitationRegion(list))
}

// Invite makes an invitation. The page that answers the post shows the link, and a redirect to a page that
// shows it would need it kept somewhere: in a cookie, an address or a row, where others find it. Only its hash
// is kept, so this answer is the one place the link ever stands in.
func (a Admin) Invite(c echo.Context) error {
	fields, err := Form(c)
	if err != nil {
		return err
	}
	form := views.InvitationForm{Email: fields.Get("email"), Role: fields.Get("role")}
	invitation, token, err := a.Store.Invite(c.Request().Context(), actor(c), form.Email, store.Role(form.Role))
	if bad, ok := invalid(err); ok {
		form.Errors = bad
		var already *store.AlreadyInvited
		if errors.As(err, &already) {
			form.Already = &already.Invitation
		}
		return a.invitations(c, http.StatusUnprocessableEntity, form, nil, "")
	}
	if err != nil {
		return err
	}
	return a.invitations(c, http.StatusCreated, views.InvitationForm{Role: form.Role}, a.link(invitation, token), "")
}

// NewLink replaces an invitation's link. It answers like Invite, for the same reason.
func (a Admin) NewLink(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	invitation, token, err := a.Store.RenewInvitation(c.Request().Context(), actor(c), id)
	if bad, ok := invalid(err); ok {
		return a.invitations(c, http.StatusUnprocessableEntity, views.InvitationForm{}, nil, bad[""])
	}
	if err != nil {
		return err
	}
	return a.invitations(c, http.StatusCreated, views.InvitationForm{}, a.link(invitation, token), "")
}

// RevokeInvitation makes a link useless.
func (a Admin) RevokeInvitation(c echo.Context) error {
	id, err := pathID(c)
	if err != nil {
		return err
	}
	invitation, err := a.Store.RevokeInvitation(c.Request().Context(), actor(c), id)
	if bad, ok := invalid(err); ok {
		return a.invitations(c, http.StatusUnprocessableEntity, views.InvitationForm{}, nil, bad[""])
	}
	if err != nil {
		return err
	}
	return a.See(c, withQuery("/invitations", c), "The invitation of "+invitation.Email+" is revoked: its link does not work any more.")
}

// BackToInvitations leads whoever reloads the answer to a post by its address back to the list.
func (a Admin) BackToInvitations(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, withQuery("/invitations", c))
}

func (a Admin) invitations(c echo.Context, status int, form views.InvitationForm, link *views.InvitationLink, problem string) error {
	page := a.Page(c, "Invitations")
	page.Path = "/invitations"
	list, err := a.invitationList(c)
	if _, bad := invalid(err); bad && c.Request().Method == http.MethodPost {
		// The post has done its work: a made-up filter in its address may not hide the link it made.
		list, err = a.invitationListOf(c, store.InvitationFilter{})
	}
	if err != nil {
		return err
	}
	list.Problem = problem
	if form.Role == "" {
		form.Role = string(store.Agent)
	}
	return Render(c, status, views.Invitations(page, form, link, list))
}

func (a Admin) invitationList(c echo.Context) (views.InvitationList, error) {
	return a.invitationListOf(c, store.InvitationFilter{
		State:  store.InvitationState(c.QueryParam("state")),
		Search: search(c),
		After:  c.QueryParam("after"),
		Before: c.QueryParam("before"),
	})
}

func (a Admin) invitationListOf(c echo.Context, filter store.InvitationFilter) (views.InvitationList, error) {
	page, err := a.Store.Invitations(c.Request().Context(), actor(c), filter)
	return views.InvitationList{Page: page, Filter: filter}, err
}

// link leads to the portal of the invitation's role, whichever portal it was made on.
func (a Admin) link(invitation store.Invitation, token string) *views.InvitationLink {
	return &views.InvitationLink{
		Invitation: invitation,
		URL:        a.Addresses[invitation.Role] + "/signup?token=" + url.QueryEscape(token),
	}
}

// withQuery keeps the filters of the list that a row's button stood in.
func withQuery(path string, c echo.Context) string {
	if query := c.QueryParams().Encode(); query != "" {
		return path + "?" + query
	}
	return path
}

// pathID reads the id of the path. What is no id is as absent as an id of nothing.
func pathID(c echo.Context) (uuid.UUID, error) {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return id, store.ErrNotFound
	}
	return id, nil
}

// invalid returns the sentences by field where err is a *store.Invalid.
func invalid(err error) (fields map[string]string, ok bool) {
	var bad *store.Invalid
	if !errors.As(err, &bad) {
		return nil, false
	}
	return bad.Fields, true
}
