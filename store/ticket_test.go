package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
)

// submit makes a ticket of client's and returns its number.
func submit(t testing.TB, db *storetest.DB, client store.Actor, subject string) int64 {
	t.Helper()
	number, err := db.Store.Submit(context.Background(), client, store.NewTicket{
		ID: uuid.New(), Subject: subject, Description: "It does not work.", Priority: store.PriorityMedium,
	})
	if err != nil {
		t.Fatalf("submit %q: %v", subject, err)
	}
	return number
}

func message(body string) store.Message { return store.Message{ID: uuid.New(), Body: body} }

func TestTicketFromSubmissionToReopening(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	agent := db.Person(t, store.Agent, "ana@example.com")

	number := submit(t, db, client, "  Printer \n on fire ")
	if number != 1001 {
		t.Errorf("first number is %d, want 1001", number)
	}
	steps := []struct {
		name string
		do   func() error
		want store.Status
	}{
		{"take", func() error { return db.Store.Take(ctx, agent, number) }, store.StatusOpen},
		{"reply", func() error { return db.Store.Reply(ctx, agent, number, message("Which one?")) }, store.StatusOpen},
		{"pending", func() error {
			return db.Store.ChangeStatus(ctx, agent, number, store.StatusOpen, store.StatusPending)
		}, store.StatusPending},
		{"answer", func() error { return db.Store.Reply(ctx, client, number, message("The red one.")) }, store.StatusOpen},
		{"resolve", func() error {
			return db.Store.ChangeStatus(ctx, agent, number, store.StatusOpen, store.StatusResolved)
		}, store.StatusResolved},
		{"reopen by answering", func() error { return db.Store.Reply(ctx, client, number, message("It burns again.")) }, store.StatusOpen},
		{"cancel", func() error { return db.Store.Cancel(ctx, client, number) }, store.StatusCancelled},
	}
	for _, step := range steps {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		ticket, err := db.Store.Ticket(ctx, agent, number)
		if err != nil {
			t.Fatal(err)
		}
		if ticket.Status != step.want {
			t.Errorf("after %s the status is %s, want %s", step.name, ticket.Status, step.want)
		}
	}
	thread, err := db.Store.Thread(ctx, client, number, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range thread.Activities {
		got = append(got, fmt.Sprintf("%s %s %s>%s", a.UserName, a.Type, a.From, a.To))
	}
	want := "Cleo created >|Ana status_change new>open|Ana assignment >Ana|Ana comment >|Ana status_change open>pending|" +
		"Cleo comment >|Cleo status_change pending>open|Ana status_change open>resolved|Cleo comment >|" +
		"Cleo status_change resolved>open|Cleo status_change open>cancelled"
	if strings.Join(got, "|") != want {
		t.Errorf("timeline:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.ReplaceAll(want, "|", "\n"))
	}
	if thread.Ticket.Subject != "Printer on fire" || thread.Ticket.FirstResponseAt == nil || thread.Ticket.ClosedAt == nil {
		t.Errorf("ticket: %+v", thread.Ticket)
	}
}

func TestNoteIsNotEvenAGapForTheClient(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	agent := db.Person(t, store.Agent, "ana@example.com")
	number := submit(t, db, client, "Printer")
	before, _ := db.Store.Thread(ctx, client, number, 0)
	lists, _ := db.Store.ListVersion(ctx, client)
	staff, _ := db.Store.TicketVersion(ctx, agent, number)

	up, err := db.Store.Upload(ctx, "secret.txt", strings.NewReader("the customer never pays"))
	if err != nil {
		t.Fatal(err)
	}
	note := store.Message{ID: uuid.New(), Body: "Careful with this one.", Internal: true, Files: []store.Upload{up}}
	if err := db.Store.Reply(ctx, agent, number, note); err != nil {
		t.Fatal(err)
	}
	after, _ := db.Store.Thread(ctx, client, number, 0)
	if len(after.Activities) != len(before.Activities) || !reflect.DeepEqual(after.Ticket, before.Ticket) || len(after.Files) != 0 {
		t.Errorf("the client's page changed:\n%+v\n%+v", before, after)
	}
	if now, _ := db.Store.ListVersion(ctx, client); now != lists {
		t.Errorf("the version of the client's lists moved from %d to %d", lists, now)
	}
	if now, _ := db.Store.TicketVersion(ctx, agent, number); now <= staff {
		t.Errorf("the staff's version stayed at %d", now)
	}
	dashboard, err := db.Store.ClientDashboard(ctx, client)
	if err != nil || len(dashboard.Recent) != 1 {
		t.Errorf("the client's activity: %v %+v", err, dashboard.Recent)
	}
	thread, _ := db.Store.Thread(ctx, agent, number, 0)
	file := thread.Activities[len(thread.Activities)-1].Files[0]
	if _, _, err := db.Store.OpenAttachment(ctx, client, file.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the client opens the note's file: %v", err)
	}
	if _, content, err := db.Store.OpenAttachment(ctx, agent, file.ID); err != nil {
		t.Errorf("the agent opens the note's file: %v", err)
	} else {
		content.Close()
	}
}

func TestStrangersTicketIsNotThere(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	number := submit(t, db, db.Person(t, store.Client, "cleo@example.com"), "Printer")
	stranger := db.Person(t, store.Client, "stan@example.com")
	for name, do := range map[string]func() error{
		"Ticket":         func() error { _, err := db.Store.Ticket(ctx, stranger, number); return err },
		"TicketVersion":  func() error { _, err := db.Store.TicketVersion(ctx, stranger, number); return err },
		"Thread":         func() error { _, err := db.Store.Thread(ctx, stranger, number, 0); return err },
		"Reply":          func() error { return db.Store.Reply(ctx, stranger, number, message("hello")) },
		"Cancel":         func() error { return db.Store.Cancel(ctx, stranger, number) },
		"ChangeStatus":   func() error { return db.Store.ChangeStatus(ctx, stranger, number, "new", "cancelled") },
		"ChangePriority": func() error { return db.Store.ChangePriority(ctx, stranger, number, "medium", "urgent") },
		"Take":           func() error { return db.Store.Take(ctx, stranger, number) },
	} {
		if err := do(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s of somebody else's ticket: %v, want ErrNotFound", name, err)
		}
	}
}

func TestClientMayOnlyCancelAndReopen(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	number := submit(t, db, client, "Printer")
	for name, err := range map[string]error{
		"priority": db.Store.ChangePriority(ctx, client, number, store.PriorityMedium, store.PriorityUrgent),
		"take":     db.Store.Take(ctx, client, number),
		"note":     db.Store.Reply(ctx, client, number, store.Message{ID: uuid.New(), Body: "x", Internal: true}),
	} {
		var wrong *store.Invalid
		if !errors.Is(err, store.ErrForbidden) && !errors.As(err, &wrong) {
			t.Errorf("%s by the client: %v", name, err)
		}
	}
	var wrong *store.Invalid
	if err := db.Store.ChangeStatus(ctx, client, number, store.StatusNew, store.StatusResolved); !errors.As(err, &wrong) {
		t.Errorf("the client resolves: %v", err)
	}
}

func TestTwoPeopleNeverOverwriteUnseen(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	number := submit(t, db, client, "Printer")

	var group sync.WaitGroup
	taken := make([]error, 2)
	for i, agent := range []store.Actor{ana, ben} {
		group.Go(func() { taken[i] = db.Store.Take(ctx, agent, number) })
	}
	group.Wait()
	if (taken[0] == nil) == (taken[1] == nil) {
		t.Fatalf("both or neither took the ticket: %v", taken)
	}
	if err := errors.Join(taken...); !errors.Is(err, store.ErrConflict) {
		t.Errorf("the slower one was told %v", err)
	}
	if err := db.Store.ChangeStatus(ctx, ana, number, store.StatusOpen, store.StatusPending); err != nil {
		t.Fatal(err)
	}
	if err := db.Store.ChangeStatus(ctx, ben, number, store.StatusOpen, store.StatusResolved); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a status chosen on an old page: %v, want a conflict", err)
	}
	if err := db.Store.ChangePriority(ctx, ben, number, store.PriorityLow, store.PriorityHigh); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a priority chosen on an old page: %v, want a conflict", err)
	}
}

func TestFormSentTwiceMakesOneRow(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	form := store.NewTicket{ID: uuid.New(), Subject: "Printer", Description: "Broken", Priority: store.PriorityHigh}
	first, err1 := db.Store.Submit(ctx, client, form)
	second, err2 := db.Store.Submit(ctx, client, form)
	if err1 != nil || err2 != nil || first != second {
		t.Errorf("two submissions of one form: %d %v, %d %v", first, err1, second, err2)
	}
	again := message("Hello?")
	for range 2 {
		if err := db.Store.Reply(ctx, client, first, again); err != nil {
			t.Fatal(err)
		}
	}
	thread, _ := db.Store.Thread(ctx, client, first, 0)
	if len(thread.Activities) != 2 {
		t.Errorf("%d entries, want created and one comment", len(thread.Activities))
	}
}

func TestListPagesByKeyInEveryOrder(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	agent := db.Person(t, store.Agent, "ana@example.com")
	db.Exec(t, `
		INSERT INTO tickets (client_id, agent_id, subject, description, status, priority, created_at, updated_at, client_updated_at)
		SELECT $1, CASE WHEN n % 3 = 0 THEN $2::uuid END, 'Ticket ' || n, 'd',
		       (ARRAY['new','open','pending','resolved'])[n % 4 + 1], (ARRAY['low','medium','high','urgent'])[n % 4 + 1],
		       now() - n / 2 * interval '1 minute', now() - n / 3 * interval '1 minute', now() - n / 3 * interval '1 minute'
		FROM generate_series(1, 57) n`, client.UserID, agent.UserID)
	for _, actor := range []store.Actor{client, agent} {
		for _, sort := range []store.TicketSort{"", "updated", "-updated", "age", "-age", "status", "-status", "priority", "-priority", "assignee", "-assignee"} {
			var forward, backward []int64
			filter := store.TicketFilter{Sort: sort, Limit: 10}
			for {
				page, err := db.Store.Tickets(ctx, actor, filter)
				if err != nil {
					t.Fatalf("%s by %s: %v", actor.Role, sort, err)
				}
				for _, ticket := range page.Tickets {
					forward = append(forward, ticket.Number)
				}
				if page.Next == "" {
					for filter.Before = page.Previous; filter.Before != ""; filter.Before = page.Previous {
						backward = append(numbers(page.Tickets), backward...)
						if page, err = db.Store.Tickets(ctx, actor, store.TicketFilter{Sort: sort, Limit: 10, Before: filter.Before}); err != nil {
							t.Fatal(err)
						}
					}
					backward = append(numbers(page.Tickets), backward...)
					break
				}
				filter.After = page.Next
			}
			seen := map[int64]bool{}
			for _, n := range forward {
				seen[n] = true
			}
			if len(forward) != 57 || len(seen) != 57 {
				t.Errorf("%s by %q: %d rows, %d distinct, want 57", actor.Role, sort, len(forward), len(seen))
			}
			if fmt.Sprint(forward) != fmt.Sprint(backward) {
				t.Errorf("%s by %q: backward differs:\n%v\n%v", actor.Role, sort, forward, backward)
			}
		}
	}
	for _, filter := range []store.TicketFilter{
		{Sort: "odd"}, {Sort: "waiting"}, {Sort: "-resolved"}, {After: "odd"}, {After: "eyJTb3J0IjoiYWdlIn0"}, {Sort: "age", After: "eyJTb3J0IjoiYWdlIiwiS2V5IjoieCJ9"},
	} {
		var wrong *store.Invalid
		if _, err := db.Store.Tickets(ctx, agent, filter); !errors.As(err, &wrong) {
			t.Errorf("%+v: %v, want Invalid", filter, err)
		}
	}
}

func numbers(tickets []store.Ticket) (n []int64) {
	for _, t := range tickets {
		n = append(n, t.Number)
	}
	return n
}

func TestDashboardsCount(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, other := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Client, "otto@example.com")
	agent, admin := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Admin, "ada@example.com")
	a, b := submit(t, db, client, "A"), submit(t, db, client, "B")
	submit(t, db, other, "C")
	for _, err := range []error{
		db.Store.Take(ctx, agent, a),
		db.Store.Reply(ctx, agent, a, message("Done?")),
		db.Store.ChangeStatus(ctx, agent, a, store.StatusOpen, store.StatusPending),
		db.Store.ChangePriority(ctx, agent, b, store.PriorityMedium, store.PriorityUrgent),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	mine, err := db.Store.ClientDashboard(ctx, client)
	if err != nil || mine.Open != 2 || mine.Waiting != 1 || mine.Resolved != 0 || len(mine.Tickets) != 2 || mine.Tickets[0].Number != a {
		t.Errorf("client: %v %+v", err, mine)
	}
	desk, err := db.Store.AgentDashboard(ctx, agent)
	if err != nil || desk.Open != 3 || desk.Unassigned != 2 || desk.Pressing != 1 || desk.Mine != 1 || len(desk.Oldest) != 2 || desk.Oldest[0].Number != b {
		t.Errorf("agent: %v %+v", err, desk)
	}
	if err := db.Store.ChangeStatus(ctx, agent, a, store.StatusPending, store.StatusResolved); err != nil {
		t.Fatal(err)
	}
	all, err := db.Store.AdminDashboard(ctx, admin)
	if err != nil || len(all.ByStatus) != 7 || all.ByStatus[0].Count != 2 || len(all.Days) != 14 || all.Days[13].Created != 3 ||
		all.Days[13].Resolved != 1 || all.FirstResponse == nil || all.Resolution == nil || len(all.Load) != 1 {
		t.Errorf("admin: %v %+v", err, all)
	}
}

func TestNewNameReachesTheTicketsItStandsOn(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, agent := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	answered, noted, other := submit(t, db, client, "answered"), submit(t, db, client, "noted"), submit(t, db, client, "other")
	note := message("words")
	note.Internal = true
	for _, err := range []error{db.Store.Reply(ctx, agent, answered, message("words")), db.Store.Reply(ctx, agent, noted, note)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	versions := func(who store.Actor) (v [3]int64) {
		for i, number := range []int64{answered, noted, other} {
			ticket, err := db.Store.Ticket(ctx, who, number)
			if err != nil {
				t.Fatal(err)
			}
			v[i] = ticket.Version
		}
		return v
	}
	staff, own := versions(agent), versions(client)
	before, _ := db.Store.Ticket(ctx, client, answered)
	db.Exec(t, `UPDATE users SET full_name = 'Anna' WHERE id = $1`, agent.UserID)
	if now := versions(agent); now != [3]int64{staff[0] + 1, staff[1] + 1, staff[2]} {
		t.Errorf("the staff's versions went from %v to %v", staff, now)
	}
	if now := versions(client); now != [3]int64{own[0] + 1, own[1], own[2]} {
		t.Errorf("the client's versions went from %v to %v", own, now)
	}
	if after, _ := db.Store.Ticket(ctx, client, answered); !after.UpdatedAt.Equal(before.UpdatedAt) {
		t.Error("a new name counts as news of the ticket")
	}
	var told int
	if err := db.Owner.QueryRow(ctx, `SELECT count(*) FROM events WHERE changes ? 'full_name' AND source = 'tickets'`).Scan(&told); err != nil || told != 2 {
		t.Errorf("%v: %d events, want 2", err, told)
	}
}

func TestWhatIsMovedIsNewsOnBothTickets(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	from, to := submit(t, db, client, "from"), submit(t, db, client, "to")
	said := message("words")
	if err := db.Store.Reply(ctx, client, from, said); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, `UPDATE ticket_activities SET ticket_id = (SELECT id FROM tickets WHERE number = $2) WHERE id = $1`, said.ID, to)
	var told int
	err := db.Owner.QueryRow(ctx, `
		SELECT count(DISTINCT ticket_number) FROM events e JOIN tickets t ON t.number = e.ticket_number
		WHERE e.source = 'ticket_activities' AND e.operation = 'update' AND e.row_id = $1
		  AND e.seq = t.seq AND e.client_seq = t.client_seq`, said.ID).Scan(&told)
	if err != nil || told != 2 {
		t.Errorf("%v: %d tickets are told, want both", err, told)
	}
}
