package views

import (
	"strconv"
	"time"

	"autocrm/store"
	"autocrm/views/ui"
)

func toneIf(wrong bool, tone string) string {
	if wrong {
		return tone
	}
	return ""
}

// oldest says how long the first of tickets has waited.
func oldest(tickets []store.Ticket) string {
	if len(tickets) == 0 {
		return "all taken"
	}
	return "oldest " + Span(time.Since(tickets[0].CreatedAt))
}

func openTickets(d store.AdminDashboard) (n int) {
	for _, s := range d.ByStatus {
		if s.Status.Active() {
			n += s.Count
		}
	}
	return n
}

func medianOf(d *time.Duration) string {
	if d == nil {
		return "–"
	}
	return Span(*d)
}

func days(in []store.Day) []ui.DayCount {
	out := make([]ui.DayCount, 0, len(in))
	for _, d := range in {
		out = append(out, ui.DayCount{Label: d.Date.Format("2 Jan"), A: d.Created, B: d.Resolved})
	}
	return out
}

func loads(in []store.Load) []ui.LoadArgs {
	out := make([]ui.LoadArgs, 0, len(in))
	for _, l := range in {
		row := ui.LoadArgs{Name: ui.PersonName(l.Name), Value: l.Active}
		if l.Urgent > 0 {
			row.Note, row.Tone = strconv.Itoa(l.Urgent)+" pressing", "warn"
		}
		out = append(out, row)
	}
	return out
}

func byStatus(in []store.StatusCount) []ui.LoadArgs {
	out := make([]ui.LoadArgs, 0, len(in))
	for _, s := range in {
		row := ui.LoadArgs{Name: ui.Status(string(s.Status)), Value: s.Count}
		if s.More {
			row.Note = "and more"
		}
		out = append(out, row)
	}
	return out
}

func feed(in []store.Recent) []ui.FeedArgs {
	out := make([]ui.FeedArgs, 0, len(in))
	for _, r := range in {
		out = append(out, ui.FeedArgs{ID: "feed-" + r.ID.String(), Who: who(r.Activity), What: did(r.Activity),
			Number: int(r.Number), Subject: r.Subject, At: r.CreatedAt})
	}
	return out
}

// did is what somebody did, so that a ticket's subject ends the sentence.
func did(a store.Activity) string {
	switch a.Type {
	case "created":
		return "submitted"
	case "comment":
		return "replied to"
	case "internal_note":
		return "wrote a note on"
	case "status_change":
		return changedTo(store.Status(a.To))
	case "priority_change":
		return "set the priority to " + a.To + " on"
	case "assignment":
		switch {
		case a.FromSelf && a.To == "":
			return "gave back"
		case a.To == "":
			return "took away from " + a.From
		case a.ToSelf:
			return "took"
		}
		return "gave " + a.To
	}
	return "changed"
}

func changedTo(s store.Status) string {
	switch s {
	case store.StatusResolved:
		return "resolved"
	case store.StatusClosed:
		return "closed"
	case store.StatusCancelled:
		return "cancelled"
	case store.StatusOnHold:
		return "put on hold"
	case store.StatusOpen:
		return "opened"
	case store.StatusPending:
		return "marked as pending"
	}
	return "marked as " + string(s)
}
