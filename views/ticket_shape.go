package views

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"autocrm/store"
	"autocrm/views/ui"

	"github.com/a-h/templ"
	"github.com/google/uuid"
)

// ActForm is a small form of a ticket's page as it came back: what was typed, and by field what is wrong with it.
type ActForm struct {
	Values url.Values
	Errors map[string]string
}

// act is the form of that name as it came back, or an empty one.
func (v TicketView) act(name string) ActForm { return v.Acts[name] }

// typed is what a field of it holds.
func (f ActForm) typed(field, otherwise string) string {
	if f.Values.Has(field) {
		return f.Values.Get(field)
	}
	return otherwise
}

// wrong is what is the matter with a field; the first field says what is the matter with the form as a whole.
func (f ActForm) wrong(field string) string { return f.Errors[field] }

func (f ActForm) whole(field string) string {
	if f.Errors[field] != "" {
		return f.Errors[field]
	}
	return f.Errors[""]
}

// actLine is the line of a form that opens.
func (v TicketView) actLine(name, label, icon, key string) ui.ActArgs {
	return ui.ActArgs{ID: "act-" + name, Label: label, Icon: icon, Key: key, Open: len(v.act(name).Errors) > 0, Done: v.Done == name}
}

// formID makes a form's second sending harmless. What was typed keeps the id that it came with; no two forms share one.
func (v TicketView) formID(name string) string {
	return v.act(name).typed("id", uuid.NewSHA1(v.Fresh, []byte(name)).String())
}

func ticketTags(tags []store.TicketTag) []ui.TicketTagArgs {
	out := make([]ui.TicketTagArgs, len(tags))
	for i, t := range tags {
		out[i] = ui.TicketTagArgs{Name: t.Name, Hue: t.Hue}
	}
	return out
}

func tagOptions(names []string) []ui.Option {
	out := make([]ui.Option, len(names))
	for i, name := range names {
		out[i] = ui.Option{Value: name}
	}
	return out
}

// otherOptions suggests the client's other tickets.
func (v TicketView) otherOptions() []ui.Option {
	var out []ui.Option
	for _, t := range v.Desk.Others {
		out = append(out, ui.Option{Value: "#" + strconv.FormatInt(t.Number, 10), Label: t.Subject + ", " + t.Status.Label()})
	}
	return out
}

// colleagues are whom a ticket can be forwarded to.
func (v TicketView) colleagues() []ui.Option {
	out := []ui.Option{{Label: "Choose a colleague"}}
	for _, p := range v.Assignees {
		if p.ID != v.Viewer.UserID {
			out = append(out, ui.Option{Value: p.ID.String(), Label: p.FullName})
		}
	}
	return out
}

func roleChoices() []ui.Option {
	var out []ui.Option
	for _, role := range store.LinkRoles {
		out = append(out, ui.Option{Value: string(role), Label: role.Label()})
	}
	return out
}

func (v TicketView) follows() bool {
	for _, f := range v.Desk.Followers {
		if f.ID == v.Viewer.UserID {
			return true
		}
	}
	return false
}

// followers names them; the viewer first, as You.
func (v TicketView) followers() string {
	var names []string
	if v.follows() {
		names = append(names, "You")
	}
	for _, f := range v.Desk.Followers {
		if f.ID != v.Viewer.UserID {
			names = append(names, f.FullName)
		}
	}
	if more := len(names) - 4; more > 0 {
		return strings.Join(names[:4], ", ") + " and " + strconv.Itoa(more) + " more"
	}
	return strings.Join(names, ", ")
}

// untilAnswer says whether a sleep ends by the client's answer alone.
func untilAnswer(t time.Time) bool { return !t.Before(store.SnoozeUntilAnswer) }

// asleepWords says until when a ticket of a list sleeps.
func asleepWords(until time.Time) string {
	if untilAnswer(until) {
		return "Asleep until the customer answers"
	}
	return "Asleep until " + until.UTC().Format("2 Jan 2006, 15:04 UTC")
}

func ticketNumberPath(number int64) string { return "/tickets/" + strconv.FormatInt(number, 10) }

func hash(number int64) string { return "#" + strconv.FormatInt(number, 10) }

// splitSubject proposes a subject for a message that becomes a ticket: its first line.
func splitSubject(a store.Activity) string {
	line, _, _ := strings.Cut(strings.TrimSpace(strings.TrimLeft(a.Content, "#>*- \n")), "\n")
	if words := []rune(line); len(words) > 80 {
		return strings.TrimSpace(string(words[:79])) + "…"
	}
	return strings.TrimSpace(line)
}

// maySplit says whether the entry is a message that can become a ticket of its own.
func (v TicketView) maySplit(a store.Activity) bool {
	return v.staff() && a.Type == "comment" && a.UserID != nil && *a.UserID == v.ticket().ClientID
}

// messageMenu is what can be done with a message, or nil.
func (v TicketView) messageMenu(a store.Activity) templ.Component {
	if v.maySplit(a) {
		return splitMenu(v, a)
	}
	return nil
}

// tagged says which tags an entry is about.
func tagged(a store.Activity) string {
	names := a.Details.Added
	if len(names) == 0 {
		names = a.Details.Removed
	}
	return strings.Join(names, ", ")
}

func taggedWhat(a store.Activity) string {
	what := "added the tag"
	if len(a.Details.Added) == 0 {
		what = "removed the tag"
	}
	if len(a.Details.Added)+len(a.Details.Removed) > 1 {
		what += "s"
	}
	return what
}

func snoozedWhat(a store.Activity) string {
	switch {
	case a.Details.Woke && a.UserID == nil:
		return "woke the ticket: its time has come"
	case a.Details.Woke:
		return "woke the ticket"
	case a.Details.UntilAnswer:
		return "put the ticket to sleep until the customer answers"
	}
	return "put the ticket to sleep until"
}

func linkedWhat(a store.Activity) string {
	link := store.TicketLink{Kind: a.Details.Kind, Outward: a.Details.Outward}
	if a.Details.Undone {
		return "removed the link “" + strings.ToLower(link.Label()) + "”"
	}
	return "linked the ticket as “" + strings.ToLower(link.Label()) + "”"
}

func mergedWhat(a store.Activity) string {
	switch d := a.Details; {
	case d.Outward && d.Undone:
		return "took this ticket out of"
	case d.Outward:
		return "merged this ticket into"
	case d.Undone:
		return "put what came from another ticket back into"
	}
	return "merged into this ticket all of"
}

func splitWhat(a store.Activity) string {
	if a.Details.Outward {
		return "made a message a ticket of its own:"
	}
	return "made this ticket of a message on"
}

func timeWhat(a store.Activity) string {
	words := "spent " + store.FormatMinutes(a.Details.Minutes)
	if a.Content != "" {
		words += ": " + a.Content
	}
	return words
}
