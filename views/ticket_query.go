package views

import (
	"net/url"
	"strings"

	"autocrm/store"
	"autocrm/views/ui"
)

// TicketQuery is what a list of tickets is asked for, as its address says it: the whole state of the list.
type TicketQuery struct {
	Path     string // the list's own: /tickets, /queue or /my-tickets
	Status   string // a status, active, any, or "": what the list shows by itself
	Priority string
	Assignee string // an id, me, none, or ""
	Age      string // one of AgeOptions
	Sort     string
	After    string
	Before   string
}

// Filtered says whether the query narrows the list, so that an empty one may only hide what there is.
func (q TicketQuery) Filtered() bool {
	return q.Status != "" || q.Priority != "" || q.Assignee != "" || q.Age != ""
}

// Href is the list's address; Rows that of its rows alone.
func (q TicketQuery) Href() string { return q.Path + q.search() }

// Rows is the address of the list's live region.
func (q TicketQuery) Rows() string { return q.Path + "/rows" + q.search() }

func (q TicketQuery) search() string {
	values := url.Values{}
	for name, value := range map[string]string{"status": q.Status, "priority": q.Priority, "assignee": q.Assignee,
		"age": q.Age, "sort": q.Sort, "after": q.After, "before": q.Before} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// page is the same list at another page; "" is the first.
func (q TicketQuery) page(after, before string) string {
	if after == "" && before == "" {
		return ""
	}
	q.After, q.Before = after, before
	return q.Href()
}

// sorted is the same list from its beginning in the order of key, or the other way round where it is that already.
func (q TicketQuery) sorted(key string) string {
	if q.Sort == key || q.Sort == "" && key == "updated" {
		key = "-" + key
	}
	q.Sort, q.After, q.Before = key, "", ""
	return q.Href()
}

// byAge says whether the list shows when tickets were made rather than when they last changed.
func (q TicketQuery) byAge() bool {
	return strings.TrimPrefix(q.Sort, "-") == "age" || q.Path == "/queue"
}

// timeKey is the sort key of the list's one column of times.
func (q TicketQuery) timeKey() string {
	if q.byAge() {
		return "age"
	}
	return "updated"
}

// column is the column that the list is sorted by, as ui.TicketList calls it.
func (q TicketQuery) column() string {
	switch key := strings.TrimPrefix(q.Sort, "-"); {
	case key == "" && q.Path == "/queue":
		return "priority"
	case key == "age" || key == "":
		return "updated"
	default:
		return key
	}
}

// direction is the order of that column as a screen reader names it.
func (q TicketQuery) direction() string {
	turned := strings.HasPrefix(q.Sort, "-")
	switch strings.TrimPrefix(q.Sort, "-") {
	case "", "updated", "priority":
		turned = !turned
	}
	if turned {
		return "descending"
	}
	return "ascending"
}

// AgeOptions are how old tickets may be asked for, by the values of the filter.
var AgeOptions = []ui.Option{
	{Value: "", Label: "Any age"},
	{Value: "1d", Label: "Last 24 hours"},
	{Value: "7d", Label: "Last 7 days"},
	{Value: "30d", Label: "Last 30 days"},
	{Value: "over-1d", Label: "Over a day old"},
	{Value: "over-7d", Label: "Over 7 days old"},
	{Value: "over-30d", Label: "Over 30 days old"},
}

func (q TicketQuery) statusOptions() []ui.Option {
	first := []ui.Option{{Value: "", Label: "Any status"}, {Value: "active", Label: "Not finished"}}
	if q.Path == "/my-tickets" {
		first = []ui.Option{{Value: "", Label: "Not finished"}, {Value: "any", Label: "Any status"}}
	}
	return append(first, ui.StatusOptions()...)
}

func (q TicketQuery) sortOptions() []ui.Option {
	options := []ui.Option{
		{Value: "", Label: "Last changed first"},
		{Value: "-updated", Label: "Longest unchanged first"},
		{Value: "age", Label: "Oldest first"},
		{Value: "-age", Label: "Newest first"},
		{Value: "priority", Label: "Most pressing first"},
		{Value: "-priority", Label: "Least pressing first"},
		{Value: "status", Label: "By status"},
		{Value: "-status", Label: "By status, last first"},
		{Value: "assignee", Label: "By assignee"},
		{Value: "-assignee", Label: "By assignee, Z to A"},
	}
	if q.Path == "/queue" {
		return []ui.Option{{Value: "", Label: "Most pressing first"}, {Value: "age", Label: "Oldest first"}, {Value: "-age", Label: "Newest first"}}
	}
	return options
}

func assigneeOptions(people []store.Assignee) []ui.Option {
	options := []ui.Option{{Value: "", Label: "Anyone"}, {Value: "me", Label: "Me"}, {Value: "none", Label: "Nobody"}}
	for _, p := range people {
		options = append(options, ui.Option{Value: p.ID.String(), Label: p.FullName})
	}
	return options
}
