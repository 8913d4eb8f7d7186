package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/jackc/pgx/v5"
)

// One connection for everybody, people in turn, and every way in which a request can fail on it: whom the database
// sees is always whoever asks, and nobody between two requests.
func TestTheDatabaseNeverMistakesOneForAnother(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	ctx := context.Background()
	separator := "?"
	if strings.Contains(db.URL, "?") {
		separator = "&"
	}
	st, err := store.Open(ctx, db.URL+separator+"pool_max_conns=1", db.Files, store.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(st.Close)
	var people []store.Actor
	for _, role := range store.Roles {
		for i := range 2 {
			person := db.Person(t, role, fmt.Sprintf("%s%d@example.com", role, i))
			if role == store.Client {
				submit(t, db, person, "Printer")
			}
			people = append(people, person)
		}
	}
	check := func(tx pgx.Tx, who store.Actor) error {
		var uid, email, role, as string
		var mine int
		err := tx.QueryRow(ctx, `
			SELECT auth.uid()::text, auth.jwt() ->> 'email', auth.user_role(), current_user, (SELECT count(*) FROM tickets)`).Scan(&uid, &email, &role, &as, &mine)
		if err != nil {
			return err
		}
		want := 2
		if who.Role == store.Client {
			want = 1
		}
		if uid != who.UserID.String() || email != who.Email || role != string(who.Role) || as != "authenticated" || mine != want {
			t.Errorf("for %s the database sees %s, %s, a %s, as %s, with %d tickets", who.Email, uid, email, role, as, mine)
		}
		return nil
	}
	oops := errors.New("oops")
	fails := []struct {
		name   string
		often  int
		inside func(ctx context.Context, cancel func(), tx pgx.Tx) error
	}{
		{"nothing", 400, func(context.Context, func(), pgx.Tx) error { return nil }},
		{"error", 200, func(context.Context, func(), pgx.Tx) error { return oops }},
		{"panic", 100, func(context.Context, func(), pgx.Tx) error { panic(oops) }},
		{"panic among rows", 20, func(ctx context.Context, _ func(), tx pgx.Tx) error {
			rows, err := tx.Query(ctx, `SELECT generate_series(1, 1000)`)
			if err != nil {
				return err
			}
			rows.Next()
			panic(oops)
		}},
		{"constraint", 100, func(ctx context.Context, _ func(), tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE users SET full_name = '' WHERE id = auth.uid()`)
			return err
		}},
		{"policy", 50, func(ctx context.Context, _ func(), tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO users (email, full_name, user_role) VALUES ('x@example.com', 'X', 'admin')`)
			return err
		}},
		{"syntax", 50, func(ctx context.Context, _ func(), tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `SELEKT`)
			return err
		}},
		{"left in a failed savepoint", 20, func(ctx context.Context, _ func(), tx pgx.Tx) error {
			inner, err := tx.Begin(ctx)
			if err == nil {
				_, err = inner.Exec(ctx, `SELECT 1/0`)
			}
			return err
		}},
		{"failure hidden", 20, func(ctx context.Context, _ func(), tx pgx.Tx) error {
			tx.Exec(ctx, `SELECT 1/0`)
			return nil
		}},
		{"statement timeout", 10, func(ctx context.Context, _ func(), tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '1ms'; SELECT pg_sleep(1)`)
			return err
		}},
		{"cancelled before", 20, func(ctx context.Context, cancel func(), tx pgx.Tx) error {
			cancel()
			_, err := tx.Exec(ctx, `SELECT 1`)
			return err
		}},
		{"cancelled in a query", 5, func(ctx context.Context, cancel func(), tx pgx.Tx) error {
			time.AfterFunc(time.Millisecond, cancel)
			_, err := tx.Exec(ctx, `SELECT pg_sleep(1)`)
			return err
		}},
		{"killed", 5, func(ctx context.Context, _ func(), tx pgx.Tx) error {
			var pid int
			if err := tx.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
				return err
			}
			if _, err := db.Owner.Exec(ctx, `SELECT pg_terminate_backend($1)`, pid); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `SELECT 1`)
			return err
		}},
	}
	var bag []int
	for i, f := range fails {
		for range f.often {
			bag = append(bag, i)
		}
	}
	const askers = 4
	times := int64(10_000)
	if testing.Short() {
		times = 1000
	}
	var done atomic.Int64
	seen := make([]atomic.Int64, len(fails))
	one := func() {
		who, which := people[rand.IntN(len(people))], bag[rand.IntN(len(bag))]
		seen[which].Add(1)
		asking, cancel := context.WithCancel(ctx)
		defer cancel()
		asked := false
		defer func() {
			if cause := recover(); cause != nil && cause != oops {
				t.Errorf("%s: %v", fails[which].name, cause)
			}
			if !asked {
				t.Errorf("before %s the connection did not serve %s", fails[which].name, who.Email)
			}
		}()
		begin := st.As
		if rand.IntN(2) == 0 {
			begin = st.Seeing
		}
		begin(asking, who, func(tx pgx.Tx) error {
			if err := check(tx, who); err != nil {
				return err
			}
			asked = true
			return fails[which].inside(asking, cancel, tx)
		})
	}
	var group sync.WaitGroup
	began := time.Now()
	for range askers {
		group.Go(func() {
			for n := done.Add(1); n <= times && !t.Failed(); n = done.Add(1) {
				one()
				if n%10 == 0 {
					if role, claims, err := st.Between(ctx); err != nil || role != "autocrm_web" || claims != "" {
						t.Errorf("between two requests the connection is %s with claims %q (%v)", role, claims, err)
					}
				}
			}
		})
	}
	group.Wait()
	made, most := st.Connections()
	t.Logf("%d requests, %d connections one after the other, in %s", times, made, time.Since(began).Round(time.Millisecond))
	for i := range fails {
		if seen[i].Load() == 0 && !testing.Short() {
			t.Errorf("%s never happened", fails[i].name)
		}
	}
	if most != 1 {
		t.Errorf("the pool may have %d connections: the test proves nothing", most)
	}
}
