package views

import (
	"net/url"
	"slices"
	"strings"

	"autocrm/store"
	"autocrm/views/ui"

	"github.com/google/uuid"
)

// TicketQuery is what a list of tickets is asked for, as its address says it: the whole state of the list.
type TicketQuery struct {
	Path    string // /tickets, or the address of a view, which says q, sort, columns and density where they are ""
	Kept    string // the id of the kept view that the list was made from; "" for none
	Q       string // what it is narrowed to
	Sort    string
	Columns string // with commas between
	Density string
	After   string
	Before  string
}

// Href is the list's address; Rows that of its rows alone.
func (q TicketQuery) Href() string { return q.Path + q.search() }

// Rows is the address of the list's live region.
func (q TicketQuery) Rows() string { return q.Path + "/rows" + q.search() }

func (q TicketQuery) search() string {
	values := url.Values{}
	if q.Path == "/tickets" { // any other address has its own
		values.Set("q", q.Q)
		values.Set("view", q.Kept)
	}
	for name, value := range map[string]string{"sort": q.Sort, "columns": q.Columns, "density": q.Density, "after": q.After, "before": q.Before} {
		values.Set(name, value)
	}
	for name := range values {
		if values.Get(name) == "" {
			values.Del(name)
		}
	}
	if len(values) == 0 {
		return ""
	}
	// What an address need not hide stays readable in it: it is passed on by hand.
	return "?" + strings.NewReplacer("%3A", ":", "%2C", ",", "%40", "@", "%3E", ">", "%2F", "/").Replace(values.Encode())
}

// Href is the list's address.
func (l TicketList) Href() string { return l.Query.Href() }

// own says whether the list is a view as its own address shows it.
func (l TicketList) own() bool { return l.Query.Path == l.View.Path }

// Sort is what the list is ordered by.
func (l TicketList) Sort() string {
	if l.Query.Sort == "" && l.own() {
		return l.View.Sort
	}
	return l.Query.Sort
}

// Density is how close its rows are; "" as the person has it everywhere.
func (l TicketList) Density() string {
	if l.Query.Density == "" && l.own() {
		return l.View.Density
	}
	return l.Query.Density
}

// page is the same list at another page; "" is the first.
func (l TicketList) page(after, before string) string {
	if after == "" && before == "" {
		return ""
	}
	l.Query.After, l.Query.Before = after, before
	return l.Href()
}

func (l TicketList) first() string {
	l.Query.After, l.Query.Before = "", ""
	return l.Href()
}

// asking is the list of another query, in the same order and look.
func (l TicketList) asking(q string) string {
	l.Query = l.explicit()
	l.Query.Q = q
	return l.Href()
}

// explicit is the list's state without the view that it is: what a form goes on from.
func (l TicketList) explicit() TicketQuery {
	q := l.Query
	q.Sort, q.Density, q.After, q.Before = l.Sort(), l.Density(), "", ""
	if l.own() {
		if q.Columns == "" {
			q.Columns = l.View.Columns
		}
		if l.View.ID != uuid.Nil {
			q.Kept = l.View.ID.String()
		}
	}
	q.Path = "/tickets"
	return q
}

// ticketColumn is a column that a list of tickets can show.
type ticketColumn struct {
	key, label string
	sort       string // the order that its head sorts by
	staff      bool
}

var ticketColumns = []ticketColumn{
	{key: "status", label: "Status", sort: "status"},
	{key: "subject", label: "Subject"},
	{key: "priority", label: "Priority", sort: "priority"},
	{key: "requester", label: "Requester", staff: true},
	{key: "assignee", label: "Assignee", sort: "assignee"},
	{key: "tags", label: "Tags", staff: true},
	{key: "created", label: "Created", sort: "age"},
	{key: "waiting", label: "Waiting since", sort: "waiting", staff: true},
	{key: "resolved", label: "Resolved", sort: "resolved"},
	{key: "updated", label: "Updated", sort: "updated"},
}

// WrongColumns says in words which column the address asks for that no list has; "" where it asks for none.
func (l TicketList) WrongColumns() string {
	for _, key := range l.chosenColumns() {
		if !slices.ContainsFunc(ticketColumns, func(c ticketColumn) bool { return c.key == key && (!c.staff || l.Role.Staff()) }) {
			return "There is no column called " + key + "."
		}
	}
	return ""
}

func (l TicketList) chosenColumns() []string {
	text := l.Query.Columns
	if text == "" && l.own() {
		text = l.View.Columns
	}
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

// Columns are the columns that the list shows, in the order of ticketColumns.
func (l TicketList) columns() []string {
	chosen := l.chosenColumns()
	if len(chosen) == 0 {
		chosen = []string{"status", "priority", "requester"}
		if !l.own() || l.View.Path != "/queue" && l.View.Path != "/my-tickets" {
			chosen = append(chosen, "assignee")
		}
		at := "updated"
		for _, c := range ticketColumns { // the time it is sorted by
			if c.sort == l.sortKey() && (c.key == "created" || c.key == "waiting" || c.key == "resolved") {
				at = c.key
			}
		}
		if l.own() && l.View.Path == "/queue" {
			at = "created"
		}
		chosen = append(chosen, at)
	}
	var keys []string
	for _, c := range ticketColumns {
		if (c.key == "subject" || slices.Contains(chosen, c.key)) && (!c.staff || l.Role.Staff()) {
			keys = append(keys, c.key)
		}
	}
	return keys
}

func (l TicketList) sortKey() string {
	key := strings.TrimPrefix(l.Sort(), "-")
	if key == "" {
		return "updated"
	}
	return key
}

// sorted is the same list from its beginning in the order of key, or the other way round where it is that already.
func (l TicketList) sorted(key string) string {
	if l.Sort() == key || l.Sort() == "" && key == "updated" {
		key = "-" + key
	}
	l.Query.Sort, l.Query.After, l.Query.Before = key, "", ""
	return l.Href()
}

// sortHref has the address of each column's order.
func (l TicketList) sortHref() map[string]string {
	keys := l.Asked.SortKeys(l.Role)
	href := map[string]string{}
	for _, c := range ticketColumns {
		if slices.Contains(keys, c.sort) {
			href[c.key] = l.sorted(c.sort)
		}
	}
	return href
}

// sortColumn is the column that the list is sorted by.
func (l TicketList) sortColumn() string {
	for _, c := range ticketColumns {
		if c.sort == l.sortKey() {
			return c.key
		}
	}
	return ""
}

// direction is the order of that column as a screen reader names it.
func (l TicketList) direction() string {
	turned := strings.HasPrefix(l.Sort(), "-")
	switch l.sortKey() {
	case "updated", "resolved", "priority":
		turned = !turned
	}
	if turned {
		return "descending"
	}
	return "ascending"
}

var sortLabels = map[string]string{
	"":          "Last changed first",
	"-updated":  "Longest unchanged first",
	"age":       "Oldest first",
	"-age":      "Newest first",
	"priority":  "Most pressing first",
	"-priority": "Least pressing first",
	"status":    "By status",
	"-status":   "By status, last first",
	"assignee":  "By assignee",
	"-assignee": "By assignee, Z to A",
	"waiting":   "Longest waiting first",
	"-waiting":  "Shortest waiting first",
	"resolved":  "Last resolved first",
	"-resolved": "First resolved first",
}

func (l TicketList) sortOptions() (options []ui.Option) {
	for _, key := range l.Asked.SortKeys(l.Role) {
		if key == "updated" {
			options = append(options, ui.Option{Value: "", Label: sortLabels[""]})
		} else {
			options = append(options, ui.Option{Value: key, Label: sortLabels[key]})
		}
		options = append(options, ui.Option{Value: "-" + key, Label: sortLabels["-"+key]})
	}
	return options
}

// AsWritten is the value of a choice that the text says in a way no choice has.
const AsWritten = "*"

// Choice is a select beside the box. It is another way to write a part of the text.
type Choice struct {
	Name    string // of the form's field
	Field   store.Field
	Unknown string // what is said of a value that is none of its own
	texts   map[string]string
}

// Choices are the selects beside the box.
var Choices = []Choice{
	{Name: "status", Field: store.FieldStatus},
	{Name: "priority", Field: store.FieldPriority},
	{Name: "assignee", Field: store.FieldAssignee},
	{Name: "tag", Field: store.FieldTag},
	{Name: "age", Field: store.FieldCreated, Unknown: "There is no such age to narrow the list to.", texts: map[string]string{
		"1d": "1d", "7d": "7d", "30d": "30d", "over-1d": ">1d", "over-7d": ">7d", "over-30d": ">30d"}},
}

// Chosen is the value that shows what q demands: "" for nothing, AsWritten for what the choice has no value for.
func (c Choice) Chosen(q store.Query) string {
	if q.Without(c.Field).String() == q.String() {
		return ""
	}
	value := q.Value(c.Field)
	if c.texts == nil && value != "" && !strings.ContainsAny(value[:1], "<>") {
		return value
	}
	for chosen, text := range c.texts {
		if text == value || "<"+text == value {
			return chosen
		}
	}
	return AsWritten
}

// Text is a chosen value as the language says it. known is false for a value that is none of the choice's.
func (c Choice) Text(value string) (text string, known bool) {
	if c.texts == nil {
		return store.Term{Field: c.Field, Values: []string{value}}.String(), true
	}
	text, known = c.texts[value]
	return string(c.Field) + ":" + text, known
}

var ageOptions = []ui.Option{
	{Value: "", Label: "Any age"},
	{Value: "1d", Label: "Last 24 hours"},
	{Value: "7d", Label: "Last 7 days"},
	{Value: "30d", Label: "Last 30 days"},
	{Value: "over-1d", Label: "Over a day old"},
	{Value: "over-7d", Label: "Over 7 days old"},
	{Value: "over-30d", Label: "Over 30 days old"},
}

// options are the values of a choice, and which of them the list shows.
func (l TicketList) options(name string) (options []ui.Option, chosen string) {
	choice := Choices[slices.IndexFunc(Choices, func(c Choice) bool { return c.Name == name })]
	switch name {
	case "status":
		options = append([]ui.Option{{Value: "", Label: "Any status"}, {Value: "active", Label: "Not finished"}}, ui.StatusOptions()...)
	case "priority":
		options = append([]ui.Option{{Value: "", Label: "Any priority"}}, ui.PriorityOptions()...)
	case "assignee":
		options = []ui.Option{{Value: "", Label: "Anyone"}, {Value: "me", Label: "Me"}, {Value: "none", Label: "Nobody"}}
		for _, p := range l.Choices.People {
			options = append(options, ui.Option{Value: p.Email, Label: p.Name})
		}
	case "tag":
		options = []ui.Option{{Value: "", Label: "Any tag"}, {Value: "none", Label: "No tag"}}
		for _, tag := range l.Choices.Tags {
			options = append(options, ui.Option{Value: tag, Label: tag})
		}
	case "age":
		options = ageOptions
	}
	chosen = choice.Chosen(l.Asked)
	if !slices.ContainsFunc(options, func(o ui.Option) bool { return o.Value == chosen }) {
		label := "As written"
		if chosen != AsWritten {
			label = chosen
		}
		options = append(slices.Clone(options), ui.Option{Value: chosen, Label: label})
	}
	return options, chosen
}
