package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const goodPassword = "correct horse battery"

func reasonOf(err error) store.InvitationReason {
	var refused *store.InvitationError
	if errors.As(err, &refused) {
		return refused.Reason
	}
	return ""
}

func fieldOf(t *testing.T, err error, field string) string {
	t.Helper()
	var bad *store.Invalid
	if !errors.As(err, &bad) || bad.Fields[field] == "" {
		t.Fatalf("want a sentence for %q, got %v", field, err)
	}
	return bad.Fields[field]
}

func TestAnInvitationMakesOneAccountOfItsRole(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	for _, role := range store.Roles {
		email := string(role) + "@invited.example"
		invitation, token, err := db.Store.Invite(ctx, admin, "  "+email+" ", role)
		if err != nil {
			t.Fatal(err)
		}
		if invitation.State() != store.InvitationOpen || invitation.Email != email || invitation.InviterName != "Root" {
			t.Errorf("invited: %+v", invitation)
		}
		if life := invitation.ExpiresAt.Sub(invitation.CreatedAt).Round(time.Minute); life != 24*time.Hour {
			t.Errorf("the link lives %s", life)
		}
		seen, err := db.Store.CheckInvitation(ctx, token, role)
		if err != nil || seen.Email != email {
			t.Fatalf("check: %+v, %v", seen, err)
		}
		id, err := db.Store.AcceptInvitation(ctx, token, role, " Ana Lopez ", goodPassword)
		if err != nil {
			t.Fatal(err)
		}
		user, err := db.Store.User(ctx, admin, id)
		if err != nil || user.Email != email || user.Role != role || user.FullName != "Ana Lopez" || !user.Active {
			t.Errorf("made %+v, %v", user, err)
		}
		_, err = db.Store.AcceptInvitation(ctx, token, role, "Ana Lopez", goodPassword)
		if reasonOf(err) != store.InvitationUsed {
			t.Errorf("a second time: %v", err)
		}
	}
}

func TestTwentyWhoRaceForOneLinkMakeOneAccount(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	_, token, err := db.Store.Invite(ctx, admin, "ana@example.com", store.Agent)
	if err != nil {
		t.Fatal(err)
	}
	var won, used sync.Map
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range 20 {
		all.Go(func() {
			<-start
			id, err := db.Store.AcceptInvitation(ctx, token, store.Agent, fmt.Sprintf("Racer %d", i), goodPassword)
			switch {
			case err == nil:
				won.Store(i, id)
			case reasonOf(err) == store.InvitationUsed:
				used.Store(i, true)
			default:
				t.Errorf("racer %d: %v", i, err)
			}
		})
	}
	close(start)
	all.Wait()
	if n, m := length(&won), length(&used); n != 1 || m != 19 {
		t.Errorf("%d got an account, %d were told the link is used", n, m)
	}
	if n := count(t, db, `SELECT count(*) FROM users WHERE email = 'ana@example.com'`); n != 1 {
		t.Errorf("%d accounts", n)
	}
}

func TestWhyALinkIsNoGood(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	invite := func(email string) (store.Invitation, string) {
		invitation, token, err := db.Store.Invite(ctx, admin, email, store.Agent)
		if err != nil {
			t.Fatal(err)
		}
		return invitation, token
	}
	expired, expiredToken := invite("expired@example.com")
	db.Exec(t, `UPDATE invitations SET expires_at = now() - interval '1 second' WHERE id = $1`, expired.ID)
	revoked, revokedToken := invite("revoked@example.com")
	if _, err := db.Store.RevokeInvitation(ctx, admin, revoked.ID); err != nil {
		t.Fatal(err)
	}
	replaced, replacedToken := invite("replaced@example.com")
	if _, _, err := db.Store.RenewInvitation(ctx, admin, replaced.ID); err != nil {
		t.Fatal(err)
	}
	_, openToken := invite("open@example.com")

	for _, c := range []struct {
		name, token string
		portal      store.Role
		reason      store.InvitationReason
	}{
		{"expired", expiredToken, store.Agent, store.InvitationTooLate},
		{"expired and elsewhere", expiredToken, store.Client, store.InvitationTooLate},
		{"revoked", revokedToken, store.Agent, store.InvitationWithdrawn},
		{"replaced by a newer link", replacedToken, store.Agent, store.InvitationUnknown},
		{"on the client portal", openToken, store.Client, store.InvitationElsewhere},
		{"on the admin portal", openToken, store.Admin, store.InvitationElsewhere},
		{"cut off", openToken[:42], store.Agent, store.InvitationUnknown},
		{"empty", "", store.Agent, store.InvitationUnknown},
		{"hostile", "' OR true --\x00", store.Agent, store.InvitationUnknown},
	} {
		_, err := db.Store.CheckInvitation(ctx, c.token, c.portal)
		if reasonOf(err) != c.reason {
			t.Errorf("%s: checking says %v", c.name, err)
		}
		_, err = db.Store.AcceptInvitation(ctx, c.token, c.portal, "Ana", goodPassword)
		if reasonOf(err) != c.reason {
			t.Errorf("%s: accepting says %v", c.name, err)
		}
		var refused *store.InvitationError
		if errors.As(err, &refused) && c.reason != store.InvitationUnknown && refused.Role != store.Agent {
			t.Errorf("%s: names the role %q", c.name, refused.Role)
		}
	}
	if n := count(t, db, `SELECT count(*) FROM users`); n != 1 {
		t.Errorf("%d accounts: a dead link made one", n)
	}
}

func TestOnlyTheHashOfATokenIsKept(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	invitation, token, err := db.Store.Invite(ctx, admin, "ana@example.com", store.Agent)
	if err != nil {
		t.Fatal(err)
	}
	if len(token) != 43 {
		t.Errorf("token %q is not 32 bytes in base64url", token)
	}
	hash := sha256.Sum256([]byte(token))
	if n := count(t, db, `SELECT count(*) FROM invitations WHERE id = $1 AND token_hash = $2`, invitation.ID, hash[:]); n != 1 {
		t.Error("the hash is not the token's SHA-256")
	}
	var everything string
	err = db.Owner.QueryRow(ctx, `
		SELECT coalesce(string_agg(i::text, ''), '') || (SELECT coalesce(string_agg(e::text, ''), '') FROM events e)
		FROM invitations i`).Scan(&everything)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(everything, token) {
		t.Error("the token itself stands in the database")
	}
	if strings.Contains(everything, "token_hash") {
		t.Error("the event log tells of hashes")
	}
}

func TestInvitingSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	db.Person(t, store.Client, "taken@example.com")
	open, _, err := db.Store.Invite(ctx, admin, "open@example.com", store.Agent)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		email, field string
		role         store.Role
	}{
		{"", "email", store.Agent},
		{"ana", "email", store.Agent},
		{"ana@", "email", store.Agent},
		{"@example.com", "email", store.Agent},
		{"ana@example", "email", store.Agent},
		{"ana@exa mple.com", "email", store.Agent},
		{"ana@@example.com", "email", store.Agent},
		{"Ana <ana@example.com>", "email", store.Agent},
		{`"ana"@example.com`, "email", store.Agent},
		{"ana@example.com\x00", "email", store.Agent},
		{"ana@example.com\r\nBcc: all@example.com", "email", store.Agent},
		{"ana\u202e@example.com", "email", store.Agent},
		{"\xff@example.com", "email", store.Agent},
		{"a@example.com, b@example.com", "email", store.Agent},
		{strings.Repeat("a", 65) + "@example.com", "email", store.Agent},
		{"a@" + strings.Repeat("example.", 40) + "com", "email", store.Agent},
		{"ana@example.com", "role", "owner"},
		{"ana@example.com", "role", ""},
		{"TAKEN@example.com", "email", store.Agent},
		{"Open@Example.com", "email", store.Admin},
	} {
		_, token, err := db.Store.Invite(ctx, admin, c.email, c.role)
		if err == nil {
			t.Errorf("%q as %q was invited", c.email, c.role)
			continue
		}
		fieldOf(t, err, c.field)
		if token != "" {
			t.Errorf("%q: a token came with the refusal", c.email)
		}
	}
	var already *store.AlreadyInvited
	if _, _, err := db.Store.Invite(ctx, admin, "OPEN@example.com", store.Agent); !errors.As(err, &already) || already.Invitation.ID != open.ID {
		t.Errorf("an open invitation in the way: %v", err)
	}
	if n := count(t, db, `SELECT count(*) FROM invitations`); n != 1 {
		t.Errorf("%d invitations", n)
	}
}

func TestTwentyWhoInviteOneAddressMakeOneInvitation(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	lapsed, _, err := db.Store.Invite(ctx, admin, "ana@example.com", store.Client)
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, `UPDATE invitations SET expires_at = now() - interval '1 hour' WHERE id = $1`, lapsed.ID)
	var won, told sync.Map
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			_, _, err := db.Store.Invite(ctx, admin, "ana@example.com", store.Agent)
			var already *store.AlreadyInvited
			switch {
			case err == nil:
				won.Store(i, true)
			case errors.As(err, &already):
				told.Store(i, true)
			default:
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	all.Wait()
	if n, m := length(&won), length(&told); n != 1 || m != 19 {
		t.Errorf("%d invited, %d were told", n, m)
	}
	page, err := db.Store.Invitations(ctx, admin, store.InvitationFilter{})
	if err != nil || len(page.Invitations) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	if page.Invitations[0].State() != store.InvitationOpen || page.Invitations[1].State() != store.InvitationExpired {
		t.Errorf("states %s, %s", page.Invitations[0].State(), page.Invitations[1].State())
	}
}

func TestNewLinkAndRevoke(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	first, old, err := db.Store.Invite(ctx, admin, "ana@example.com", store.Agent)
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, `UPDATE invitations SET expires_at = now() - interval '1 hour' WHERE id = $1`, first.ID)
	renewed, token, err := db.Store.RenewInvitation(ctx, admin, first.ID)
	if err != nil || token == old || renewed.State() != store.InvitationOpen {
		t.Fatalf("renewed %+v, %v", renewed, err)
	}
	if _, err := db.Store.CheckInvitation(ctx, token, store.Agent); err != nil {
		t.Errorf("the new link: %v", err)
	}
	for range 2 { // revoking twice is once
		if revoked, err := db.Store.RevokeInvitation(ctx, admin, first.ID); err != nil || revoked.State() != store.InvitationRevoked {
			t.Errorf("revoked %+v, %v", revoked, err)
		}
	}
	_, _, err = db.Store.RenewInvitation(ctx, admin, first.ID)
	fieldOf(t, err, "")

	second, token, err := db.Store.Invite(ctx, admin, "ana@example.com", store.Agent)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Store.AcceptInvitation(ctx, token, store.Agent, "Ana", goodPassword); err != nil {
		t.Fatal(err)
	}
	_, err = db.Store.RevokeInvitation(ctx, admin, second.ID)
	fieldOf(t, err, "")
	_, _, err = db.Store.RenewInvitation(ctx, admin, second.ID)
	fieldOf(t, err, "")
	if _, err := db.Store.RevokeInvitation(ctx, admin, uuid.New()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("revoking what does not exist: %v", err)
	}
}

func TestAnAddressThatGotAnAccountMeanwhile(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	invitation, token, err := db.Store.Invite(ctx, admin, "ana@example.com", store.Agent)
	if err != nil {
		t.Fatal(err)
	}
	db.Person(t, store.Client, "ANA@example.com")
	_, err = db.Store.AcceptInvitation(ctx, token, store.Agent, "Ana", goodPassword)
	fieldOf(t, err, "email")
	_, _, err = db.Store.RenewInvitation(ctx, admin, invitation.ID)
	fieldOf(t, err, "")
	if _, err := db.Store.CheckInvitation(ctx, token, store.Agent); err != nil {
		t.Errorf("the refused attempt spent the link: %v", err)
	}
}

func TestAcceptingSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	_, token, err := db.Store.Invite(ctx, admin, "ana@example.com", store.Agent)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, password, field string }{
		{"", goodPassword, "full_name"},
		{"  \u200b ", goodPassword, "full_name"},
		{"Ana\x00", goodPassword, "full_name"},
		{"\xff\xfe", goodPassword, "full_name"},
		{"Ana \u202egnp", goodPassword, "full_name"},
		{strings.Repeat("ü", 121), goodPassword, "full_name"},
		{"Ana", "", "password"},
		{"Ana", "short", "password"},
		{"Ana", strings.Repeat("x", 201), "password"},
	} {
		_, err := db.Store.AcceptInvitation(ctx, token, store.Agent, c.name, c.password)
		fieldOf(t, err, c.field)
	}
	if n := count(t, db, `SELECT count(*) FROM users`); n != 1 {
		t.Errorf("%d accounts", n)
	}
	if _, err := db.Store.AcceptInvitation(ctx, token, store.Agent, strings.Repeat("ü", 120), goodPassword); err != nil {
		t.Errorf("the longest name: %v", err)
	}
}

func TestInvitationsPageByKeyAndFilter(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	// Many of one moment: the key alone does not tell them apart.
	db.Exec(t, `
		INSERT INTO invitations (email, user_role, token_hash, created_at, expires_at, accepted_at, revoked_at)
		SELECT 'p' || i || '@example.com', 'agent', sha256(i::text::bytea), now() - (i / 10) * interval '1 day',
		       CASE WHEN i % 4 IN (0, 2) THEN now() - interval '1 hour' ELSE now() + interval '1 hour' END,
		       CASE WHEN i % 4 = 3 THEN now() END,
		       CASE WHEN i % 8 = 1 THEN now() WHEN i % 8 = 4 THEN now() END
		FROM generate_series(1, 60) i`)
	var want []string
	rows, err := db.Owner.Query(ctx, `SELECT email FROM invitations ORDER BY created_at DESC, id`)
	if err != nil {
		t.Fatal(err)
	}
	if want, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		t.Fatal(err)
	}
	var got []string
	filter := store.InvitationFilter{Limit: 7}
	var last store.InvitationPage
	for {
		page, err := db.Store.Invitations(ctx, admin, filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Invitations {
			got = append(got, i.Email)
		}
		last = page
		if page.Next == "" {
			break
		}
		filter.After = page.Next
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("forward:\n got %v\nwant %v", got, want)
	}
	back := len(last.Invitations)
	for last.Previous != "" {
		if last, err = db.Store.Invitations(ctx, admin, store.InvitationFilter{Limit: 7, Before: last.Previous}); err != nil {
			t.Fatal(err)
		}
		back += len(last.Invitations)
	}
	if back != 60 || last.Invitations[0].Email != want[0] {
		t.Errorf("backward found %d, ending at %s", back, last.Invitations[0].Email)
	}

	found := 0
	for _, state := range store.InvitationStates {
		page, err := db.Store.Invitations(ctx, admin, store.InvitationFilter{State: state})
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Invitations {
			if i.State() != state {
				t.Errorf("SQL says %s and the rule %s of %+v", state, i.State(), i)
			}
		}
		if len(page.Invitations) == 0 {
			t.Errorf("no %s among the sixty", state)
		}
		found += len(page.Invitations)
	}
	if found != 60 {
		t.Errorf("the states together have %d of 60", found)
	}
	page, err := db.Store.Invitations(ctx, admin, store.InvitationFilter{Search: "P17@"})
	if err != nil || len(page.Invitations) != 1 {
		t.Errorf("searching: %d, %v", len(page.Invitations), err)
	}
	for _, hostile := range []store.InvitationFilter{{After: "x"}, {Before: "e30"}, {After: strings.Repeat("A", 5000)}, {State: "new"},
		{After: "eyJLZXkiOiJub3ciLCJJRCI6IjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCJ9"}} {
		if _, err := db.Store.Invitations(ctx, admin, hostile); !errors.As(err, new(*store.Invalid)) {
			t.Errorf("%+v: %v", hostile, err)
		}
	}
	if _, err := db.Store.Invitations(ctx, admin, store.InvitationFilter{Search: "\x00%_\\'\xff"}); err != nil {
		t.Errorf("a hostile search: %v", err)
	}
}

func length(m *sync.Map) (n int) {
	m.Range(func(any, any) bool { n++; return true })
	return n
}

func count(t testing.TB, db *storetest.DB, sql string, args ...any) (n int) {
	t.Helper()
	if err := db.Owner.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
