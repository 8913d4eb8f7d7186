package store_test

import (
	"context"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"
)

func TestTheFirstAdminSaysWhichAddressIsTheirs(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	old, err := store.InviteFirstAdmin(ctx, db.URL, 0)
	if err != nil {
		t.Fatal(err)
	}
	token, err := store.InviteFirstAdmin(ctx, db.URL, 0) // the program was started again
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Store.CheckInvitation(ctx, old, store.Admin); reasonOf(err) != store.InvitationUnknown {
		t.Errorf("the link of the first start: %v", err)
	}
	invitation, err := db.Store.CheckInvitation(ctx, token, store.Admin)
	if err != nil || !invitation.Unaddressed() || invitation.Role != store.Admin {
		t.Fatalf("%+v, %v", invitation, err)
	}
	_, err = db.Store.AcceptInvitation(ctx, token, store.Admin, "Root", goodPassword)
	fieldOf(t, err, "email")
	_, err = db.Store.AcceptFirstAdmin(ctx, token, store.Admin, "root", "", "short")
	fieldOf(t, err, "email")
	fieldOf(t, err, "full_name")
	fieldOf(t, err, "password")
	id, err := db.Store.AcceptFirstAdmin(ctx, token, store.Admin, "root@example.com", "Root", goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, db, `SELECT count(*) FROM users WHERE id = $1 AND email = 'root@example.com' AND user_role = 'admin'`, id); n != 1 {
		t.Error("no such admin")
	}
	if n := count(t, db, `SELECT count(*) FROM invitations WHERE email = 'root@example.com' AND accepted_by = $1`, id); n != 1 {
		t.Error("the invitation does not name who accepted it")
	}
	_, err = db.Store.AcceptFirstAdmin(ctx, token, store.Admin, "second@example.com", "Second", goodPassword)
	if reasonOf(err) != store.InvitationUsed {
		t.Errorf("a second time: %v", err)
	}
	if token, err := store.InviteFirstAdmin(ctx, db.URL, 0); token != "" || err != nil {
		t.Errorf("with an admin there: %q, %v", token, err)
	}
}

func TestTheFirstLinkDiesWithTheFirstAdmin(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	first, err := store.InviteFirstAdmin(ctx, db.URL, 0)
	if err != nil {
		t.Fatal(err)
	}
	token, err := store.InviteAdmin(ctx, db.URL, "root@example.com", 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Store.AcceptFirstAdmin(ctx, token, store.Admin, "else@example.com", "Else", goodPassword)
	fieldOf(t, err, "email")
	if _, err := db.Store.AcceptInvitation(ctx, token, store.Admin, "Root", goodPassword); err != nil {
		t.Fatal(err)
	}
	_, err = db.Store.AcceptFirstAdmin(ctx, first, store.Admin, "late@example.com", "Late", goodPassword)
	if reasonOf(err) != store.InvitationUsed {
		t.Errorf("the link of the empty help desk: %v", err)
	}
	if n := count(t, db, `SELECT count(*) FROM invitations WHERE accepted_at IS NULL AND revoked_at IS NULL`); n != 0 {
		t.Error("it is still called open")
	}
}

func TestCreateAdminMayBeAskedAgain(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "root@example.com")
	if _, _, err := db.Store.Invite(ctx, admin, "ana@example.com", store.Client); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		token, err := store.InviteAdmin(ctx, db.URL, "Ana@example.com", 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Store.CheckInvitation(ctx, token, store.Admin); err != nil {
			t.Error(err)
		}
	}
	if n := count(t, db, `SELECT count(*) FROM invitations`); n != 1 {
		t.Errorf("%d invitations", n)
	}
	_, err := store.InviteAdmin(ctx, db.URL, "root@example.com", 0)
	fieldOf(t, err, "email")
	_, err = store.InviteAdmin(ctx, db.URL, "root", 0)
	fieldOf(t, err, "email")
}
