package store_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
)

func TestTidyRemovesOnlyStrayFiles(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	taken, err := db.Store.Upload(ctx, "taken.txt", strings.NewReader("taken"))
	if err != nil {
		t.Fatal(err)
	}
	stray, err := db.Store.Upload(ctx, "stray.txt", strings.NewReader("stray"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Store.Submit(ctx, client, store.NewTicket{ID: uuid.New(), Subject: "s", Description: "d", Priority: store.PriorityLow, Files: []store.Upload{taken}})
	if err != nil {
		t.Fatal(err)
	}
	upkeep, err := store.OpenUpkeep(ctx, db.URL, db.Files, store.EventRetention)
	if err != nil {
		t.Fatal(err)
	}
	defer upkeep.Close()
	there := func(key string) bool { ok, _ := db.Files.Exists(ctx, key); return ok }
	if err := upkeep.Tidy(ctx, time.Now()); err != nil || !there(stray.StorageKey) {
		t.Errorf("%v: an upload that may be under way was removed", err)
	}
	if err := upkeep.Tidy(ctx, time.Now().Add(2*time.Hour)); err != nil || there(stray.StorageKey) || !there(taken.StorageKey) {
		t.Errorf("%v: stray file there: %v, taken file there: %v", err, there(stray.StorageKey), there(taken.StorageKey))
	}
}

func TestTidyForgetsOldEvents(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	submit(t, db, db.Person(t, store.Client, "cleo@example.com"), "Printer")
	upkeep, err := store.OpenUpkeep(ctx, db.URL, db.Files, store.EventRetention)
	if err != nil {
		t.Fatal(err)
	}
	defer upkeep.Close()
	count := func() (n int) {
		if err := db.Owner.QueryRow(ctx, `SELECT count(*) FROM events`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count()
	if err := upkeep.Tidy(ctx, time.Now()); err != nil || count() != before {
		t.Errorf("%v: %d events of today, were %d", err, count(), before)
	}
	if err := upkeep.Tidy(ctx, time.Now().Add(store.EventRetention+time.Minute)); err != nil || count() != 0 {
		t.Errorf("%v: %d events are still there", err, count())
	}
}
