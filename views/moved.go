package views

import (
	"strings"

	"autocrm/store"

	"github.com/a-h/templ"
)

// seen is how far the timeline goes that the page shows.
func (v TicketView) seen() int64 {
	if n := len(v.Thread.Activities); n > 0 {
		return v.Thread.Activities[n-1].Position
	}
	return 0
}

// news is where an entry stands that a writer should have seen before answering: others' words. 0 is no news.
func (v TicketView) news(a store.Activity) int64 {
	if !v.staff() || !Said(a) || a.UserID != nil && *a.UserID == v.Viewer.UserID {
		return 0
	}
	return a.Position
}

// Said says whether the entry is words rather than a change.
func Said(a store.Activity) bool { return a.Type == "comment" || a.Type == "internal_note" }

// movedOn is what stands above a message that was refused because the thread has moved on, or nil.
func movedOn(form MessageForm) templ.Component {
	if form.News == nil {
		return nil
	}
	return MovedOn(form.News)
}

// meanwhile says who wrote, each once.
func meanwhile(news []store.Activity) string {
	var names []string
	said := map[string]bool{}
	for _, a := range news {
		if name := who(a); !said[name] {
			said[name], names = true, append(names, name)
		}
	}
	switch n := len(names); n {
	case 0:
		return "Somebody wrote while you were writing."
	case 1:
		return names[0] + " wrote while you were writing."
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1] + " wrote while you were writing."
	}
}
