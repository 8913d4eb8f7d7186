package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
)

// Whatever a single verb does or refuses, the same change does or refuses for many and as a macro.
func TestOneRuleForOneAndForMany(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	for _, from := range store.Statuses {
		numbers := manyTickets(t, db, client, 3)
		one, many, macro := numbers[0], numbers[1], numbers[2]
		reset := func() {
			db.Exec(t, `UPDATE tickets SET status = $1, agent_id = NULL WHERE number = ANY ($2)`, from, numbers)
		}
		compare := func(what string, single error, change store.Change) {
			t.Helper()
			got := bulk(t, db, ana, change, many)
			id, err := db.Store.CreateMacro(ctx, ana, store.Macro{Name: what, Status: change.Status, Assign: change.Assign, AssigneeID: change.Assignee, Reply: change.Reply, Note: change.Note})
			if err != nil {
				if change.Status != store.StatusNew {
					t.Fatal(err)
				}
				return // no macro has this
			}
			_, err = db.Store.ApplyMacro(ctx, ana, macro, id, store.Seen{Status: from, Priority: store.PriorityMedium})
			refused := got.Refused == 1
			if refused != (single != nil) || refused != (err != nil) {
				t.Errorf("%s of a ticket that is %s: alone %v, among many %+v, as a macro %v", what, from, single, got.Report, err)
			}
			var wrong *store.Invalid
			if errors.As(single, &wrong) && (got.Report.Reasons[0].Words != slices.Collect(maps.Values(wrong.Fields))[0] || !strings.Contains(err.Error(), got.Report.Reasons[0].Words)) {
				t.Errorf("%s of a ticket that is %s: alone %q, among many %q, as a macro %q", what, from, single, got.Report.Reasons[0].Words, err)
			}
			var states []string
			for _, number := range numbers {
				ticket, err := db.Store.Ticket(ctx, ana, number)
				if err != nil {
					t.Fatal(err)
				}
				states = append(states, fmt.Sprint(ticket.Status, ticket.Priority, ticket.AgentName))
			}
			slices.Sort(states)
			if states[0] != states[2] {
				t.Errorf("%s of a ticket that is %s comes to %q", what, from, states)
			}
		}
		for _, to := range store.Statuses {
			reset()
			compare("status "+string(to), db.Store.ChangeStatus(ctx, ana, one, from, to), store.Change{Status: to})
		}
		reset()
		compare("assign", db.Store.Assign(ctx, ana, one, nil, &ben.UserID), store.Change{Assign: store.AssignPerson, Assignee: &ben.UserID})
		reset()
		compare("reply", db.Store.Reply(ctx, ana, one, message("Hello")), store.Change{Reply: "Hello"})
		reset()
		compare("note", db.Store.Reply(ctx, ana, one, store.Message{ID: uuid.New(), Body: "Look", Internal: true}), store.Change{Note: "Look"})
	}
}

func TestMacroIsAppliedWhollyOrNotAtAll(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	ada := db.Person(t, store.Admin, "ada@example.com")
	db.Exec(t, `INSERT INTO tags (name) VALUES ('refund'), ('late')`)
	number := submit(t, db, client, "Where is it")
	id, err := db.Store.CreateMacro(ctx, ana, store.Macro{Name: "Refund", Reply: "Hello {{customer.first_name}}, about “{{ ticket.subject }}” (#{{ticket.number}}). {{agent.name}}",
		Note: "Refunded", Status: store.StatusPending, Priority: store.PriorityHigh, Assign: store.AssignMe, AddTags: []string{"refund"}, RemoveTags: []string{"late"}})
	if err != nil {
		t.Fatal(err)
	}
	seen := store.Seen{Status: store.StatusNew, Priority: store.PriorityMedium}
	// It is private: nobody else has it.
	if _, err := db.Store.ApplyMacro(ctx, ben, number, id, seen); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("ben: %v", err)
	}
	if _, err := db.Store.ApplyMacro(ctx, client, number, id, seen); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("the customer: %v", err)
	}
	// Somebody was faster with one of its fields: nothing of it is done.
	if err := db.Store.ChangePriority(ctx, ben, number, store.PriorityMedium, store.PriorityLow); err != nil {
		t.Fatal(err)
	}
	var conflict *store.Conflict
	if _, err := db.Store.ApplyMacro(ctx, ana, number, id, seen); !errors.As(err, &conflict) || !strings.Contains(conflict.Message, "Low") {
		t.Errorf("against another priority: %v", err)
	}
	before, _ := db.Store.Thread(ctx, ana, number, 0)
	if before.Ticket.Status != store.StatusNew || len(before.Activities) != 2 {
		t.Errorf("it left %+v", before)
	}
	seen.Priority = store.PriorityLow
	seen.Position = before.Activities[len(before.Activities)-1].Position
	if err := db.Store.Reply(ctx, client, number, message("Hurry")); err != nil {
		t.Fatal(err)
	}
	var moved *store.Moved
	if _, err := db.Store.ApplyMacro(ctx, ana, number, id, seen); !errors.As(err, &moved) {
		t.Errorf("against words that were not seen: %v", err)
	}
	seen.Position = 0
	if _, err := db.Store.ApplyMacro(ctx, ana, number, id, seen); err != nil {
		t.Fatal(err)
	}
	after, _ := db.Store.Thread(ctx, ana, number, 0)
	if got := after.Ticket; got.Status != store.StatusPending || got.Priority != store.PriorityHigh || got.AgentName != "Ana" || len(got.Tags) != 1 {
		t.Errorf("%+v", got)
	}
	said := ""
	for _, a := range after.Activities {
		if a.Type == "comment" && a.UserName == "Ana" {
			said = a.Content
		}
	}
	if said != fmt.Sprintf("Hello Cleo, about “Where is it” (#%d). Ana", number) {
		t.Errorf("it said %q", said)
	}
	if macro, _ := db.Store.Macro(ctx, ana, id); macro.Uses != 1 {
		t.Errorf("used %d times", macro.Uses)
	}

	// A tag that is renamed stays; of one that is gone it says so, and does nothing.
	db.Exec(t, `UPDATE tags SET name = 'money-back' WHERE name = 'refund'`)
	if macro, _ := db.Store.Macro(ctx, ana, id); !slices.Equal(macro.AddTags, []string{"money-back"}) || len(macro.Missing) != 0 {
		t.Errorf("%+v", macro)
	}
	db.Exec(t, `DELETE FROM tags WHERE name = 'late'`)
	if macro, _ := db.Store.Macro(ctx, ana, id); len(macro.Missing) != 1 || macro.Missing[0] != "There is no tag “late” any more." {
		t.Errorf("%q", macro.Missing)
	}
	seen = store.Seen{Status: store.StatusPending, Priority: store.PriorityHigh, AgentID: &ana.UserID}
	var wrong *store.Invalid
	if _, err := db.Store.ApplyMacro(ctx, ana, number, id, seen); !errors.As(err, &wrong) || !strings.Contains(wrong.Fields[""], "late") {
		t.Errorf("with a tag that is gone: %v", err)
	}

	// Shared, all staff use it; its owner and admins change it, and only its owner takes it back.
	macro, _ := db.Store.Macro(ctx, ana, id)
	macro.RemoveTags, macro.Shared = nil, true
	if err := db.Store.ChangeMacro(ctx, ana, macro); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Store.Macro(ctx, ben, id); err != nil {
		t.Errorf("ben: %v", err)
	}
	if err := db.Store.ChangeMacro(ctx, ben, macro); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("ben changes it: %v", err)
	}
	if err := db.Store.DeleteMacro(ctx, ben, id); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("ben deletes it: %v", err)
	}
	macro.Name = "Money back"
	if err := db.Store.ChangeMacro(ctx, ada, macro); err != nil {
		t.Errorf("an admin changes it: %v", err)
	}
	macro.Shared = false
	if err := db.Store.ChangeMacro(ctx, ada, macro); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("an admin takes it for its owner alone: %v", err)
	}
	if err := db.Store.DeleteMacro(ctx, ada, id); err != nil {
		t.Errorf("an admin deletes it: %v", err)
	}
}

func TestMacroInput(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	ana := db.Person(t, store.Agent, "ana@example.com")
	cleo := db.Person(t, store.Client, "cleo@example.com")
	db.Exec(t, `INSERT INTO tags (name) VALUES ('vip')`)
	for _, c := range []struct {
		field, words string
		macro        store.Macro
	}{
		{"name", "Give it a name.", store.Macro{Reply: "x"}},
		{"reply", "Did you mean {{customer.name}}?", store.Macro{Name: "a", Reply: "Hi {{custmer.name}}"}},
		{"note", "There are {{customer.name}}", store.Macro{Name: "a", Note: "Hi {{weather}}"}},
		{"reply", "Write a text, or choose something to change.", store.Macro{Name: "a"}},
		{"shortcut", "Use up to 20 letters", store.Macro{Name: "a", Shortcut: "so long", Reply: "x"}},
		{"status", "Choose one", store.Macro{Name: "a", Status: "lost"}},
		{"status", "Choose one", store.Macro{Name: "a", Status: store.StatusNew}},
		{"assignee", "Choose somebody who works on tickets.", store.Macro{Name: "a", Assign: store.AssignPerson, AssigneeID: &cleo.UserID}},
		{"add_tags", "Did you mean “vip”?", store.Macro{Name: "a", AddTags: []string{"vpi"}}},
		{"remove_tags", "the same tag", store.Macro{Name: "a", AddTags: []string{"vip"}, RemoveTags: []string{"VIP"}}},
	} {
		var wrong *store.Invalid
		if _, err := db.Store.CreateMacro(ctx, ana, c.macro); !errors.As(err, &wrong) || !strings.Contains(wrong.Fields[c.field], c.words) {
			t.Errorf("%+v: %v, want %s: %s", c.macro, err, c.field, c.words)
		}
	}
	if _, err := db.Store.CreateMacro(ctx, cleo, store.Macro{Name: "a", Reply: "x"}); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a customer: %v", err)
	}
}

func TestTemplatesAreFound(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	number := submit(t, db, client, "100% *off*")
	make := func(who store.Actor, m store.Macro) uuid.UUID {
		t.Helper()
		id, err := db.Store.CreateMacro(ctx, who, m)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	thanks := make(ana, store.Macro{Name: "Thank you", Shortcut: "ty", Reply: "Thanks, {{customer.name}}, for “{{ticket.subject}}”."})
	make(ana, store.Macro{Name: "Party", Reply: "100% sure"})
	make(ana, store.Macro{Name: "Only a note", Note: "thanks to ben"})
	make(ben, store.Macro{Name: "Ben's thanks", Reply: "thanks"})
	if err := db.Store.CountUse(ctx, ana, thanks); err != nil {
		t.Fatal(err)
	}
	for search, want := range map[string]string{"": "Thank you,Party", "thank": "Thank you", "/ty": "Thank you,Party", "ty": "Thank you,Party", "100%": "Party", "%": "Party", "_": "", "sure party": "Party"} {
		got, err := db.Store.Templates(ctx, ana, number, false, search)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, m := range got {
			names = append(names, m.Name)
		}
		if strings.Join(names, ",") != want {
			t.Errorf("%q finds %q, want %s", search, names, want)
		}
	}
	if got, _ := db.Store.Templates(ctx, ana, number, true, ""); len(got) != 1 || got[0].Name != "Only a note" {
		t.Errorf("notes: %+v", got)
	}
	if got, _ := db.Store.Templates(ctx, ana, number, false, "thank"); len(got) != 1 || got[0].Reply != `Thanks, Cleo, for “100% \*off\*”.` {
		t.Errorf("filled: %+v", got)
	}
	if _, err := db.Store.Templates(ctx, client, number, false, ""); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a customer: %v", err)
	}
}

// Two over the same tickets at once, one forwards and one backwards by number, wait for each other and both end well,
// also beside people who work on the same tickets and a tag that is deleted.
func TestTwoBulkChangesOfTheSameTickets(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	numbers := manyTickets(t, db, client, 2000)
	backwards := slices.Clone(numbers)
	slices.Reverse(backwards)
	db.Exec(t, `INSERT INTO tags (name) VALUES ('vip')`)
	var working sync.WaitGroup
	for round := range 3 {
		first, err := db.Store.StartBulk(ctx, ana, store.Change{Priority: store.Priorities[round], Assign: store.AssignMe, AddTags: []string{"vip"}}, store.Selection{Numbers: numbers})
		if err != nil {
			t.Fatal(err)
		}
		second, err := db.Store.StartBulk(ctx, ben, store.Change{Priority: store.Priorities[round+1], Assign: store.AssignMe, RemoveTags: []string{"vip"}}, store.Selection{Numbers: backwards})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			working.Go(func() {
				if err := db.Store.Reply(ctx, client, numbers[i*97], message("Well?")); err != nil {
					t.Error(err)
				}
			})
		}
		for who, id := range map[*store.Actor]uuid.UUID{&ana: first, &ben: second} {
			if got := ended(t, db, *who, id); got.State != store.BulkDone || got.Refused != 0 {
				t.Errorf("%+v", got)
			}
		}
		working.Wait()
	}
	// The deletion of a tag waits for the bulk change that puts it on, or the other way round; neither dies of it.
	id, err := db.Store.StartBulk(ctx, ana, store.Change{AddTags: []string{"vip"}}, store.Selection{Numbers: numbers})
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, `DELETE FROM tags WHERE name = 'vip'`)
	if got := ended(t, db, ana, id); got.State != store.BulkDone && !strings.Contains(got.Report.Words, "There is no tag") {
		t.Errorf("%+v", got)
	}
}
