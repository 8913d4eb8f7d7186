package store_test

import (
	"context"
	"errors"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"
)

func probes(t *testing.T, db *storetest.DB) *store.Probes {
	t.Helper()
	p, err := store.OpenProbes(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// A probe can come in, stands in no list and no figure, and is gone afterwards with all that was its.
func TestProbesAreNobody(t *testing.T) {
	t.Parallel()
	db, ctx := storetest.New(t), context.Background()
	admin := db.Person(t, store.Admin, "adam@example.com")
	p := probes(t, db)
	for _, role := range store.Roles {
		token, err := p.Start(ctx, role)
		if err != nil {
			t.Fatal(err)
		}
		who, err := db.Store.ActorByToken(ctx, token, role, "https://example.com", false)
		if err != nil || who.Role != role {
			t.Fatalf("the probe comes in as %q: %v", who.Role, err)
		}
	}
	people, err := db.Store.Users(ctx, admin, store.UserFilter{})
	if err != nil || len(people.Users) != 1 {
		t.Errorf("%d people are listed, %v", len(people.Users), err)
	}
	if found, err := db.Store.Users(ctx, admin, store.UserFilter{Search: "probe"}); err != nil || len(found.Users) != 0 {
		t.Errorf("%d probes are found, %v", len(found.Users), err)
	}
	assignable, err := db.Store.Assignable(ctx, admin)
	if err != nil || len(assignable) != 1 {
		t.Errorf("%d people can be given tickets, %v", len(assignable), err)
	}
	overview, err := db.Store.AdminDashboard(ctx, admin)
	if err != nil || overview.ActivePeople != 0 || len(overview.Load) != 0 {
		t.Errorf("the overview counts %d people, %d with tickets, %v", overview.ActivePeople, len(overview.Load), err)
	}

	// Somebody who knows its id gave it a ticket.
	db.Exec(t, `
		INSERT INTO tickets (client_id, agent_id, subject, description)
		SELECT $1, id, 'Given', 'Given' FROM users WHERE user_role = 'agent'`, admin.UserID)
	if err := p.Remove(ctx); err != nil {
		t.Fatal(err)
	}
	var users, sessions, unassigned int
	if err := db.Owner.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM sessions), (SELECT count(*) FROM tickets WHERE agent_id IS NULL)`).
		Scan(&users, &sessions, &unassigned); err != nil || users != 1 || sessions != 1 || unassigned != 1 {
		t.Errorf("left are %d users, %d sessions; %d tickets are nobody's; %v", users, sessions, unassigned, err)
	}
}

// The canary is an event for each role and a ticket for nobody, and takes no number from the tickets.
func TestCanary(t *testing.T) {
	t.Parallel()
	db, ctx := storetest.New(t), context.Background()
	events, err := store.OpenEventLog(ctx, db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer events.Close()
	p := probes(t, db)
	token, err := p.Start(ctx, store.Client)
	if err != nil {
		t.Fatal(err)
	}
	client, err := db.Store.ActorByToken(ctx, token, store.Client, "https://example.com", false)
	if err != nil {
		t.Fatal(err)
	}
	before, err := events.Extent(ctx)
	if err != nil {
		t.Fatal(err)
	}
	topic, err := p.Canary(ctx)
	if err != nil {
		t.Fatal(err)
	}
	made, _, err := events.After(ctx, before.Head, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, viewer := range []store.Actor{client, {Role: store.Agent}, {Role: store.Admin}} {
		told := false
		for _, event := range made {
			for _, signal := range event.Signals(viewer) {
				told = told || signal.Topic == topic
			}
		}
		if !told {
			t.Errorf("%s is not told of %s", viewer.Role, topic)
		}
	}
	var tickets, activities int
	var untouched bool
	if err := db.Owner.QueryRow(ctx, `SELECT (SELECT count(*) FROM tickets), (SELECT count(*) FROM ticket_activities), NOT (SELECT is_called FROM ticket_numbers)`).
		Scan(&tickets, &activities, &untouched); err != nil || tickets != 0 || activities != 0 || !untouched {
		t.Errorf("left are %d tickets, %d activities; the numbers are untouched: %t; %v", tickets, activities, untouched, err)
	}
	if err := p.Remove(ctx); err != nil {
		t.Fatal(err)
	}
}

// A probe never becomes the only admin: the last one stays.
func TestNoProbeWithoutAnAdmin(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	p := probes(t, db)
	if _, err := p.Start(t.Context(), store.Admin); !errors.Is(err, store.ErrNoAdmin) {
		t.Errorf("it answers %v", err)
	}
}

// Nor does it count as one: with a probe about, the last admin stays all the same, and the probe goes.
func TestAProbeIsNotAnotherAdmin(t *testing.T) {
	t.Parallel()
	db, ctx := storetest.New(t), context.Background()
	admin := db.Person(t, store.Admin, "adam@example.com")
	p := probes(t, db)
	if _, err := p.Start(ctx, store.Admin); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Owner.Exec(ctx, `UPDATE users SET active = false WHERE id = $1`, admin.UserID); err == nil {
		t.Error("the last admin was deactivated beside a probe")
	}
	if err := p.Remove(ctx); err != nil {
		t.Errorf("the probe stays: %v", err)
	}
}

// What a doctor left behind that was killed goes with the next doctor, but not what another one works with.
func TestForgottenProbes(t *testing.T) {
	t.Parallel()
	db, ctx := storetest.New(t), context.Background()
	person := db.Person(t, store.Client, "cora@example.com")
	killed, atWork := probes(t, db), probes(t, db)
	if _, err := killed.Start(ctx, store.Client); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, `UPDATE users SET created_at = created_at - interval '1 hour'`)
	if _, err := atWork.Start(ctx, store.Agent); err != nil {
		t.Fatal(err)
	}
	probes(t, db)
	var roles string
	var kept bool
	if err := db.Owner.QueryRow(ctx, `SELECT string_agg(user_role, ' ' ORDER BY user_role), bool_or(id = $1) FROM users`, person.UserID).
		Scan(&roles, &kept); err != nil || roles != "agent client" || !kept {
		t.Errorf("there are %s, the person %t, %v", roles, kept, err)
	}
}
