package views

import (
	"fmt"
	"strconv"
	"time"

	"autocrm/store"
	"autocrm/views/ui"

	"github.com/a-h/templ"
	"github.com/google/uuid"
)

// TicketView is what the page of one ticket shows to Viewer.
type TicketView struct {
	Viewer    store.Actor
	Thread    store.Thread
	Before    int64            // where not 0: the part of the timeline before this position is shown
	Assignees []store.Assignee // for staff: who can be given the ticket
	Reply     MessageForm
	Note      MessageForm
	Tab       string // "note" where the note came back
	Changed   PropertyForms
	Desk      store.Desk         // for staff: what stands beside the ticket
	Acts      map[string]ActForm // the small forms that came back
	Done      string             // the one that was just done
	Found     []store.Ticket     // what the words of the form that came back may mean
	Fresh     uuid.UUID          // a new id for a form
	Present   Presences          // for staff: who else is here
	Customer  CustomerView       // for staff: who asks
	NoteBack  *CustomerNoteForm  // a note about the customer that came back
	Writing   store.Writing      // for staff: drafts, and replies on their way
	Hold      bool               // a reply that is sent can be taken back for a moment
	TooLate   string             // why a reply that is on its way could not be taken back
	Refused   string             // why what was asked for was not done, where no field stands for it
}

// MessageForm is a reply or a note as it is being written. Errors are by field, "" for the form as a whole.
type MessageForm struct {
	ID     uuid.UUID
	Text   string
	Errors map[string]string
	Then   store.Status
	Files  []store.DraftFile  // of the draft
	Kept   map[uuid.UUID]bool // which of them go with it; nil: all
	News   []store.Activity   // what others wrote meanwhile, for which it was refused
}

// PropertyForms are the choices that came back because they could not be made; an empty Error is none.
type PropertyForms struct{ Status, Priority, Assignee PropertyForm }

// PropertyForm is one of them.
type PropertyForm struct{ Choice, Error string }

func (v TicketView) ticket() store.Ticket { return v.Thread.Ticket }

func (v TicketView) staff() bool { return v.Viewer.Role.Staff() }

func (v TicketView) number() string { return strconv.FormatInt(v.Thread.Ticket.Number, 10) }

// path is the address of a part of the ticket.
func (v TicketView) path(part string) string { return "/tickets/" + v.number() + part }

func (v TicketView) topic() string { return "ticket-" + v.number() }

// live makes a part of the page a region of its own.
func (v TicketView) live(part string) templ.Attributes {
	return ui.Live(v.topic(), v.ticket().Version, v.path(part))
}

// timelineSrc keeps an older part of the timeline where it is.
func (v TicketView) timelineSrc() string {
	if v.Before > 0 {
		return "/timeline?before=" + strconv.FormatInt(v.Before, 10)
	}
	return "/timeline"
}

func (v TicketView) composer() ui.ComposerArgs {
	args := ui.ComposerArgs{
		Ticket:      int(v.ticket().Number),
		ReplyAction: v.path("/replies"),
		ReplyID:     v.Reply.ID.String(),
		Reply:       ui.FieldArgs{Value: v.Reply.Text, Error: v.Reply.wrong("body"), Placeholder: "Write to us…"},
		ReplyFiles:  ui.FieldArgs{Error: v.Reply.Errors["files"]},
		Tab:         v.Tab,
		Preview:     "/preview",
		Live:        true,
	}
	if v.staff() {
		args.Reply.Placeholder = "Write to the customer…"
		args.NoteAction = v.path("/notes")
		args.NoteID = v.Note.ID.String()
		args.Note = ui.FieldArgs{Value: v.Note.Text, Error: v.Note.wrong("body")}
		args.NoteFiles = ui.FieldArgs{Error: v.Note.Errors["files"]}
		args.Seen = strconv.FormatInt(v.seen(), 10)
		args.Templates = templateMenu(v.path("/templates"))
		args.Drafts, args.Colleagues = v.path("/drafts"), "/colleagues"
		args.ReplyKept, args.NoteKept = v.Reply.kept(), v.Note.kept()
		args.Then, args.ThenChosen = thenOptions(), string(v.Reply.Then)
		if v.Hold {
			args.Hold = strconv.Itoa(int(store.HoldTime.Seconds()))
		}
		args.ReplyNews, args.NoteNews = movedOn(v.Reply), movedOn(v.Note)
	}
	return args
}

// WithDrafts puts what is being written into the forms.
func (v TicketView) WithDrafts() TicketView {
	reply, note := v.Writing.Drafts[store.ReplyDraft], v.Writing.Drafts[store.NoteDraft]
	v.Reply.Text, v.Reply.Files, v.Reply.Then = reply.Content, reply.Files, reply.ThenStatus
	v.Note.Text, v.Note.Files = note.Content, note.Files
	if reply.Content == "" && note.Content != "" && v.Tab == "" {
		v.Tab = "note"
	}
	return v
}

func (f MessageForm) kept() (files []ui.KeptFile) {
	for _, file := range f.Files {
		files = append(files, ui.KeptFile{ID: file.ID.String(), Name: file.FileName, Size: file.Size, Dropped: f.Kept != nil && !f.Kept[file.ID]})
	}
	return files
}

// thenOptions are the statuses that can go with a reply, whatever the ticket has just now: the page moves on, and the
// form is not swapped while somebody writes in it.
func thenOptions() (options []ui.Option) {
	for _, s := range []store.Status{store.StatusOpen, store.StatusPending, store.StatusOnHold, store.StatusResolved, store.StatusClosed} {
		options = append(options, ui.Option{Value: string(s), Label: s.Label()})
	}
	return options
}

func (f MessageForm) wrong(field string) string {
	if f.Errors[field] != "" {
		return f.Errors[field]
	}
	return f.Errors[""]
}

func (v TicketView) status() ui.PropertyArgs {
	options := []ui.Option{{Value: string(v.ticket().Status), Label: v.ticket().Status.Label()}}
	for _, next := range v.ticket().Status.Next(v.Viewer.Role) {
		options = append(options, ui.Option{Value: string(next), Label: next.Label()})
	}
	return v.property("Status", "status", "/status", string(v.ticket().Status), v.Changed.Status, options, "")
}

func (v TicketView) priority() ui.PropertyArgs {
	return v.property("Priority", "priority", "/priority", string(v.ticket().Priority), v.Changed.Priority, ui.PriorityOptions(), "")
}

func (v TicketView) assignee() ui.PropertyArgs {
	seen := ""
	if v.ticket().AgentID != nil {
		seen = v.ticket().AgentID.String()
	}
	options, listed := []ui.Option{{Value: "", Label: "Nobody"}}, seen == ""
	for _, p := range v.Assignees {
		listed = listed || p.ID.String() == seen
		options = append(options, ui.Option{Value: p.ID.String(), Label: fmt.Sprintf("%s, %d open", p.FullName, p.OpenTickets)})
	}
	if !listed {
		// Deactivated since: they keep the ticket until somebody else gets it.
		options = append(options, ui.Option{Value: seen, Label: v.ticket().AgentName + ", no longer active"})
	}
	return v.property("Assignee", "assignee", "/assignment", seen, v.Changed.Assignee, options, "a")
}

func (v TicketView) property(label, name, part, seen string, back PropertyForm, options []ui.Option, key string) ui.PropertyArgs {
	args := ui.PropertyArgs{
		Action: v.path(part),
		Button: "Set",
		Field:  ui.FieldArgs{Label: label, Name: name, ID: "prop-" + name, Value: seen, Error: back.Error},
		Seen:   seen,
		Choice: options,
		Live:   true,
	}
	if back.Error != "" {
		args.Dirty, args.Field.Value = back.Choice != seen, back.Choice
	}
	if key != "" {
		args.Field.Attrs = templ.Attributes{"data-key": key}
	}
	return args
}

func (v TicketView) facts() []ui.Fact {
	t := v.ticket()
	var facts []ui.Fact
	if v.Viewer.Role == store.Client {
		with := ui.Text("Nobody yet")
		if t.AgentName != "" {
			with = ui.PersonName(t.AgentName)
		} else if t.AgentID != nil {
			with = ui.Text("Our team")
		}
		facts = append(facts, ui.Fact{Label: "With", Value: with})
	}
	if v.Desk.Minutes > 0 {
		facts = append(facts, ui.Fact{Label: "Time spent", Value: ui.Text(store.FormatMinutes(v.Desk.Minutes))})
	}
	if len(v.Desk.Followers) > 0 {
		facts = append(facts, ui.Fact{Label: "Followed by", Value: ui.Text(v.followers())})
	}
	facts = append(facts, ui.Fact{Label: "Created", Value: ui.ExactTime(t.CreatedAt)})
	if t.FirstResponseAt != nil {
		facts = append(facts, ui.Fact{Label: "First answer", Value: ui.Text("after " + Span(t.FirstResponseAt.Sub(t.CreatedAt)))})
	}
	if t.ResolvedAt != nil {
		facts = append(facts, ui.Fact{Label: "Resolved", Value: ui.ExactTime(*t.ResolvedAt)})
	}
	if t.ClosedAt != nil {
		facts = append(facts, ui.Fact{Label: map[bool]string{true: "Cancelled", false: "Closed"}[t.Status == store.StatusCancelled], Value: ui.ExactTime(*t.ClosedAt)})
	}
	return facts
}

// turn says what answering does now, or that it does nothing; closed is whether no reply is taken.
func (v TicketView) turn() (words string, closed bool) {
	status := v.ticket().Status
	_, open := status.AfterReply(v.Viewer.Role)
	switch {
	case v.ticket().MergedInto != 0:
		return "", true
	case !open && v.staff():
		return "This ticket is " + lower(status) + ". Set its status to Open to reply; notes are always possible.", true
	case !open:
		return "This ticket is " + lower(status) + "; it takes no more replies. If you need us again, submit a new one.", true
	case v.staff():
		return "", false
	case status == store.StatusPending:
		return "We wait for your answer.", false
	case status == store.StatusResolved:
		return "This ticket is resolved. If something is missing, reply: that opens it again.", false
	}
	return "", false
}

func lower(s store.Status) string {
	if s == store.StatusOnHold {
		return "on hold"
	}
	return string(s)
}

// Span writes a length of time for people, in its largest fitting unit.
func Span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return fmt.Sprintf("%.1f h", d.Hours())
	}
	return fmt.Sprintf("%.1f d", d.Hours()/24)
}
