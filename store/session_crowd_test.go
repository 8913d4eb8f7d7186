package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"
)

// A crowd of all kinds at once: each is told of its own session and of no other, those who are nobody too.
func TestEachOfACrowdIsTheirOwn(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	type caller struct {
		token []byte
		email string // "": nobody
	}
	var callers []caller
	for i := range 40 {
		email := fmt.Sprintf("agent%d@example.com", i)
		db.Person(t, store.Agent, email)
		session, err := db.Store.SignIn(t.Context(), visit, email, storetest.Password)
		if err != nil {
			t.Fatal(err)
		}
		switch i % 4 {
		case 1:
			if err := db.Store.SignOut(t.Context(), session.Actor); err != nil {
				t.Fatal(err)
			}
			email = ""
		case 2:
			session.Token[0]++
			email = ""
		}
		callers = append(callers, caller{session.Token, email})
	}
	// A hook that stumbles over one person is the loss of nobody else.
	db.Exec(t, `ALTER FUNCTION public.custom_access_token_hook RENAME TO original_hook`)
	db.Exec(t, `GRANT EXECUTE ON FUNCTION public.original_hook TO autocrm_auth`)
	db.Exec(t, `CREATE FUNCTION public.custom_access_token_hook(event jsonb) RETURNS jsonb LANGUAGE plpgsql STABLE AS $f$
		BEGIN
			IF event -> 'claims' ->> 'email' = 'agent4@example.com' THEN RAISE 'who is that'; END IF;
			RETURN public.original_hook(event);
		END $f$`)
	db.Exec(t, `GRANT EXECUTE ON FUNCTION public.custom_access_token_hook TO autocrm_auth`)
	var crowd sync.WaitGroup
	for range 10 {
		for _, c := range callers {
			crowd.Go(func() {
				time.Sleep(rand.N(100 * time.Millisecond))
				who, err := db.Store.ActorByToken(t.Context(), c.token, store.Agent, visit.Issuer, false)
				switch {
				case c.email == "agent4@example.com":
					if err == nil || errors.Is(err, store.ErrNotFound) {
						t.Errorf("over whom the hook stumbles: %v", err)
					}
				case c.email == "":
					if !errors.Is(err, store.ErrNotFound) {
						t.Errorf("nobody is %s, %v", who.Email, err)
					}
				case err != nil || who.Email != c.email || who.Role != store.Agent:
					t.Errorf("%s is %s, %v", c.email, who.Email, err)
				}
			})
		}
	}
	crowd.Wait()
}

// Whoever asks after a session has ended is told so, whatever crowd they ask in.
func TestACrowdIsNotToldOfThePast(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.Person(t, store.Agent, "ana@example.com")
	stop := make(chan struct{})
	var others sync.WaitGroup
	for range 30 {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(rand.N(5 * time.Millisecond)):
					db.Store.ActorByToken(t.Context(), make([]byte, 32), store.Agent, visit.Issuer, false)
				}
			}
		})
	}
	for range 10 {
		session, err := db.Store.SignIn(t.Context(), visit, "ana@example.com", storetest.Password)
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		var late sync.WaitGroup
		for range 20 {
			late.Go(func() {
				<-ended
				time.Sleep(rand.N(20 * time.Millisecond))
				if who, err := db.Store.ActorByToken(t.Context(), session.Token, store.Agent, visit.Issuer, false); !errors.Is(err, store.ErrNotFound) {
					t.Errorf("after signing out it is %s, %v", who.Email, err)
				}
			})
		}
		if _, err := db.Store.ActorByToken(t.Context(), session.Token, store.Agent, visit.Issuer, false); err != nil {
			t.Error(err)
		}
		if err := db.Store.SignOut(t.Context(), session.Actor); err != nil {
			t.Fatal(err)
		}
		close(ended)
		late.Wait()
	}
	close(stop)
	others.Wait()
}

// Who comes with a crowd does not wait for one who gives up, nor lose the answer with them.
func TestOneOfACrowdGivesUp(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.Person(t, store.Agent, "ana@example.com")
	session, err := db.Store.SignIn(t.Context(), visit, "ana@example.com", storetest.Password)
	if err != nil {
		t.Fatal(err)
	}
	var crowd sync.WaitGroup
	for i := range 100 {
		crowd.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%2 == 0 {
				cancel()
			}
			_, err := db.Store.ActorByToken(ctx, session.Token, store.Agent, visit.Issuer, false)
			if i%2 == 1 && err != nil {
				t.Error(err)
			}
		})
	}
	crowd.Wait()
}
