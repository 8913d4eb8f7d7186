package store_test

import (
	"context"
	"errors"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"
)

func TestDemoTellsItsStoryOnce(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	for range 2 {
		if err := store.Demo(ctx, db.URL, db.Files); err != nil {
			t.Fatal(err)
		}
	}
	var tickets, active, statuses, late int
	err := db.Owner.QueryRow(ctx, `
		SELECT count(*), count(*) FILTER (WHERE status IN ('new', 'open', 'pending', 'on_hold')), count(DISTINCT status),
		       count(*) FILTER (WHERE updated_at > now() OR updated_at < created_at)
		FROM tickets`).Scan(&tickets, &active, &statuses, &late)
	if err != nil || tickets < 36 || tickets > 44 || active < 22 || active > 26 || statuses != len(store.Statuses) || late != 0 {
		t.Errorf("%v: %d tickets, %d not finished, %d statuses, %d with impossible times", err, tickets, active, statuses, late)
	}
}

func TestDemoIsRefusedBesideOtherData(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.Person(t, store.Admin, "ada@example.com")
	if err := store.Demo(context.Background(), db.URL, db.Files); !errors.Is(err, store.ErrNotEmpty) {
		t.Errorf("Demo on a database in use: %v", err)
	}
}
