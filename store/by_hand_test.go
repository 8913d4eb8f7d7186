package store_test

import (
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"
)

// TestClaimsHook calls the hook as a hosted backend would.
func TestClaimsHook(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	ana := db.Person(t, store.Agent, "ana@example.com")
	gone := db.Person(t, store.Agent, "gone@example.com")
	db.Exec(t, `UPDATE users SET active = false WHERE id = $1`, gone.UserID)
	for _, c := range []struct {
		who          store.Actor
		claims, want string
	}{
		{ana, `{"aud": "authenticated", "role": "authenticated", "app_metadata": {"provider": "email", "user_role": "admin"}}`,
			`{"aud": "authenticated", "role": "authenticated", "user_role": "agent", "app_metadata": {"provider": "email", "user_role": "agent"}}`},
		{ana, `{}`, `{"user_role": "agent", "app_metadata": {"user_role": "agent"}}`},
		{ana, `{"app_metadata": null}`, `{"user_role": "agent", "app_metadata": {"user_role": "agent"}}`},
		{ana, `null`, `{"user_role": "agent", "app_metadata": {"user_role": "agent"}}`},
		{gone, `{"user_role": "admin", "app_metadata": {"user_role": "admin"}}`, `{"app_metadata": {}}`},
		{gone, `{"app_metadata": null}`, `{"app_metadata": null}`},
	} {
		var got string
		var same bool
		if err := db.Owner.QueryRow(t.Context(), `
			SELECT event ->> 'claims', event -> 'claims' = $3::jsonb AND event ->> 'user_id' = $1
			FROM public.custom_access_token_hook(jsonb_build_object('user_id', $1::text, 'claims', $2::jsonb)) event`,
			c.who.UserID.String(), c.claims, c.want).Scan(&got, &same); err != nil || !same {
			t.Errorf("claims %s became %s, want %s (%v)", c.claims, got, c.want, err)
		}
	}
}

// TestNotesWrittenBySQL: either word for it makes a note, and keeps it from the client.
func TestNotesWrittenBySQL(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	number := submit(t, db, client, "Printer")
	before, err := db.Store.Ticket(t.Context(), client, number)
	if err != nil {
		t.Fatal(err)
	}
	for _, columns := range []string{`'internal_note', false`, `'comment', true`, `'internal_note', true`} {
		db.Exec(t, `INSERT INTO ticket_activities (ticket_id, activity_type, is_internal, content)
			SELECT id, `+columns+`, 'psst' FROM tickets WHERE number = $1`, number)
	}
	var notes int
	if err := db.Owner.QueryRow(t.Context(), `SELECT count(*) FROM ticket_activities
		WHERE content = 'psst' AND is_internal AND activity_type = 'internal_note'`).Scan(&notes); err != nil || notes != 3 {
		t.Errorf("%d notes, want 3 (%v)", notes, err)
	}
	if after, err := db.Store.Ticket(t.Context(), client, number); err != nil || after.Version != before.Version {
		t.Errorf("for the client the version went from %d to %d (%v)", before.Version, after.Version, err)
	}
}
