package views

import (
	"time"

	"autocrm/views/ui"
)

// The story the samples tell: an angry customer, a file, a long subject, every status.

func sampleColumns(staff bool) []string {
	if staff {
		return []string{"status", "subject", "priority", "requester", "assignee", "tags", "updated"}
	}
	return []string{"status", "subject", "priority", "assignee", "updated"}
}

func sampleRows(now time.Time) []ui.TicketRowArgs {
	row := func(number int, subject, status, priority, requester, assignee string, age time.Duration, messages, files int) ui.TicketRowArgs {
		return ui.TicketRowArgs{Number: number, Subject: subject, Status: status, Priority: priority, Requester: requester,
			Assignee: assignee, Tags: []ui.TicketTagArgs{{Name: "billing", Hue: number % 8}}, Times: map[string]time.Time{"updated": now.Add(-age)}, Messages: messages, Files: files}
	}
	const day = 24 * time.Hour
	return []ui.TicketRowArgs{
		row(1047, "Checkout fails with “card declined” for every customer since 9:40", "new", "urgent", "Dana Whitfield", "", 2*time.Minute, 1, 2),
		row(1046, "Cannot download invoices for October", "open", "high", "Marco Bellini", "Ana Ruiz", 14*time.Minute, 4, 0),
		row(1044, "Change the owner of our workspace", "pending", "medium", "Ingrid Sørensen", "Ana Ruiz", 51*time.Minute, 6, 1),
		row(1043, "Feature question: can two people share one seat on alternate days, and if so how does the billing of the second person work in a month of change?",
			"open", "low", "Tom Okafor", "Ben Haddad", 3*time.Hour, 2, 0),
		row(1039, "Export stops at 10,000 rows", "on_hold", "medium", "Priya Natarajan", "Ben Haddad", 9*time.Hour, 11, 3),
		row(1032, "Two-factor codes arrive late", "resolved", "high", "Yuki Tanaka", "Ana Ruiz", 28*time.Hour, 5, 0),
		row(1021, "Typo on the pricing page", "closed", "low", "Dana Whitfield", "Chidi Eze", 6*day, 3, 0),
		row(1017, "Please ignore, sent twice", "cancelled", "low", "Marco Bellini", "", 40*day, 1, 0),
	}
}

func sampleFeed(now time.Time) []ui.FeedArgs {
	return []ui.FeedArgs{
		{ID: "feed-3", Who: "Dana Whitfield", What: "submitted", Number: 1047, Subject: "Checkout fails with “card declined” for every customer since 9:40", At: now.Add(-2 * time.Minute)},
		{ID: "feed-2", Who: "Ana Ruiz", What: "replied to", Number: 1046, Subject: "Cannot download invoices for October", At: now.Add(-14 * time.Minute)},
		{ID: "feed-1", Who: "Ben Haddad", What: "resolved", Number: 1032, Subject: "Two-factor codes arrive late", At: now.Add(-3 * time.Hour)},
	}
}

func sampleDays() []ui.DayCount {
	created := []int{8, 11, 9, 14, 12, 4, 3, 10, 13, 17, 12, 11, 5, 6}
	resolved := []int{7, 9, 12, 10, 13, 5, 2, 8, 12, 14, 15, 10, 6, 3}
	days := make([]ui.DayCount, len(created))
	for i := range days {
		day := time.Date(2026, 11, 10+i, 0, 0, 0, 0, time.UTC)
		days[i] = ui.DayCount{Label: day.Format("2 Jan"), A: created[i], B: resolved[i]}
	}
	return days
}

// sampleLines has a stretch in which nothing was measured, and a bad hour after it.
func sampleLines() ui.LineChartArgs {
	c := ui.LineChartArgs{
		Title: "Lag over the last day, at worst 4 s", Lines: []ui.Line{{Name: "Median"}, {Name: "99 % within"}},
		Scale: []string{"10 s", "1 s", "100 ms", "10 ms", "1 ms"}, Axis: []string{"24 h ago", "12 h ago", "now"},
		Hints: []string{"Before noon: median 3 ms", "After noon: median 5 ms"},
	}
	for i := range 72 {
		wave := float64(i*i%7) / 100
		median, most := 0.08+wave, 0.3+2*wave
		if i > 50 && i < 54 {
			median, most = 0.5, 0.9
		}
		c.Lines[0].At, c.Lines[1].At = append(c.Lines[0].At, median), append(c.Lines[1].At, most)
		c.Gaps = append(c.Gaps, i > 44 && i < 50)
	}
	return c
}

func sampleFindings() []ui.FindingArgs {
	return []ui.FindingArgs{
		{Level: "error", Where: "desk.example.com, stream", Sentence: "The proxy holds the stream back for 9 s.",
			Cause: "It collects what the app sends before it hands it on, and so each change comes late.",
			Cure:  "nginx: remove `proxy_ignore_headers X-Accel-Buffering`, or set `proxy_buffering off;` for /live."},
		{Level: "warning", Where: "help.example.com, name", Sentence: "At 192.0.2.10; certificate for 6 days more; TLS 1.3, HTTP/2.",
			Cause: "It ends on 29 November 2026, and has not been renewed.", Cure: "See why the renewal does not run."},
		{Level: "ok", Where: "files, attachments", Sentence: "Written, read and deleted in 3 ms."},
	}
}
