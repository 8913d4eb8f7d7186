package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
)

// refusedAt fails unless err is *Invalid about field and says something.
func refusedAt(t *testing.T, err error, field string) {
	t.Helper()
	var wrong *store.Invalid
	if !errors.As(err, &wrong) || wrong.Fields[field] == "" {
		t.Errorf("got %v, want a sentence about %q", err, field)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ticketOf(t *testing.T, db *storetest.DB, who store.Actor, number int64) store.Ticket {
	t.Helper()
	ticket, err := db.Store.Ticket(context.Background(), who, number)
	if err != nil {
		t.Fatal(err)
	}
	return ticket
}

// entries describes a timeline: each entry's type, words and files.
func entries(t *testing.T, db *storetest.DB, who store.Actor, number int64) (lines []string) {
	t.Helper()
	thread, err := db.Store.Thread(context.Background(), who, number, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range thread.Activities {
		line := a.Type
		if a.Content != "" {
			line += " " + a.Content
		}
		for _, f := range a.Files {
			line += " +" + f.FileName
		}
		lines = append(lines, line)
	}
	return lines
}

func TestTagsOfATicket(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, agent := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	number := submit(t, db, client, "Printer")

	must(t, db.Store.Tag(ctx, agent, number, "VIP, late-delivery  #refund"))
	names := func() (names []string) {
		for _, tag := range ticketOf(t, db, agent, number).Tags {
			names = append(names, tag.Name)
		}
		return names
	}
	if got := names(); !slices.Equal(got, []string{"late-delivery", "refund", "vip"}) {
		t.Errorf("tags %q", got)
	}
	must(t, db.Store.Untag(ctx, agent, number, "refund"))
	must(t, db.Store.Untag(ctx, agent, number, "refund"))
	if got := names(); !slices.Equal(got, []string{"late-delivery", "vip"}) {
		t.Errorf("tags %q", got)
	}
	for _, bad := range []string{"", " , ", "a:b", `say"so`, "(x)", strings.Repeat("x", 41)} {
		refusedAt(t, db.Store.Tag(ctx, agent, number, bad), "tag")
	}
	var many []string
	for i := range 19 {
		many = append(many, fmt.Sprint("t", i))
	}
	refusedAt(t, db.Store.Tag(ctx, agent, number, strings.Join(many, " ")), "tag")
	if err := db.Store.Tag(ctx, client, number, "mine"); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a client tags: %v", err)
	}
	if got := ticketOf(t, db, client, number).Tags; got != nil {
		t.Errorf("the client sees tags %v", got)
	}
	if got := entries(t, db, agent, number); !slices.Equal(got, []string{"created", "tag_change", "tag_change"}) {
		t.Errorf("timeline %q", got)
	}

	// Ten people make the same new tags at once.
	var all sync.WaitGroup
	for i := range 10 {
		other := submit(t, db, client, "Other")
		all.Go(func() {
			words := []string{"one", "two", "three"}
			if i%2 == 0 {
				slices.Reverse(words)
			}
			if err := db.Store.Tag(ctx, agent, other, strings.Join(words, " ")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	page, err := db.Store.Tags(ctx, agent)
	must(t, err)
	count := map[string]int{}
	var vip, one store.Tag
	for _, tag := range page.Tags {
		count[tag.Name] = tag.Tickets
		if tag.Name == "vip" {
			vip = tag
		} else if tag.Name == "one" {
			one = tag
		}
	}
	if want := map[string]int{"late-delivery": 1, "refund": 0, "vip": 1, "one": 10, "two": 10, "three": 10}; !reflect.DeepEqual(count, want) {
		t.Errorf("counts %v, want %v", count, want)
	}

	// Renamed, merged, deleted.
	refusedAt(t, db.Store.ChangeTag(ctx, agent, vip.ID, "one", 1), "name")
	refusedAt(t, db.Store.ChangeTag(ctx, agent, vip.ID, "v i p", 1), "name")
	refusedAt(t, db.Store.ChangeTag(ctx, agent, vip.ID, "gold", 8), "hue")
	must(t, db.Store.ChangeTag(ctx, agent, vip.ID, "Gold", 3))
	must(t, db.Store.Tag(ctx, agent, number, "one"))
	refusedAt(t, db.Store.MergeTags(ctx, agent, one.ID, "one"), "into")
	must(t, db.Store.MergeTags(ctx, agent, one.ID, "gold"))
	if got := ticketOf(t, db, agent, number).Tags; !reflect.DeepEqual(got, []store.TicketTag{{Name: "gold", Hue: 3}, {Name: "late-delivery", Hue: got[1].Hue}}) {
		t.Errorf("tags %v", got)
	}
	page, _ = db.Store.Tags(ctx, agent)
	for _, tag := range page.Tags {
		if tag.Name == "gold" && tag.Tickets != 11 {
			t.Errorf("gold is on %d tickets", tag.Tickets)
		}
	}
	must(t, db.Store.DeleteTag(ctx, agent, vip.ID))
	if err := db.Store.DeleteTag(ctx, agent, vip.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	if got := names(); !slices.Equal(got, []string{"late-delivery"}) {
		t.Errorf("tags %q", got)
	}
	for _, err := range []error{db.Store.ChangeTag(ctx, client, one.ID, "x", 0), db.Store.MergeTags(ctx, client, one.ID, "x"), db.Store.DeleteTag(ctx, client, one.ID)} {
		if err == nil {
			t.Error("a client shapes tags")
		}
	}
}

func TestASnoozedTicketWakes(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, agent := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	number := submit(t, db, client, "Printer")
	sleeps := func() bool { return ticketOf(t, db, agent, number).SnoozedUntil != nil }

	refusedAt(t, db.Store.Snooze(ctx, agent, number, time.Now().Add(-time.Second)), "until")
	refusedAt(t, db.Store.Snooze(ctx, agent, number, time.Now().Add(400*24*time.Hour)), "until")
	if err := db.Store.Snooze(ctx, client, number, time.Now().Add(time.Hour)); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a client snoozes: %v", err)
	}
	must(t, db.Store.Snooze(ctx, agent, number, store.SnoozeUntilAnswer))
	if ticket := ticketOf(t, db, agent, number); ticket.SnoozedUntil == nil || !ticket.SnoozedUntil.Equal(store.SnoozeUntilAnswer) {
		t.Errorf("snoozed until %v", ticket.SnoozedUntil)
	}
	if ticketOf(t, db, client, number).SnoozedUntil != nil {
		t.Error("the client sees that its ticket sleeps")
	}
	must(t, db.Store.Reply(ctx, agent, number, message("We look into it.")))
	if !sleeps() {
		t.Error("the desk's own answer woke the ticket")
	}
	must(t, db.Store.Reply(ctx, client, number, message("Thanks!")))
	if sleeps() {
		t.Error("the client's answer did not wake the ticket")
	}
	must(t, db.Store.Snooze(ctx, agent, number, time.Now().Add(time.Hour)))
	must(t, db.Store.Wake(ctx, agent, number))
	must(t, db.Store.Wake(ctx, agent, number))
	if sleeps() {
		t.Error("woken by hand, it sleeps")
	}

	// By the clock, and by several nodes at once: once.
	must(t, db.Store.Snooze(ctx, agent, number, time.Now().Add(time.Hour)))
	db.Exec(t, `UPDATE tickets SET snoozed_until = now() - interval '1 second' WHERE number = $1`, number)
	var nodes sync.WaitGroup
	for range 3 {
		upkeep, err := store.OpenUpkeep(ctx, db.URL, db.Files, store.EventRetention)
		must(t, err)
		t.Cleanup(upkeep.Close)
		nodes.Go(func() {
			if err := store.WakeTickets(upkeep, ctx); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
	if sleeps() {
		t.Error("its time has come, and it sleeps")
	}
	thread, err := db.Store.Thread(ctx, agent, number, 0)
	must(t, err)
	woken := 0
	for _, a := range thread.Activities {
		if a.Type == "snooze" && a.Details.Woke && a.UserID == nil {
			woken++
		}
	}
	if woken != 1 {
		t.Errorf("the timeline says %d times that it woke", woken)
	}
	must(t, db.Store.ChangeStatus(ctx, agent, number, store.StatusOpen, store.StatusClosed))
	refusedAt(t, db.Store.Snooze(ctx, agent, number, store.SnoozeUntilAnswer), "until")
}

// fullTicket is a ticket with something of everything.
func fullTicket(t *testing.T, db *storetest.DB, client, agent store.Actor, name string) int64 {
	t.Helper()
	ctx := context.Background()
	file := func(name string) store.Upload {
		up, err := db.Store.Upload(ctx, name, strings.NewReader(name))
		must(t, err)
		return up
	}
	number, err := db.Store.Submit(ctx, client, store.NewTicket{ID: uuid.New(), Subject: name, Description: name + " asks",
		Priority: store.PriorityMedium, Files: []store.Upload{file(name + "-first.txt")}})
	must(t, err)
	must(t, db.Store.Reply(ctx, agent, number, store.Message{ID: uuid.New(), Body: name + " answer", Files: []store.Upload{file(name + "-answer.txt")}}))
	must(t, db.Store.Reply(ctx, agent, number, store.Message{ID: uuid.New(), Body: name + " note", Internal: true, Files: []store.Upload{file(name + "-note.txt")}}))
	must(t, db.Store.Reply(ctx, client, number, message(name+" thanks")))
	must(t, db.Store.Tag(ctx, agent, number, name+" both"))
	must(t, db.Store.AddTime(ctx, agent, number, store.TimeSpent{ID: uuid.New(), Spent: "20m", Note: name + " call"}))
	must(t, db.Store.Follow(ctx, agent, number))
	return number
}

// snapshot is all that a merge moves, as staff see it, without what a merge and its undoing say of themselves.
func snapshot(t *testing.T, db *storetest.DB, agent store.Actor, number int64) string {
	t.Helper()
	ticket := ticketOf(t, db, agent, number)
	desk, err := db.Store.Desk(context.Background(), agent, ticket)
	must(t, err)
	thread, err := db.Store.Thread(context.Background(), agent, number, 0)
	must(t, err)
	var out []string
	for _, a := range thread.Activities {
		if a.Type == "merge" || a.Type == "status_change" || a.Type == "tag_change" {
			continue
		}
		out = append(out, fmt.Sprint(a.ID, a.Type, a.UserName, a.Content, a.IsInternal, a.CreatedAt, a.Files))
	}
	for _, l := range desk.Links {
		out = append(out, fmt.Sprint(l.Kind, l.Outward, l.Number))
	}
	return fmt.Sprint(ticket.Status, ticket.MergedInto, ticket.SnoozedUntil, ticket.Tags, thread.Files, desk.Followers, desk.Minutes, out)
}

func TestMergeAndUndo(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, agent, ben := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	a, b := fullTicket(t, db, client, agent, "a"), fullTicket(t, db, client, agent, "b")
	other := submit(t, db, client, "other")
	must(t, db.Store.Link(ctx, agent, a, other, store.RoleChild))
	must(t, db.Store.Link(ctx, agent, a, b, store.RoleDuplicateOf))
	must(t, db.Store.Follow(ctx, ben, a))
	must(t, db.Store.Snooze(ctx, agent, a, store.SnoozeUntilAnswer))
	must(t, db.Store.Reply(ctx, agent, b, message("b last")))
	beforeA, beforeB := snapshot(t, db, agent, a), snapshot(t, db, agent, b)

	must(t, db.Store.Merge(ctx, agent, a, b))
	if ticket := ticketOf(t, db, client, a); ticket.MergedInto != b || ticket.Status != store.StatusClosed {
		t.Errorf("its client sees a: %+v", ticket)
	}
	var shown []string
	for _, line := range entries(t, db, client, b) {
		if !strings.HasPrefix(line, "status_change") {
			shown = append(shown, line)
		}
	}
	if want := []string{"comment a asks +a-first.txt", "comment a answer +a-answer.txt", "comment a thanks", "created",
		"comment b answer +b-answer.txt", "comment b thanks", "comment b last", "merge"}; !slices.Equal(shown, want) {
		t.Errorf("its client sees on b %q,\nwant %q", shown, want)
	}
	desk, err := db.Store.Desk(ctx, agent, ticketOf(t, db, agent, b))
	must(t, err)
	if desk.Minutes != 40 || len(desk.Followers) != 2 || len(desk.Links) != 2 {
		t.Errorf("b has %d minutes, followers %v, links %v", desk.Minutes, desk.Followers, desk.Links)
	}
	if tags := ticketOf(t, db, agent, b).Tags; len(tags) != 3 {
		t.Errorf("b has tags %v", tags)
	}
	// The file is read where it is now, by its client too.
	thread, err := db.Store.Thread(ctx, client, b, 0)
	must(t, err)
	_, content, err := db.Store.OpenAttachment(ctx, client, thread.Activities[0].Files[0].ID)
	must(t, err)
	if text, _ := io.ReadAll(content); string(text) != "a-first.txt" {
		t.Errorf("the file holds %q", text)
	}
	content.Close()

	// A merged ticket stays closed and takes nothing.
	refusedAt(t, db.Store.ChangeStatus(ctx, agent, a, store.StatusClosed, store.StatusOpen), "status")
	refusedAt(t, db.Store.Reply(ctx, client, a, message("Hello?")), "body")
	refusedAt(t, db.Store.Merge(ctx, agent, a, other), "into")
	refusedAt(t, db.Store.Merge(ctx, agent, other, a), "into")
	refusedAt(t, db.Store.Merge(ctx, agent, b, b), "into")
	refusedAt(t, db.Store.Merge(ctx, agent, b, 999999), "into")
	refusedAt(t, db.Store.Tag(ctx, agent, a, "x"), "tag")

	// What is said since stays; what came from a goes back.
	since := message("Said since.")
	must(t, db.Store.Reply(ctx, client, b, since))
	must(t, db.Store.Unmerge(ctx, agent, a))
	if after := snapshot(t, db, agent, a); after != beforeA {
		t.Errorf("a is now\n%s\nand was\n%s", after, beforeA)
	}
	if got := entries(t, db, agent, b); !slices.Contains(got, "comment Said since.") {
		t.Errorf("what was said since is gone: %q", got)
	}
	db.Exec(t, `DELETE FROM ticket_activities WHERE id = $1`, since.ID)
	if after := snapshot(t, db, agent, b); after != beforeB {
		t.Errorf("b is now\n%s\nand was\n%s", after, beforeB)
	}
	refusedAt(t, db.Store.Unmerge(ctx, agent, a), "")
	// And again.
	must(t, db.Store.Merge(ctx, agent, a, b))
	must(t, db.Store.Unmerge(ctx, ben, a))
}

func TestAMergeIsWithinOneCustomersTickets(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	cleo, otto, agent := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Client, "otto@example.com"), db.Person(t, store.Agent, "ana@example.com")
	own, others := submit(t, db, cleo, "own"), submit(t, db, otto, "other's")
	refusedAt(t, db.Store.Merge(ctx, agent, own, others), "into")
	if err := db.Store.Merge(ctx, cleo, own, own); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a client merges: %v", err)
	}
	// Nor in SQL, whoever tries, and a client nothing of the sort.
	var ownID, othersID uuid.UUID
	must(t, db.Owner.QueryRow(ctx, `SELECT a.id, b.id FROM tickets a, tickets b WHERE a.number = $1 AND b.number = $2`, own, others).Scan(&ownID, &othersID))
	try := func(sql string, who store.Actor) error {
		tx, err := db.Owner.Begin(ctx)
		must(t, err)
		defer tx.Rollback(ctx)
		_, err = tx.Exec(ctx, `SELECT set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)`, string(who.Claims))
		must(t, err)
		_, err = tx.Exec(ctx, sql, ownID, othersID)
		return err
	}
	for _, sql := range []string{`SELECT tickets.merge($1, $2)`, `UPDATE tickets SET merged_into = $2, status = 'closed' WHERE id = $1`} {
		for _, who := range []store.Actor{agent, cleo} {
			if try(sql, who) == nil {
				t.Errorf("%s may: %s", who.Role, sql)
			}
		}
	}
	if try(`SELECT tickets.unmerge($1) WHERE $2::uuid IS NOT NULL`, cleo) == nil {
		t.Error("a client may undo a merge")
	}
}

func TestTwoMergesAtOnce(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, agent := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	for range 5 {
		a, b := submit(t, db, client, "a"), submit(t, db, client, "b")
		var errs [3]error
		var both sync.WaitGroup
		for i, pair := range [][2]int64{{a, b}, {b, a}, {a, b}} {
			both.Go(func() { errs[i] = db.Store.Merge(ctx, agent, pair[0], pair[1]) })
		}
		both.Wait()
		done := 0
		for _, err := range errs {
			var wrong *store.Invalid
			if err == nil {
				done++
			} else if !errors.As(err, &wrong) {
				t.Error(err)
			}
		}
		if done != 1 {
			t.Errorf("%d of three merges of one pair were done: %v", done, errs)
		}
	}
}

// Tickets that were loaded have their positions in blocks: merged, their words stand in the order of time all the same.
func TestMergedWordsStandInTheOrderOfTime(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, agent := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	a, b := submit(t, db, client, "a"), submit(t, db, client, "b")
	for i, number := range []int64{b, a} {
		for hour := range 3 {
			db.Exec(t, `INSERT INTO ticket_activities (ticket_id, user_id, activity_type, content, created_at)
				SELECT id, client_id, 'comment', $2, now() + make_interval(hours => $3) FROM tickets WHERE number = $1`,
				number, fmt.Sprint(hour*2+i), hour*2+i+1)
		}
	}
	must(t, db.Store.Merge(ctx, agent, a, b))
	var said []string
	for _, line := range entries(t, db, client, b) {
		if words, ok := strings.CutPrefix(line, "comment "); ok && len(words) == 1 {
			said = append(said, words)
		}
	}
	if !slices.Equal(said, []string{"0", "1", "2", "3", "4", "5"}) {
		t.Errorf("the order is %q", said)
	}
	must(t, db.Store.Unmerge(ctx, agent, a))
	if got := strings.Join(entries(t, db, client, a), " "); !strings.Contains(got, "created comment 1 comment 3 comment 5") {
		t.Errorf("undone, a is %q", got)
	}
}

func TestSplitAMessageOff(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, agent := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	number := submit(t, db, client, "Printer")
	must(t, db.Store.Take(ctx, agent, number))
	up, err := db.Store.Upload(ctx, "bill.txt", strings.NewReader("bill"))
	must(t, err)
	asked := store.Message{ID: uuid.New(), Body: "And my bill is wrong.", Files: []store.Upload{up}}
	must(t, db.Store.Reply(ctx, client, number, asked))
	answer, note := message("One moment."), store.Message{ID: uuid.New(), Body: "Hm.", Internal: true}
	must(t, db.Store.Reply(ctx, agent, number, answer))
	must(t, db.Store.Reply(ctx, agent, number, note))

	split := func(who store.Actor, id uuid.UUID, subject string) error {
		_, err := db.Store.Split(ctx, who, number, id, subject)
		return err
	}
	refusedAt(t, split(agent, asked.ID, " "), "subject")
	refusedAt(t, split(agent, answer.ID, "Bill"), "")
	refusedAt(t, split(agent, note.ID, "Bill"), "")
	refusedAt(t, split(agent, uuid.New(), "Bill"), "")
	if err := split(client, asked.ID, "Bill"); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a client splits: %v", err)
	}
	made, err := db.Store.Split(ctx, agent, number, asked.ID, "Bill")
	must(t, err)
	refusedAt(t, split(agent, asked.ID, "Bill"), "") // a second press
	ticket := ticketOf(t, db, client, made)
	if ticket.Description != asked.Body || ticket.Subject != "Bill" || ticket.Status != store.StatusOpen || !is(ticket.AgentID, agent.UserID) {
		t.Errorf("the new ticket is %+v", ticket)
	}
	thread, err := db.Store.Thread(ctx, client, made, 0)
	must(t, err)
	if len(thread.Files) != 1 || thread.Activities[0].UserName != client.Name || len(thread.Activities) != 2 {
		t.Errorf("its thread is %+v", thread)
	}
	if got := entries(t, db, client, number); strings.Contains(strings.Join(got, " "), "bill") || !slices.Contains(got, "split") {
		t.Errorf("the old one has %q", got)
	}
	links, _, err := db.Store.Links(ctx, agent, made)
	must(t, err)
	if len(links) != 1 || links[0].Number != number || links[0].Label() != "Split off from" {
		t.Errorf("the new one is linked to %+v", links)
	}
}

func is(id *uuid.UUID, other uuid.UUID) bool { return id != nil && *id == other }

func TestLinks(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	cleo, otto, agent := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Client, "otto@example.com"), db.Person(t, store.Agent, "ana@example.com")
	a, b, c, d := submit(t, db, cleo, "a"), submit(t, db, otto, "b"), submit(t, db, cleo, "c"), submit(t, db, cleo, "d")
	labels := func(number int64) (out []string) {
		links, _, err := db.Store.Links(ctx, agent, number)
		must(t, err)
		for _, l := range links {
			out = append(out, fmt.Sprintf("%s %s %s", l.Label(), l.Subject, l.Status))
		}
		return out
	}
	must(t, db.Store.Link(ctx, agent, a, b, store.RoleParent)) // b is a's parent
	must(t, db.Store.Link(ctx, agent, b, c, store.RoleParent))
	must(t, db.Store.Link(ctx, agent, a, d, store.RoleDuplicateOf))
	if got := labels(a); !slices.Equal(got, []string{"Parent b new", "Duplicate of d new"}) {
		t.Errorf("a has %q", got)
	}
	if got := labels(b); !slices.Equal(got, []string{"Child a new", "Parent c new"}) {
		t.Errorf("b has %q", got)
	}
	if got := labels(d); !slices.Equal(got, []string{"Duplicated by a new"}) {
		t.Errorf("d has %q", got)
	}
	refusedAt(t, db.Store.Link(ctx, agent, c, a, store.RoleParent), "other") // a circle of three
	refusedAt(t, db.Store.Link(ctx, agent, a, b, store.RoleRelated), "other")
	refusedAt(t, db.Store.Link(ctx, agent, b, d, store.RoleParent), "other") // a second parent
	refusedAt(t, db.Store.Link(ctx, agent, a, a, store.RoleRelated), "other")
	refusedAt(t, db.Store.Link(ctx, agent, a, 999999, store.RoleRelated), "other")
	refusedAt(t, db.Store.Link(ctx, agent, a, c, "boss"), "role")
	if err := db.Store.Link(ctx, cleo, a, c, store.RoleRelated); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a client links: %v", err)
	}
	if links, _, err := db.Store.Links(ctx, cleo, a); err != nil || len(links) != 0 {
		t.Errorf("a client sees links: %v %v", links, err)
	}
	// A linked ticket's status is told under the topic of this one's links.
	before := eventsOf(t, db, store.LinksTopic(a))
	must(t, db.Store.ChangeStatus(ctx, agent, b, store.StatusNew, store.StatusResolved))
	if now := eventsOf(t, db, store.LinksTopic(a)); now != before+1 {
		t.Errorf("%d events of a's links, before %d", now, before)
	}
	links, _, err := db.Store.Links(ctx, agent, a)
	must(t, err)
	must(t, db.Store.Unlink(ctx, agent, c, links[0].ID)) // of another ticket
	if len(labels(a)) != 2 {
		t.Error("a link went by another ticket's address")
	}
	must(t, db.Store.Unlink(ctx, agent, a, links[0].ID))
	must(t, db.Store.Unlink(ctx, agent, a, links[0].ID))
	must(t, db.Store.Link(ctx, agent, c, a, store.RoleParent))

	// Two that close a circle together: one of them is refused.
	x, y := submit(t, db, cleo, "x"), submit(t, db, cleo, "y")
	z, w := submit(t, db, cleo, "z"), submit(t, db, cleo, "w")
	must(t, db.Store.Link(ctx, agent, x, y, store.RoleParent))
	must(t, db.Store.Link(ctx, agent, z, w, store.RoleParent))
	var errs [2]error
	var both sync.WaitGroup
	both.Go(func() { errs[0] = db.Store.Link(ctx, agent, y, z, store.RoleParent) })
	both.Go(func() { errs[1] = db.Store.Link(ctx, agent, w, x, store.RoleParent) })
	both.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("of two links that close a circle: %v", errs)
	}
}

func eventsOf(t *testing.T, db *storetest.DB, topic string) (n int) {
	t.Helper()
	must(t, db.Owner.QueryRow(context.Background(), `SELECT count(*) FROM events WHERE topic = $1`, topic).Scan(&n))
	return n
}

func TestParseMinutes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"1h 20m": 80, "1h20": 0, "90": 90, "1.5h": 90, "1,5 h": 90, "45m": 45, "45 min": 45, "1:20": 80,
		"2 hours": 120, "1H 5M": 65, "24h": 1440, "": 0, "0": 0, "25h": 0, "soon": 0, "-5": 0, "1e3": 0, "1h -5m": 0, "h": 0, "m": 0, " ": 0} {
		got, err := store.ParseMinutes(text)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q is %d, %v; want %d", text, got, err, want)
		}
		if want > 0 {
			if again, _ := store.ParseMinutes(store.FormatMinutes(want)); again != want {
				t.Errorf("%d is written %q", want, store.FormatMinutes(want))
			}
		}
	}
}

func TestTimeFollowersAndForwarding(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, ana, ben := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	number := submit(t, db, client, "Printer")
	spent := store.TimeSpent{ID: uuid.New(), Spent: "1h 20m", Note: "on the phone"}
	for range 2 { // the same form twice
		must(t, db.Store.AddTime(ctx, ana, number, spent))
	}
	must(t, db.Store.AddTime(ctx, ben, number, store.TimeSpent{ID: uuid.New(), Spent: "10"}))
	desk := func() store.Desk {
		desk, err := db.Store.Desk(ctx, ana, ticketOf(t, db, ana, number))
		must(t, err)
		return desk
	}
	if got := desk().Minutes; got != 90 {
		t.Errorf("%d minutes", got)
	}
	if got := entries(t, db, ana, number); !slices.Equal(got, []string{"created", "time_spent on the phone", "time_spent"}) {
		t.Errorf("timeline %q", got)
	}
	if err := db.Store.RemoveTime(ctx, ben, number, spent.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("somebody else's time: %v", err)
	}
	must(t, db.Store.RemoveTime(ctx, ana, number, spent.ID))
	if got := entries(t, db, ana, number); desk().Minutes != 10 || !slices.Equal(got, []string{"created", "time_spent"}) {
		t.Errorf("%d minutes, timeline %q", desk().Minutes, got)
	}

	must(t, db.Store.Follow(ctx, ana, number))
	must(t, db.Store.Follow(ctx, ana, number))
	forward := store.Forwarding{ID: uuid.New(), To: ben.UserID, Note: "Can you look?", Assign: true}
	for range 2 {
		must(t, db.Store.Forward(ctx, ana, number, forward))
	}
	if got := desk().Followers; len(got) != 2 || got[1].ID != ben.UserID {
		t.Errorf("followers %v", got)
	}
	if ticket := ticketOf(t, db, ana, number); !is(ticket.AgentID, ben.UserID) || ticket.Status != store.StatusOpen {
		t.Errorf("forwarded and given: %+v", ticket)
	}
	if got := entries(t, db, ana, number); !slices.Equal(got[2:], []string{"forward Can you look?", "status_change", "assignment"}) {
		t.Errorf("timeline %q", got)
	}
	refusedAt(t, db.Store.Forward(ctx, ana, number, store.Forwarding{ID: uuid.New(), To: client.UserID}), "to")
	refusedAt(t, db.Store.Forward(ctx, ana, number, store.Forwarding{ID: uuid.New(), To: ana.UserID}), "to")
	must(t, db.Store.Unfollow(ctx, ana, number))
	if got := desk().Followers; len(got) != 1 {
		t.Errorf("followers %v", got)
	}
	for name, err := range map[string]error{"follows": db.Store.Follow(ctx, client, number), "forwards": db.Store.Forward(ctx, client, number, forward),
		"adds time": db.Store.AddTime(ctx, client, number, spent), "wakes": db.Store.Wake(ctx, client, number), "unmerges": db.Store.Unmerge(ctx, client, number)} {
		if !errors.Is(err, store.ErrForbidden) {
			t.Errorf("a client %s: %v", name, err)
		}
	}
}

// shapings is one of everything that is the desk's own business.
func shapings(db *storetest.DB, agent, colleague store.Actor, number, other int64) map[string]func(context.Context) error {
	entry := uuid.New()
	return map[string]func(context.Context) error{
		"tag":      func(ctx context.Context) error { return db.Store.Tag(ctx, agent, number, "vip") },
		"untag":    func(ctx context.Context) error { return db.Store.Untag(ctx, agent, number, "vip") },
		"snooze":   func(ctx context.Context) error { return db.Store.Snooze(ctx, agent, number, store.SnoozeUntilAnswer) },
		"wake":     func(ctx context.Context) error { return db.Store.Wake(ctx, agent, number) },
		"link":     func(ctx context.Context) error { return db.Store.Link(ctx, agent, number, other, store.RoleRelated) },
		"follow":   func(ctx context.Context) error { return db.Store.Follow(ctx, agent, number) },
		"unfollow": func(ctx context.Context) error { return db.Store.Unfollow(ctx, agent, number) },
		"forward": func(ctx context.Context) error {
			return db.Store.Forward(ctx, agent, number, store.Forwarding{ID: uuid.New(), To: colleague.UserID, Note: "Look."})
		},
		"add time": func(ctx context.Context) error {
			return db.Store.AddTime(ctx, agent, number, store.TimeSpent{ID: entry, Spent: "5m"})
		},
		"remove time": func(ctx context.Context) error { return db.Store.RemoveTime(ctx, agent, number, entry) },
	}
}

func TestTheDesksShapingMovesNothingForTheClient(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, agent, ben := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	number, other := submit(t, db, client, "Printer"), submit(t, db, client, "Other")
	acts := shapings(db, agent, ben, number, other)
	for _, name := range []string{"tag", "untag", "snooze", "wake", "link", "follow", "forward", "unfollow", "add time", "remove time"} {
		before, err := db.Store.Thread(ctx, client, number, 0)
		must(t, err)
		lists, _ := db.Store.ListVersion(ctx, client)
		staff, _ := db.Store.TicketVersion(ctx, agent, number)
		must(t, acts[name](ctx))
		after, err := db.Store.Thread(ctx, client, number, 0)
		must(t, err)
		if !reflect.DeepEqual(after, before) {
			t.Errorf("%s changed the client's page:\n%+v\n%+v", name, before, after)
		}
		if now, _ := db.Store.ListVersion(ctx, client); now != lists {
			t.Errorf("%s moved the version of the client's lists", name)
		}
		if now, _ := db.Store.TicketVersion(ctx, agent, number); now <= staff {
			t.Errorf("%s left the staff's version at %d", name, now)
		}
	}
}
