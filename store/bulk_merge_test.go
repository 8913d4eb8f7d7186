package store_test

import (
	"context"
	"strings"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"
)

func TestBulkMergeAndItsUndo(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	cleo, otto := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Client, "otto@example.com")
	ana := db.Person(t, store.Agent, "ana@example.com")
	target, a, b, others := submit(t, db, cleo, "one"), submit(t, db, cleo, "two"), submit(t, db, cleo, "three"), submit(t, db, otto, "his")
	if err := db.Store.Reply(ctx, cleo, a, message("More of it")); err != nil {
		t.Fatal(err)
	}
	_, err := db.Store.StartBulk(ctx, ana, store.Change{MergeInto: 9}, store.Selection{Numbers: []int64{a}})
	if err == nil || !strings.Contains(err.Error(), "There is no ticket #9.") {
		t.Errorf("into nothing: %v", err)
	}
	got := bulk(t, db, ana, store.Change{MergeInto: target}, target, a, b, others)
	if got.State != store.BulkDone || got.Changed != 2 || got.Refused != 1 || got.Done != 4 || !strings.Contains(got.Report.Reasons[0].Words, "another customer's ticket") {
		t.Errorf("%+v", got)
	}
	merged := func(number int64) int64 {
		ticket, err := db.Store.Ticket(ctx, ana, number)
		if err != nil {
			t.Fatal(err)
		}
		return ticket.MergedInto
	}
	if merged(a) != target || merged(b) != target || merged(others) != 0 {
		t.Errorf("merged into %d, %d, %d", merged(a), merged(b), merged(others))
	}
	if err := db.Store.Unmerge(ctx, ana, b); err != nil {
		t.Fatal(err)
	}
	undo, err := db.Store.UndoBulk(ctx, ana, got.ID)
	if err != nil {
		t.Fatal(err)
	}
	if back := ended(t, db, ana, undo); back.Changed != 1 || back.Refused != 1 || merged(a) != 0 {
		t.Errorf("%+v", back)
	}
	thread, _ := db.Store.Thread(ctx, ana, a, 0)
	if len(thread.Activities) == 0 || !strings.Contains(thread.Activities[1].Content, "More of it") {
		t.Errorf("%+v", thread.Activities)
	}
}
