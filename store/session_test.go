package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
)

var visit = store.Visit{Portal: store.Agent, Issuer: "https://agent.example.com", UserAgent: "a browser", Address: "192.0.2.1"}

func TestASessionIsItsRow(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	ctx := context.Background()
	ana := db.Person(t, store.Agent, "ana@example.com")
	session, err := db.Store.SignIn(ctx, visit, "Ana@example.com", storetest.Password)
	if err != nil {
		t.Fatal(err)
	}
	if a := session.Actor; a.UserID != ana.UserID || a.Role != store.Agent || a.Portal != store.Agent || a.SessionID == ana.SessionID ||
		a.Email != "ana@example.com" || time.Until(a.ExpiresAt) < 6*24*time.Hour {
		t.Errorf("%+v", a)
	}
	same, err := db.Store.ActorByToken(ctx, session.Token, store.Agent, visit.Issuer, true)
	if err != nil || same.SessionID != session.Actor.SessionID {
		t.Errorf("%+v %v", same, err)
	}
	for name, f := range map[string]func() error{
		"another portal": func() error {
			_, err := db.Store.ActorByToken(ctx, session.Token, store.Admin, visit.Issuer, true)
			return err
		},
		"another token": func() error {
			_, err := db.Store.ActorByToken(ctx, make([]byte, 32), store.Agent, visit.Issuer, true)
			return err
		},
		"the hash as token": func() error {
			sum := sha256.Sum256(session.Token)
			_, err := db.Store.ActorByToken(ctx, sum[:], store.Agent, visit.Issuer, true)
			return err
		},
		"no token": func() error { _, err := db.Store.ActorByToken(ctx, nil, store.Agent, visit.Issuer, true); return err },
		"somebody else's session": func() error {
			_, err := db.Store.ActorBySession(ctx, session.Actor.SessionID, uuid.New(), store.Agent, visit.Issuer)
			return err
		},
	} {
		if err := f(); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := db.Store.SignOut(ctx, session.Actor); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Store.ActorByToken(ctx, session.Token, store.Agent, visit.Issuer, true); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after signing out: %v", err)
	}
	if _, err := db.Store.SignIn(ctx, store.Visit{Portal: store.Agent, UserAgent: "\x00\xff" + strings.Repeat("ü", 1000), Address: strings.Repeat("x", 200)},
		"ana@example.com", storetest.Password); err != nil {
		t.Errorf("a hostile browser: %v", err)
	}
}

// An operator's own hook may add to the claims; it cannot make one person another, or a person the service.
func TestTheHookIsHeldToWhatItMayChange(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	ctx := context.Background()
	db.Person(t, store.Agent, "ana@example.com")
	session, err := db.Store.SignIn(ctx, visit, "ana@example.com", storetest.Password)
	if err != nil {
		t.Fatal(err)
	}
	db.Exec(t, `ALTER FUNCTION public.custom_access_token_hook RENAME TO original_hook`)
	db.Exec(t, `GRANT EXECUTE ON FUNCTION public.original_hook TO autocrm_auth`)
	hook := func(expression string) (store.Actor, error) {
		db.Exec(t, `CREATE OR REPLACE FUNCTION public.custom_access_token_hook(event jsonb) RETURNS jsonb LANGUAGE sql STABLE AS
			$f$ SELECT `+expression+` FROM public.original_hook(event) AS answer $f$`)
		db.Exec(t, `GRANT EXECUTE ON FUNCTION public.custom_access_token_hook TO autocrm_auth`)
		return db.Store.ActorByToken(ctx, session.Token, store.Agent, visit.Issuer, true)
	}
	actor, err := hook(`jsonb_set(answer, '{claims,department}', '"billing"')`)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(actor.Claims, &claims); err != nil || claims["department"] != "billing" {
		t.Errorf("%s %v", actor.Claims, err)
	}
	// What the hook says of the role is what Go and the policies both go by.
	actor, err = hook(`jsonb_set(jsonb_set(answer, '{claims,user_role}', '"client"'), '{claims,app_metadata,user_role}', '"client"')`)
	if err != nil || actor.Role != store.Client {
		t.Errorf("role %q %v", actor.Role, err)
	}
	for name, expression := range map[string]string{
		"another person":   `jsonb_set(answer, '{claims,sub}', '"11111111-1111-4111-8111-111111111111"')`,
		"the service":      `jsonb_set(answer, '{claims,role}', '"service_role"')`,
		"a database role":  `jsonb_set(answer, '{claims,role}', '"autocrm_worker"')`,
		"another audience": `jsonb_set(answer, '{claims,aud}', '"anon"')`,
		"another issuer":   `jsonb_set(answer, '{claims,iss}', '"https://evil.example"')`,
		"another session":  `jsonb_set(answer, '{claims,session_id}', '"11111111-1111-4111-8111-111111111111"')`,
		"a longer life":    `jsonb_set(answer, '{claims,exp}', '99999999999')`,
		"a role unknown":   `jsonb_set(answer, '{claims,user_role}', '"superuser"')`,
		"no role":          `answer #- '{claims,user_role}'`,
		"two roles":        `jsonb_set(answer, '{claims,user_role}', '"admin"')`,
		"no claims":        `answer - 'claims'`,
		"claims no object": `jsonb_set(answer, '{claims}', '7')`,
		"nothing":          `NULL::jsonb`,
		"null":             `'null'::jsonb`,
		"a refusal":        `jsonb_build_object('error', jsonb_build_object('http_code', 403, 'message', 'no')) || answer`,
	} {
		if actor, err := hook(expression); err == nil || errors.Is(err, store.ErrNotFound) || actor.UserID != uuid.Nil {
			t.Errorf("%s: %+v %v", name, actor, err)
		}
	}
}

// A password changed while the old one is being verified leaves no session behind.
func TestSigningInRacesWithAPasswordChange(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	ctx := context.Background()
	ana := db.Person(t, store.Agent, "ana@example.com")
	password := storetest.Password
	for round := range 4 {
		next := "password number " + strconv.Itoa(round)
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { db.Store.SignIn(ctx, visit, ana.Email, password) })
		}
		group.Go(func() {
			if _, err := db.Store.ChangePassword(ctx, ana, "192.0.2.9", password, next); err != nil {
				t.Error(err)
			}
		})
		group.Wait()
		if n := count(t, db, `SELECT count(*) FROM sessions WHERE revoked_at IS NULL AND id <> $1`, ana.SessionID); n != 0 {
			t.Fatalf("%d sessions by the old password live on", n)
		}
		db.Exec(t, `DELETE FROM sign_in_failures`)
		password = next
	}
}

func TestStartSessionWantsAnActivePerson(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	ctx := context.Background()
	ana := db.Person(t, store.Agent, "ana@example.com")
	if s, err := db.Store.StartSession(ctx, visit, ana.UserID); err != nil || s.Actor.UserID != ana.UserID {
		t.Errorf("%+v %v", s, err)
	}
	before := count(t, db, `SELECT count(*) FROM sessions`)
	db.Exec(t, `UPDATE users SET active = false`)
	if _, err := db.Store.StartSession(ctx, visit, ana.UserID); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
	if count(t, db, `SELECT count(*) FROM sessions`) != before {
		t.Error("the session of an inactive person stayed")
	}
}

// Signing in writes to the person's row, which its own check has locked: two at once must take turns.
func TestManySignInsAtOnceAllSucceed(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.Person(t, store.Agent, "ana@example.com")
	for range 5 {
		var group sync.WaitGroup
		for range 5 {
			group.Go(func() {
				if _, err := db.Store.SignIn(context.Background(), visit, "ana@example.com", storetest.Password); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		db.Exec(t, `DELETE FROM sign_in_failures`)
	}
}
