package views

import (
	"net/url"
	"strconv"

	"autocrm/store"
)

// PaletteGroup is one kind of what the palette found.
type PaletteGroup struct {
	ID    string        `json:"id"`
	Name  string        `json:"name"`
	Items []PaletteItem `json:"items"`
}

// PaletteItem leads somewhere.
type PaletteItem struct {
	Label string `json:"label"`
	Hint  string `json:"hint"`
	Href  string `json:"href"`
}

// PaletteGroups puts what was found into words and addresses.
func PaletteGroups(found store.Found) []PaletteGroup {
	tickets := PaletteGroup{ID: "tickets", Name: "Tickets", Items: []PaletteItem{}}
	for _, t := range found.Tickets {
		number := strconv.FormatInt(t.Number, 10)
		tickets.Items = append(tickets.Items, PaletteItem{Label: t.Subject, Hint: "#" + number + " · " + t.Status.Label() + " · " + t.ClientName, Href: "/tickets/" + number})
	}
	people := PaletteGroup{ID: "people", Name: "People", Items: []PaletteItem{}}
	for _, p := range found.People {
		whose := "from:"
		if p.Role.Staff() {
			whose = "assignee:"
		}
		people.Items = append(people.Items, PaletteItem{Label: p.FullName, Hint: p.Email, Href: "/tickets?" + url.Values{"q": {whose + p.Email}}.Encode()})
	}
	kept := PaletteGroup{ID: "views", Name: "Views", Items: []PaletteItem{}}
	for _, v := range found.Views {
		kept.Items = append(kept.Items, PaletteItem{Label: v.Name, Href: "/views/" + v.ID.String()})
	}
	return []PaletteGroup{kept, tickets, people}
}
