package views

import (
	"strconv"
	"strings"

	"autocrm/store"
	"autocrm/views/ui"

	"github.com/a-h/templ"
	"github.com/google/uuid"
)

// BulkChoice is what can be chosen from for many tickets at once.
type BulkChoice struct {
	Assignees []store.Assignee
	Tags      []string
	Macros    []store.Macro
}

// BulkForm is a bulk change as it was asked for.
type BulkForm struct {
	Numbers  []int64
	Whole    bool   // all that the list shows, also beyond the page
	List     string // the list's address
	Do       string
	Assignee string
	Tags     string
	Into     string
	Macro    *store.Macro // which Do names
	Sure     bool         // messages to customers are wanted
	Wrong    string
}

// asks says whether the form must be confirmed: it sends messages to customers.
func (f BulkForm) asks() bool {
	return f.Wrong == "" && f.Macro != nil && f.Macro.Reply != "" && !f.Sure
}

// tickets says of how many tickets the form is.
func (f BulkForm) tickets() string {
	if f.Whole {
		return "all tickets of the list"
	}
	return ticketCount(len(f.Numbers))
}

func ticketCount(n int) string {
	if n == 1 {
		return "1 ticket"
	}
	return Thousands(n) + " tickets"
}

// Thousands writes a number with commas, as 12,345.
func Thousands(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// ChangeWords says what a change does, as a heading: "Status Resolved, tag vip".
func ChangeWords(c store.Change) string {
	var parts []string
	if c.MacroName != "" {
		return "Macro “" + c.MacroName + "”"
	}
	switch c.Assign {
	case store.AssignMe:
		parts = append(parts, "assign to me")
	case store.AssignNobody:
		parts = append(parts, "assign to nobody")
	case store.AssignPerson:
		parts = append(parts, "assign to "+c.AssigneeName)
	}
	if c.Status != "" {
		parts = append(parts, "set status to "+c.Status.Label())
	}
	if c.Priority != "" {
		parts = append(parts, "set priority to "+c.Priority.Label())
	}
	if len(c.AddTags) > 0 {
		parts = append(parts, "add "+tagWords(c.AddTags))
	}
	if len(c.RemoveTags) > 0 {
		parts = append(parts, "remove "+tagWords(c.RemoveTags))
	}
	if c.MergeInto != 0 {
		parts = append(parts, "merge into "+hash(c.MergeInto))
	}
	if c.Reply != "" {
		parts = append(parts, "send a reply")
	}
	if c.Note != "" {
		parts = append(parts, "add a note")
	}
	words := strings.Join(parts, ", ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

func tagWords(tags []string) string {
	if len(tags) == 1 {
		return "tag " + tags[0]
	}
	return "tags " + strings.Join(tags, ", ")
}

// bulkTitle says what a bulk change does.
func bulkTitle(b store.BulkChange) string {
	if b.Undoes != nil {
		return "Undo a bulk change"
	}
	return ChangeWords(b.Change)
}

// bulkState says in one sentence how far it is.
func bulkState(b store.BulkChange) string {
	switch {
	case b.Report.Words != "":
		return b.Report.Words
	case b.State == store.BulkRunning && b.CancelRequested:
		return "Cancelling…"
	case b.State == store.BulkRunning:
		return Thousands(b.Done) + " of " + Thousands(b.Total) + " tickets"
	}
	words := "Changed " + ticketCount(b.Changed) + "."
	if b.Undoes != nil {
		words = "Set back " + ticketCount(b.Changed) + "."
	}
	if b.Refused > 0 {
		words += " " + Thousands(b.Refused) + map[bool]string{true: " not set back.", false: " refused."}[b.Undoes != nil]
	}
	if n := b.Unchanged(); n > 0 {
		words += " " + Thousands(n) + map[bool]string{true: " was so already.", false: " were so already."}[n == 1]
	}
	if b.Undoes != nil && staysWritten(b.Change) != "" {
		words += " " + staysWritten(b.Change)
	}
	if b.State == store.BulkUndone {
		words += " Undone since."
	}
	return words
}

// staysWritten says what undoing leaves as it is; "" is nothing.
func staysWritten(c store.Change) string {
	switch {
	case c.Reply != "" && c.Note != "":
		return "The replies that were sent and the notes stay."
	case c.Reply != "":
		return "The replies that were sent stay."
	case c.Note != "":
		return "The notes stay."
	}
	return ""
}

func bulkPath(id uuid.UUID, part string) string { return "/bulk/" + id.String() + part }

func bulkLive(version int64, src string) templ.Attributes { return ui.Live("bulk", version, src) }

func bulkAssignees(people []store.Assignee) []ui.Option {
	options := []ui.Option{{Value: "me", Label: "Me"}, {Value: "nobody", Label: "Nobody"}}
	for _, p := range people {
		options = append(options, ui.Option{Value: p.ID.String(), Label: p.FullName})
	}
	return options
}

func bulkStatuses() []store.Status {
	var list []store.Status
	for _, s := range store.Statuses {
		if s != store.StatusNew { // nothing becomes new
			list = append(list, s)
		}
	}
	return list
}

func sizeWords(count int) string {
	if count > store.MaxBulk {
		return "More than " + Thousands(store.MaxBulk) + " match: narrow the list to select all"
	}
	return "Select all " + Thousands(count) + " that match"
}

// backTo is the list that a form came from, or all tickets: the form's word for it may be anybody's.
func backTo(list string) string {
	for _, path := range []string{"/queue", "/my-tickets"} {
		if list == path || strings.HasPrefix(list, path+"?") {
			return list
		}
	}
	if strings.HasPrefix(list, "/tickets?") || strings.HasPrefix(list, "/views/") {
		return list
	}
	return "/tickets"
}

// selectForm is the form that the list's checkboxes belong to; "" is none.
func (l TicketList) selectForm() string {
	if l.Role.Staff() {
		return "select-bar"
	}
	return ""
}
