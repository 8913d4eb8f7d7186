package views

import (
	"net/url"
	"strconv"
	"time"

	"autocrm/store"
	"autocrm/views/ui"

	"github.com/a-h/templ"
)

// roleOptions offers the roles as one invites: agents most often.
func roleOptions() []ui.Option {
	return []ui.Option{{Value: "agent", Label: "Agent"}, {Value: "admin", Label: "Admin"}, {Value: "client", Label: "Client"}}
}

// describedBy ties a button of a row to the row's name: alone it says only what, not to whom.
func describedBy(row string) templ.Attributes {
	return templ.Attributes{"aria-describedby": row + "-name"}
}

// query writes the fields that are not empty, sorted by name, with the "?" before them.
func query(fields map[string]string) string {
	values := url.Values{}
	for name, value := range fields {
		if value != "" {
			values.Set(name, value)
		}
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// pageHref is a neighbour's address, or "" where the list ends.
func pageHref(path, query, key string) string {
	if key == "" {
		return ""
	}
	return path + query
}

func invitationQuery(f store.InvitationFilter, after, before string) string {
	return query(map[string]string{"state": string(f.State), "q": f.Search, "after": after, "before": before})
}

func invitationTabs(f store.InvitationFilter) []ui.TabLink {
	tabs := []ui.TabLink{{Label: "All", Href: "/invitations", Current: f.State == ""}}
	for _, state := range store.InvitationStates {
		tabs = append(tabs, ui.TabLink{Label: state.Label(), Href: "/invitations?state=" + string(state), Current: f.State == state})
	}
	return tabs
}

func invitationTone(s store.InvitationState) string {
	return map[store.InvitationState]string{store.InvitationOpen: "accent", store.InvitationAccepted: "ok"}[s]
}

// stillToUse says whether there is a link to wait for, or to make anew.
func stillToUse(i store.Invitation) bool { return i.AcceptedAt == nil && i.RevokedAt == nil }

// inviter names who invited; the system itself has no name.
func inviter(i store.Invitation) string {
	if i.InviterName == "" {
		return "The system"
	}
	return i.InviterName
}

func invitedAddress(i store.Invitation) string {
	if i.Unaddressed() {
		return "Whoever is the first admin"
	}
	return i.Email
}

// invitationEnd is when the invitation was used or revoked; zero, which shows nothing, where neither happened.
func invitationEnd(i store.Invitation) (at time.Time) {
	switch i.State() {
	case store.InvitationAccepted:
		at = *i.AcceptedAt
	case store.InvitationRevoked:
		at = *i.RevokedAt
	}
	return at
}

func userRowID(u store.User) string { return "user-" + u.ID.String() }

func invitationRowID(i store.Invitation) string { return "invitation-" + i.ID.String() }

func userPath(u store.User) string { return "/users/" + u.ID.String() }

func userQuery(f store.UserFilter, after, before string) string {
	state := ""
	if f.Inactive {
		state = "inactive"
	}
	return query(map[string]string{"role": string(f.Role), "state": state, "q": f.Search, "after": after, "before": before})
}

func userTabs(f store.UserFilter) []ui.TabLink {
	return []ui.TabLink{
		{Label: "Everybody", Href: "/users", Current: f.Role == "" && !f.Inactive},
		{Label: "Admins", Href: "/users?role=admin", Current: f.Role == store.Admin && !f.Inactive},
		{Label: "Agents", Href: "/users?role=agent", Current: f.Role == store.Agent && !f.Inactive},
		{Label: "Clients", Href: "/users?role=client", Current: f.Role == store.Client && !f.Inactive},
		{Label: "Deactivated", Href: "/users?state=inactive", Current: f.Inactive},
	}
}

// Both topics: a person changes, or a ticket that counts among their open ones.
const peopleTrigger = "live:users from:body, live:tickets from:body"

func userRegion(l UserList) templ.Attributes {
	attrs := ui.Live("users", l.Page.Version, "/users/list"+userQuery(l.Filter, l.Filter.After, l.Filter.Before))
	attrs["hx-trigger"] = peopleTrigger
	return attrs
}

func userFactsRegion(v UserView) templ.Attributes {
	attrs := ui.Live("users", v.Version, userPath(v.User)+"/facts")
	attrs["hx-trigger"] = peopleTrigger
	return attrs
}

func roleHint(v UserView) string {
	if v.Self {
		return "This is you. As anything but an admin you cannot come back to this portal."
	}
	return "It holds from their next click, and decides which portal is theirs."
}

func giveBackWords(u store.User) string {
	if u.OpenTickets == 1 {
		return "the open ticket goes back to the queue"
	}
	return "the " + strconv.Itoa(u.OpenTickets) + " open tickets go back to the queue"
}
