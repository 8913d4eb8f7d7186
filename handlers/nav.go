package handlers

import (
	"slices"

	"autocrm/store"
	"autocrm/views"
)

// navs are the places of each portal, as its header shows them.
var navs = map[store.Role][]views.NavItem{
	store.Client: {
		{Label: "Dashboard", Href: "/", Icon: "home", Key: "g d"},
		{Label: "Tickets", Href: "/tickets", Icon: "ticket", Key: "g t"},
		{Label: "New ticket", Href: "/tickets/new", Icon: "plus", Key: "c"},
	},
	store.Agent: {
		{Label: "Dashboard", Href: "/", Icon: "home", Key: "g d"},
		{Label: "Queue", Href: "/queue", Icon: "queue", Key: "g q"},
		{Label: "My tickets", Href: "/my-tickets", Icon: "mine", Key: "g m"},
		{Label: "All tickets", Href: "/tickets", Icon: "ticket", Key: "g t"},
		{Label: "Tags", Href: "/tags", Icon: "tag", Key: "g l"},
		{Label: "Macros", Href: "/macros", Icon: "edit", Key: "g r"},
	},
	store.Admin: {
		{Label: "Overview", Href: "/", Icon: "home", Key: "g o"},
		{Label: "Tickets", Href: "/tickets", Icon: "ticket", Key: "g t"},
		{Label: "Tags", Href: "/tags", Icon: "tag", Key: "g l"},
		{Label: "Macros", Href: "/macros", Icon: "edit", Key: "g r"},
		{Label: "Users", Href: "/users", Icon: "people", Key: "g u"},
		{Label: "Invitations", Href: "/invitations", Icon: "invitation", Key: "g i"},
		{Label: "Health", Href: "/health", Icon: "activity", Key: "g h"},
	},
}

func navOf(role store.Role) []views.NavItem {
	return append(slices.Clip(navs[role]),
		views.NavItem{Label: "Account", Href: "/account", Icon: "person", Key: "g a"})
}
