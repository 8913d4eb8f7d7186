package views

import (
	"net/url"
	"slices"
	"strings"

	"autocrm/store"
	"autocrm/views/ui"

	"github.com/google/uuid"
)

// CountedView is a view with how many tickets it has.
type CountedView struct {
	store.View
	Count store.Count
}

// Href is the view's address.
func (v CountedView) Href() string { return viewHref(v.View) }

func viewHref(v store.View) string {
	if v.Path != "" {
		return v.Path
	}
	return TicketQuery{Path: "/tickets", Q: v.Q, Sort: v.Sort}.Href()
}

// ViewBar is the views beside a list.
type ViewBar struct {
	At                   string // the address of the one that is shown
	BuiltIn, Shared, Own []CountedView
	Version              int64
}

func (b ViewBar) live() string { return "/views/list?" + url.Values{"at": {b.At}}.Encode() }

// current is the view that is shown.
func (b ViewBar) current() string {
	for _, v := range slices.Concat(b.BuiltIn, b.Shared, b.Own) {
		if v.Href() == b.At {
			return v.Name
		}
	}
	return "Views"
}

// At is the address of the view that the list is: a kept one, one that every desk has, or none.
func (l TicketList) At() string {
	if l.own() {
		if l.View.Path == "/tickets" && l.Query.Q != "" {
			return l.builtIn()
		}
		return l.View.Path
	}
	if l.Query.Kept != "" {
		return "/views/" + l.Query.Kept
	}
	return l.builtIn()
}

func (l TicketList) builtIn() string {
	for _, v := range store.BuiltInViews {
		if v.Q != "" && v.Q == l.Query.Q && v.Path == "" {
			return viewHref(v)
		}
	}
	return ""
}

// kept is the view that the list is of, or was made from.
func (l TicketList) kept() store.View {
	if l.View.ID != uuid.Nil {
		return l.View
	}
	return l.KeptView
}

// changed says whether the list is another one by now than the view that it was made from.
func (l TicketList) changed() bool {
	kept, now := l.kept(), l.explicit()
	return kept.ID != uuid.Nil && (kept.Q != now.Q || kept.Sort != now.Sort || kept.Columns != now.Columns || kept.Density != now.Density)
}

// ViewForm is the form of a view that is kept or changed.
type ViewForm struct {
	View   store.View
	Mine   bool
	Errors map[string]string
}

func (f ViewForm) action() string {
	if f.View.ID == uuid.Nil {
		return "/views"
	}
	return f.View.Path
}

func (f ViewForm) title() string {
	if f.View.ID == uuid.Nil {
		return "Save as a view"
	}
	return "Change the view"
}

func allSortOptions() (options []ui.Option) {
	for _, key := range []string{"", "-updated", "age", "-age", "priority", "-priority", "status", "-status", "assignee", "-assignee", "waiting", "-waiting", "resolved", "-resolved"} {
		options = append(options, ui.Option{Value: key, Label: sortLabels[key]})
	}
	return options
}

var densityOptions = []ui.Option{{Value: "", Label: "As I have it everywhere"}, {Value: "comfortable", Label: "Comfortable"}, {Value: "compact", Label: "Compact"}}

func shows(columns, key string) bool { return slices.Contains(strings.Split(columns, ","), key) }
