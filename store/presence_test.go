package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"
)

// told counts the events under each topic of presence since the last call.
func told(t *testing.T, db *storetest.DB, last *int64) map[string]int {
	t.Helper()
	rows, err := db.Owner.Query(context.Background(), `SELECT id, topic FROM events WHERE id > $1 AND topic LIKE 'presence%' ORDER BY id`, *last)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	topics := map[string]int{}
	for rows.Next() {
		var topic string
		if err := rows.Scan(last, &topic); err != nil {
			t.Fatal(err)
		}
		topics[topic]++
	}
	return topics
}

// present says who is at the ticket as who sees it, such as "Ana writing, Ben".
func present(t *testing.T, db *storetest.DB, who store.Actor, number int64) string {
	t.Helper()
	list, _, err := db.Store.Presences(context.Background(), who, number)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range list {
		name := p.FullName
		if p.Writing {
			name += " writing"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func TestOnlyWhatOthersSeeOfAPresenceIsTold(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Admin, "ben@example.com")
	number := submit(t, db, client, "Printer")
	upkeep, err := store.OpenUpkeep(ctx, db.URL, db.Files, store.EventRetention)
	if err != nil {
		t.Fatal(err)
	}
	defer upkeep.Close()
	attend := func(page string, writing bool) func() error {
		return func() error { return db.Store.Attend(ctx, ana, number, page, writing) }
	}
	leave := func(page string) func() error {
		return func() error { return db.Store.Leave(ctx, ana, number, page) }
	}
	sql := func(statement string) func() error {
		return func() error {
			if _, err := db.Owner.Exec(ctx, statement); err != nil {
				return err
			}
			return upkeep.ForgetPresences(ctx)
		}
	}
	var last int64
	told(t, db, &last)
	for _, step := range []struct {
		name string
		do   func() error
		want string // what ben sees
		told bool
	}{
		{"comes", attend("one", false), "Ana", true},
		{"is still there", attend("one", false), "Ana", false},
		{"opens a second tab", attend("two", false), "Ana", false},
		{"writes in it", attend("two", true), "Ana writing", true},
		{"writes on", attend("two", true), "Ana writing", false},
		{"looks at the first", attend("one", false), "Ana writing", false},
		{"writes in both", attend("one", true), "Ana writing", false},
		{"stops in one", attend("one", false), "Ana writing", false},
		{"closes the one that writes", leave("two"), "Ana", true},
		{"closes what is closed", leave("two"), "Ana", false},
		{"a sign of life moves the end", sql(`UPDATE presences SET expires_at = now() + interval '1 hour'`), "Ana", false},
		{"says nothing any more", sql(`UPDATE presences SET expires_at = now()`), "", true},
		{"comes back", attend("one", true), "Ana writing", true},
		{"signs out", func() error { return db.Store.SignOut(ctx, ana) }, "", true},
		{"is late with a sign of life", attend("one", false), "", false},
		{"comes again", func() error {
			ana = db.Session(t, ana)
			return attend("one", false)()
		}, "Ana", true},
		{"is deactivated", sql(`UPDATE users SET active = false WHERE email = 'ana@example.com'`), "", true},
		{"once more", attend("one", false), "Ana", true},
		{"becomes a customer", sql(`UPDATE users SET user_role = 'client' WHERE email = 'ana@example.com'`), "", true},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := present(t, db, ben, number); got != step.want {
			t.Errorf("%s: ben sees %q, want %q", step.name, got, step.want)
		}
		topics := told(t, db, &last)
		if (topics[store.PresenceTopic(number)] > 0) != step.told || (topics["presences"] > 0) != step.told {
			t.Errorf("%s: told %v, want %v", step.name, topics, step.told)
		}
	}
}

func TestPresenceIsOfTheStaffAlone(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, ana := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	number := submit(t, db, client, "Printer")
	lists, _ := db.Store.ListVersion(ctx, client)
	ticket, _ := db.Store.Ticket(ctx, ana, number)
	if err := db.Store.Attend(ctx, ana, number, "one", true); err != nil {
		t.Fatal(err)
	}
	if got := present(t, db, client, number); got != "" {
		t.Errorf("the client sees %q", got)
	}
	if now, _ := db.Store.ListVersion(ctx, client); now != lists {
		t.Error("presence moves the version of the client's lists")
	}
	if now, _ := db.Store.Ticket(ctx, ana, number); !reflect.DeepEqual(now, ticket) {
		t.Error("presence changes the ticket")
	}
	if events, err := db.Store.EventsAfter(ctx, client, lists, 100); err != nil || len(events) != 0 {
		t.Errorf("the client is told %v, %v", events, err)
	}
	if err := db.Store.Attend(ctx, client, number, "one", false); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("the client attends: %v", err)
	}
	if err := db.Store.Attend(ctx, ana, number+1, "one", false); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("at a ticket that is not there: %v", err)
	}
	var wrong *store.Invalid
	for _, page := range []string{"", strings.Repeat("x", 65)} {
		if err := db.Store.Attend(ctx, ana, number, page, false); !errors.As(err, &wrong) {
			t.Errorf("a page called %q: %v", page, err)
		}
	}
}

// TestTabsThatCloseAtOnce has each of two closing tabs take the other into account: the last one out is told.
func TestTabsThatCloseAtOnce(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	ana := db.Person(t, store.Agent, "ana@example.com")
	number := submit(t, db, db.Person(t, store.Client, "cleo@example.com"), "Printer")
	var last int64
	for round := range 20 {
		pages := []string{"one", "two"}
		for _, page := range pages {
			if err := db.Store.Attend(ctx, ana, number, page, false); err != nil {
				t.Fatal(err)
			}
		}
		told(t, db, &last)
		var group sync.WaitGroup
		for _, page := range pages {
			group.Go(func() {
				if err := db.Store.Leave(ctx, ana, number, page); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if topics := told(t, db, &last); topics["presences"] == 0 {
			t.Fatalf("round %d: both tabs are closed and nobody was told", round)
		}
	}
}

// TestSignsOfLifeHardlyWrite holds that a page which only stays makes a write every other time at most.
func TestSignsOfLifeHardlyWrite(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	ana := db.Person(t, store.Agent, "ana@example.com")
	number := submit(t, db, db.Person(t, store.Client, "cleo@example.com"), "Printer")
	var versions []string
	for range 5 {
		if err := db.Store.Attend(ctx, ana, number, "one", false); err != nil {
			t.Fatal(err)
		}
		var version string
		if err := db.Owner.QueryRow(ctx, `SELECT xmin::text || ' ' || xmax::text FROM presences`).Scan(&version); err != nil {
			t.Fatal(err)
		}
		versions = append(versions, version)
	}
	if len(slices.Compact(versions)) != 1 {
		t.Errorf("signs of life right after one another wrote: %s", fmt.Sprint(versions))
	}
}
