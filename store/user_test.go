package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

func TestAnAdminChangesRolesAndActivity(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	ana := db.Person(t, store.Agent, "ana@example.com")

	user, err := db.Store.ChangeRole(ctx, admin, ana.UserID, store.RoleChange{Seen: store.Agent, Next: store.Admin})
	if err != nil || user.Role != store.Admin {
		t.Fatalf("%+v, %v", user, err)
	}
	_, err = db.Store.ChangeRole(ctx, admin, ana.UserID, store.RoleChange{Seen: store.Agent, Next: store.Client})
	if !errors.Is(err, store.ErrConflict) {
		t.Errorf("changing a role that is not the one seen: %v", err)
	}
	_, err = db.Store.ChangeRole(ctx, admin, ana.UserID, store.RoleChange{Next: "owner"})
	fieldOf(t, err, "role")
	for range 2 { // twice is once
		if user, err = db.Store.Deactivate(ctx, admin, ana.UserID, false); err != nil || user.Active {
			t.Errorf("%+v, %v", user, err)
		}
	}
	for range 2 {
		if user, err = db.Store.Reactivate(ctx, admin, ana.UserID); err != nil || !user.Active || user.Role != store.Admin {
			t.Errorf("%+v, %v", user, err)
		}
	}
	if _, err := db.Store.Deactivate(ctx, admin, uuid.New(), false); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

func TestTheLastActiveAdminStays(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	idle := db.Person(t, store.Admin, "idle@example.com")
	if _, err := db.Store.Deactivate(ctx, admin, idle.UserID, false); err != nil {
		t.Fatal(err)
	}
	_, err := db.Store.Deactivate(ctx, admin, admin.UserID, false)
	fieldOf(t, err, "")
	for _, role := range []store.Role{store.Agent, store.Client} {
		_, err = db.Store.ChangeRole(ctx, admin, admin.UserID, store.RoleChange{Next: role})
		fieldOf(t, err, "")
	}
	if n := count(t, db, `SELECT count(*) FROM users WHERE user_role = 'admin' AND active`); n != 1 {
		t.Errorf("%d active admins", n)
	}
}

func TestTwoAdminsWhoPutEachOtherOutLeaveOne(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	one := db.Person(t, store.Admin, "one@example.com")
	two := db.Person(t, store.Admin, "two@example.com")
	for round := range 20 {
		var both sync.WaitGroup
		errs := make([]error, 2)
		both.Go(func() { _, errs[0] = db.Store.Deactivate(ctx, one, two.UserID, false) })
		both.Go(func() {
			_, errs[1] = db.Store.ChangeRole(ctx, two, one.UserID, store.RoleChange{Next: store.Agent})
		})
		both.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("round %d: %v and %v", round, errs[0], errs[1])
		}
		fieldOf(t, errors.Join(errs...), "")
		if n := count(t, db, `SELECT count(*) FROM users WHERE user_role = 'admin' AND active`); n != 1 {
			t.Fatalf("round %d: %d active admins", round, n)
		}
		db.Exec(t, `UPDATE users SET user_role = 'admin', active = true`)
	}
}

func TestWhoStopsWorkingOnTicketsGivesThemBack(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	client := db.Person(t, store.Client, "cleo@example.com")
	setting := func(email string) (agent store.Actor, open, resolved int64) {
		agent = db.Person(t, store.Agent, email)
		open, resolved = submit(t, db, client, "Open"), submit(t, db, client, "Resolved")
		for _, number := range []int64{open, resolved} {
			if err := db.Store.Take(ctx, agent, number); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Store.ChangeStatus(ctx, agent, resolved, store.StatusOpen, store.StatusResolved); err != nil {
			t.Fatal(err)
		}
		return agent, open, resolved
	}
	has := func(number int64, agent store.Actor) bool {
		return count(t, db, `SELECT count(*) FROM tickets WHERE number = $1 AND agent_id = $2`, number, agent.UserID) == 1
	}
	for _, c := range []struct {
		name  string
		keeps bool
		do    func(agent store.Actor) error
	}{
		{"deactivated", false, func(a store.Actor) error {
			_, err := db.Store.Deactivate(ctx, admin, a.UserID, false)
			return err
		}},
		{"deactivated and left with them", true, func(a store.Actor) error {
			_, err := db.Store.Deactivate(ctx, admin, a.UserID, true)
			return err
		}},
		{"client", false, func(a store.Actor) error {
			_, err := db.Store.ChangeRole(ctx, admin, a.UserID, store.RoleChange{Next: store.Client})
			return err
		}},
		{"admin", true, func(a store.Actor) error {
			_, err := db.Store.ChangeRole(ctx, admin, a.UserID, store.RoleChange{Next: store.Admin})
			return err
		}},
	} {
		agent, open, resolved := setting(strings.ReplaceAll(c.name, " ", "-") + "@example.com")
		if err := c.do(agent); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if has(open, agent) != c.keeps || !has(resolved, agent) {
			t.Errorf("%s: has the open one %t, the resolved one %t", c.name, has(open, agent), has(resolved, agent))
		}
		said := count(t, db, `
			SELECT count(*) FROM ticket_activities a JOIN tickets t ON t.id = a.ticket_id
			WHERE t.number = $1 AND a.activity_type = 'assignment' AND a.user_id = $2 AND a.metadata ->> 'to' IS NULL`, open, admin.UserID)
		if said == 1 == c.keeps {
			t.Errorf("%s: the timeline says it %d times", c.name, said)
		}
	}
	assignable, err := db.Store.Assignable(ctx, admin)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range assignable {
		names = append(names, a.FullName)
	}
	if !slices.Equal(names, []string{"Admin", "Root"}) {
		t.Errorf("assignable are %v", names)
	}
	if assignable[0].OpenTickets != 1 {
		t.Errorf("the load is %d", assignable[0].OpenTickets)
	}
}

func TestUsersPageByNameAndFilter(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	// Many of one name: the key alone does not tell them apart.
	db.Exec(t, `
		INSERT INTO users (email, full_name, user_role, active)
		SELECT 'p' || i || '@example.com', CASE WHEN i % 3 = 0 THEN 'Same Name' ELSE 'Person ' || i END,
		       CASE WHEN i % 5 = 0 THEN 'agent' ELSE 'client' END, i % 4 <> 0
		FROM generate_series(1, 59) i`)
	rows, err := db.Owner.Query(ctx, `SELECT email FROM users ORDER BY lower(full_name), id`)
	if err != nil {
		t.Fatal(err)
	}
	want, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	filter := store.UserFilter{Limit: 7}
	var last store.UserPage
	for {
		if last, err = db.Store.Users(ctx, admin, filter); err != nil {
			t.Fatal(err)
		}
		for _, u := range last.Users {
			got = append(got, u.Email)
		}
		if last.Next == "" {
			break
		}
		filter.After = last.Next
	}
	if !slices.Equal(got, want) {
		t.Errorf("forward:\n got %v\nwant %v", got, want)
	}
	back := len(last.Users)
	for last.Previous != "" {
		if last, err = db.Store.Users(ctx, admin, store.UserFilter{Limit: 7, Before: last.Previous}); err != nil {
			t.Fatal(err)
		}
		back += len(last.Users)
	}
	if back != 60 || last.Users[0].Email != want[0] {
		t.Errorf("backward found %d, ending at %s", back, last.Users[0].Email)
	}
	for _, c := range []struct {
		filter store.UserFilter
		want   int
	}{
		{store.UserFilter{Role: store.Admin}, 1},
		{store.UserFilter{Role: store.Agent}, 11},
		{store.UserFilter{Inactive: true}, 14},
		{store.UserFilter{Search: "SAME name"}, 19},
		{store.UserFilter{Search: "p17@"}, 1},
		{store.UserFilter{Search: "%"}, 0},
		{store.UserFilter{Search: "\x00'\xff"}, 0},
	} {
		page, err := db.Store.Users(ctx, admin, c.filter)
		if err != nil || len(page.Users) != c.want {
			t.Errorf("%+v: %d, %v", c.filter, len(page.Users), err)
		}
	}
	for _, hostile := range []store.UserFilter{{Role: "owner"}, {After: "x"}, {Before: "\x00"}} {
		if _, err := db.Store.Users(ctx, admin, hostile); !errors.As(err, new(*store.Invalid)) {
			t.Errorf("%+v: %v", hostile, err)
		}
	}
}

// Whatever the handlers do, the database lets nobody but an admin near invitations, roles and activity: asked
// through the verbs and by hand as that person.
func TestOnlyAnAdminReachesInvitationsAndRoles(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	other := db.Person(t, store.Agent, "other@example.com")
	invitation, _, err := db.Store.Invite(ctx, admin, "open@example.com", store.Agent)
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range []store.Role{store.Client, store.Agent} {
		actor := db.Person(t, role, string(role)+"@example.com")
		if _, _, err := db.Store.Invite(ctx, actor, "friend@example.com", store.Admin); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("%s invites: %v", role, err)
		}
		if _, _, err := db.Store.RenewInvitation(ctx, actor, invitation.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s renews: %v", role, err)
		}
		if _, err := db.Store.RevokeInvitation(ctx, actor, invitation.ID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s revokes: %v", role, err)
		}
		if page, err := db.Store.Invitations(ctx, actor, store.InvitationFilter{}); err != nil || len(page.Invitations) != 0 {
			t.Errorf("%s lists %d invitations, %v", role, len(page.Invitations), err)
		}
		if _, err := db.Store.ChangeRole(ctx, actor, actor.UserID, store.RoleChange{Next: store.Admin}); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("%s makes itself an admin: %v", role, err)
		}
		if _, err := db.Store.ChangeRole(ctx, actor, other.UserID, store.RoleChange{Next: store.Client}); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s changes another's role: %v", role, err)
		}
		if _, err := db.Store.Deactivate(ctx, actor, other.UserID, false); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s deactivates: %v", role, err)
		}
		for sql, denied := range map[string]bool{
			`SELECT id FROM invitations`: false, `UPDATE invitations SET revoked_at = now()`: false,
			`UPDATE invitations SET accepted_at = now()`: true, `DELETE FROM invitations`: true, `SELECT token_hash FROM invitations`: true,
			`INSERT INTO invitations (email, user_role, token_hash, expires_at) VALUES ('x@example.com', 'admin', sha256('x'), now() + interval '1 day')`: true,
			`UPDATE users SET user_role = 'client' WHERE user_role = 'admin'`:                                                                             false,
			`UPDATE users SET active = false WHERE id <> auth.uid()`:                                                                                      false,
			`UPDATE users SET user_role = 'admin' WHERE id = auth.uid()`:                                                                                  true,
			`UPDATE users SET password_hash = '' WHERE id = auth.uid()`:                                                                                   true,
			`INSERT INTO users (email, full_name, user_role) VALUES ('x@example.com', 'X', 'admin')`:                                                      true,
			`DELETE FROM users`: true, `SELECT password_hash FROM users`: true,
		} {
			n, err := byHand(t, db, actor, sql)
			if denied && err == nil || !denied && (err != nil || n != 0) {
				t.Errorf("%s: %s reached %d rows, %v", role, sql, n, err)
			}
		}
	}
	// An admin's own hands are tied as well: the token and who accepted are not theirs to write or read.
	for _, sql := range []string{`SELECT token_hash FROM invitations`, `UPDATE invitations SET accepted_at = now()`,
		`SELECT password_hash FROM users`, `UPDATE users SET email = 'x@example.com'`} {
		if _, err := byHand(t, db, admin, sql); err == nil {
			t.Errorf("an admin may %s", sql)
		}
	}
	if n, err := byHand(t, db, admin, `SELECT id FROM invitations`); err != nil || n != 1 {
		t.Errorf("an admin sees %d invitations, %v: this test proves nothing", n, err)
	}
}

// byHand runs sql as the database takes actor, and rolls back.
func byHand(t testing.TB, db *storetest.DB, actor store.Actor, sql string) (rows int64, err error) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	if _, err := tx.Exec(ctx, `SELECT set_config('request.jwt.claims', $1, true)`, string(actor.Claims)); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, `SET LOCAL ROLE authenticated`); err != nil {
		t.Fatal(err)
	}
	tag, err := tx.Exec(ctx, sql)
	return tag.RowsAffected(), err
}
