package views

import (
	"regexp"
	"strconv"
	"strings"

	"autocrm/store"
	"autocrm/views/ui"

	"github.com/google/uuid"
)

// macroWords says what a macro does, in a few words.
func macroWords(m store.Macro) string {
	change := m.Change()
	change.MacroName = ""
	words := ChangeWords(change)
	if m.Assign == store.AssignPerson && m.AssigneeName == "" {
		words = strings.Replace(words, "to ,", "to somebody,", 1)
	}
	return words
}

// MacroForm is a macro as it is being written.
type MacroForm struct {
	Viewer    store.Actor
	Macro     store.Macro
	Assignees []store.Assignee
	Tags      []string
	Errors    map[string]string
}

// mine says whether the viewer may change it.
func (f MacroForm) mine() bool { return f.Macro.ID == uuid.Nil || f.Macro.MayChange(f.Viewer) }

func (f MacroForm) action() string {
	if f.Macro.ID == uuid.Nil {
		return "/macros"
	}
	return macroPath(f.Macro, "")
}

func macroPath(m store.Macro, part string) string { return "/macros/" + m.ID.String() + part }

func (f MacroForm) assignee() string {
	if f.Macro.Assign == store.AssignPerson && f.Macro.AssigneeID != nil {
		return f.Macro.AssigneeID.String()
	}
	return string(f.Macro.Assign)
}

func (f MacroForm) assignees() []ui.Option {
	options := append([]ui.Option{{Value: "", Label: "As it is"}}, bulkAssignees(f.Assignees)...)
	chosen := f.assignee()
	for _, o := range options {
		if o.Value == chosen {
			return options
		}
	}
	return append(options, ui.Option{Value: chosen, Label: f.Macro.AssigneeName + ", no longer active"})
}

func macroStatuses() []ui.Option {
	options := []ui.Option{{Value: "", Label: "As it is"}}
	for _, s := range bulkStatuses() {
		options = append(options, ui.Option{Value: string(s), Label: s.Label()})
	}
	return options
}

func macroPriorities() []ui.Option {
	return append([]ui.Option{{Value: "", Label: "As it is"}}, ui.PriorityOptions()...)
}

// MacroChoice is what can be done to one ticket, and what the person sees of it.
type MacroChoice struct {
	Thread store.Thread
	Macros []store.Macro
}

// usable are those that do more than a message would.
func (c MacroChoice) usable() (macros []store.Macro) {
	for _, m := range c.Macros {
		if !m.WritesOnly() || m.Note != "" {
			macros = append(macros, m)
		}
	}
	return macros
}

func (c MacroChoice) path(part string) string {
	return "/tickets/" + strconv.FormatInt(c.Thread.Ticket.Number, 10) + part
}

func (c MacroChoice) seen() (status, priority, assignee, position string) {
	t := c.Thread.Ticket
	if t.AgentID != nil {
		assignee = t.AgentID.String()
	}
	if n := len(c.Thread.Activities); n > 0 {
		position = strconv.FormatInt(c.Thread.Activities[n-1].Position, 10)
	}
	return string(t.Status), string(t.Priority), assignee, position
}

// templateText is what a template puts into the message.
func templateText(m store.Macro, internal bool) string {
	if internal {
		return m.Note
	}
	return m.Reply
}

// escaped is a sign that Markdown is told to show as it is.
var escaped = regexp.MustCompile(`\\([[:punct:]])`)

// firstWords is the beginning of a text on one line.
func firstWords(text string) string {
	line := []rune(strings.Join(strings.Fields(escaped.ReplaceAllString(text, "$1")), " "))
	if len(line) > 100 {
		return string(line[:99]) + "…"
	}
	return string(line)
}

var noUUID uuid.UUID

func timesWords(n int64) string {
	switch n {
	case 0:
		return "Never"
	case 1:
		return "Once"
	}
	return Thousands(int(n)) + " times"
}
