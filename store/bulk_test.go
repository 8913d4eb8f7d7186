package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
)

// manyTickets makes count tickets of client's, without events and timelines.
func manyTickets(t testing.TB, db *storetest.DB, client store.Actor, count int) (numbers []int64) {
	t.Helper()
	db.Exec(t, fmt.Sprintf(`SET session_replication_role = replica; INSERT INTO tickets (client_id, subject, description)
		SELECT '%s', 'Printer', 'It smokes' FROM generate_series(1, %d); SET session_replication_role = origin`, client.UserID, count))
	rows, err := db.Owner.Query(t.Context(), `SELECT number FROM tickets ORDER BY number DESC LIMIT $1`, count)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var number int64
		if err := rows.Scan(&number); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, number)
	}
	return numbers
}

// ended waits until the bulk change has ended.
func ended(t testing.TB, db *storetest.DB, who store.Actor, id uuid.UUID) store.BulkChange {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		bulk, err := db.Store.BulkChange(context.Background(), who, id)
		if err != nil {
			t.Fatal(err)
		}
		if bulk.State != store.BulkRunning {
			return bulk
		}
		if time.Now().After(deadline) {
			t.Fatalf("still running: %+v", bulk)
		}
	}
}

func bulk(t testing.TB, db *storetest.DB, who store.Actor, change store.Change, numbers ...int64) store.BulkChange {
	t.Helper()
	id, err := db.Store.StartBulk(context.Background(), who, change, store.Selection{Numbers: numbers})
	if err != nil {
		t.Fatal(err)
	}
	return ended(t, db, who, id)
}

func howMany(t testing.TB, db *storetest.DB, condition string, args ...any) (n int) {
	t.Helper()
	if err := db.Owner.QueryRow(context.Background(), `SELECT count(*) FROM tickets t WHERE `+condition, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// Ten thousand at once are one commit; what a rule forbids is refused with its reason, and the rest is done.
func TestBulkChangeOfTenThousand(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	ana := db.Person(t, store.Agent, "ana@example.com")
	numbers := manyTickets(t, db, client, 10000)
	db.Exec(t, `UPDATE tickets SET status = 'closed' WHERE number % 100 = 7`)
	db.Exec(t, `UPDATE tickets SET status = 'pending' WHERE number % 100 = 8`)
	db.Exec(t, `INSERT INTO tags (name) VALUES ('vip')`)
	var commits int
	db.Owner.QueryRow(ctx, `SELECT count(*) FROM event_commits`).Scan(&commits)

	got := bulk(t, db, ana, store.Change{Status: store.StatusPending, Priority: store.PriorityHigh, AddTags: []string{"vip"}}, append(numbers, 5, 6)...)
	if got.State != store.BulkDone || got.Total != 10002 || got.Done != 10002 || got.Changed != 9900 || got.Refused != 102 {
		t.Errorf("%+v", got)
	}
	reasons := map[string]store.BulkReason{}
	for _, reason := range got.Report.Reasons {
		reasons[reason.Words] = reason
	}
	if r := reasons["A ticket that is Closed cannot become Pending."]; r.Count != 100 || len(r.Numbers) != 100 || r.Numbers[0]%100 != 7 {
		t.Errorf("closed ones: %+v", r)
	}
	if r := reasons["It is not there any more."]; r.Count != 2 {
		t.Errorf("missing ones: %+v", r)
	}
	if n := howMany(t, db, `status = 'pending' AND priority = 'high' AND EXISTS (SELECT FROM ticket_tags g WHERE g.ticket_id = t.id)`); n != 9900 {
		t.Errorf("%d are as wanted", n)
	}
	if n := howMany(t, db, `status = 'closed' AND priority = 'medium' AND NOT EXISTS (SELECT FROM ticket_tags g WHERE g.ticket_id = t.id)`); n != 100 {
		t.Errorf("%d closed ones are as they were", n)
	}
	var places int
	db.Owner.QueryRow(ctx, `SELECT count(DISTINCT c.place) FROM events e JOIN event_commits c USING (xid)
		WHERE e.source = 'tickets' AND e.actor_id = $1`, ana.UserID).Scan(&places)
	if places != 1 {
		t.Errorf("told in %d places", places)
	}
	if got, err := db.Store.Thread(ctx, ana, numbers[0], 0); err != nil || got.Activities[0].UserName != "Ana" {
		t.Errorf("the timeline: %+v, %v", got.Activities, err)
	}

	// Somebody's later change stays; the rest is as it was.
	if err := db.Store.ChangeStatus(ctx, ana, numbers[len(numbers)-1], store.StatusPending, store.StatusOpen); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, `DELETE FROM ticket_tags USING tickets t WHERE t.id = ticket_id AND t.number = $1`, numbers[len(numbers)-2])
	undo, err := db.Store.UndoBulk(ctx, ana, got.ID)
	if err != nil {
		t.Fatal(err)
	}
	back := ended(t, db, ana, undo)
	if back.State != store.BulkDone || back.Changed != 9898 || back.Refused != 2 || back.Report.Reasons[0].Words != "Somebody has changed it since." {
		t.Errorf("%+v", back)
	}
	if n := howMany(t, db, `status = 'new' AND priority = 'medium'`); n != 9798 {
		t.Errorf("%d are as they were", n)
	}
	if n := howMany(t, db, `status = 'pending' AND priority = 'medium'`); n != 100 {
		t.Errorf("%d pending ones are as they were", n)
	}
	if n := howMany(t, db, `EXISTS (SELECT FROM ticket_tags g WHERE g.ticket_id = t.id)`); n != 1 {
		t.Errorf("%d still have the tag", n)
	}
	if _, err := db.Store.UndoBulk(ctx, ana, got.ID); !errors.Is(err, store.ErrConflict) {
		t.Errorf("undone twice: %v", err)
	}
	if after, _ := db.Store.BulkChange(ctx, ana, got.ID); after.State != store.BulkUndone || after.UndoneBy == nil || *after.UndoneBy != undo {
		t.Errorf("%+v", after)
	}
}

// held holds a ticket, so that a bulk change of it stands still; release lets it go on.
func held(t testing.TB, db *storetest.DB, number int64) (release func()) {
	t.Helper()
	tx, err := db.Owner.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(context.Background(), `SELECT FROM tickets WHERE number = $1 FOR UPDATE`, number); err != nil {
		t.Fatal(err)
	}
	return func() { tx.Rollback(context.Background()) }
}

// lastOf is the ticket that a bulk change of the numbers looks at last.
func lastOf(t testing.TB, db *storetest.DB, numbers []int64) (number int64) {
	t.Helper()
	if err := db.Owner.QueryRow(context.Background(), `SELECT number FROM tickets WHERE number = ANY ($1) ORDER BY id DESC LIMIT 1`, numbers).Scan(&number); err != nil {
		t.Fatal(err)
	}
	return number
}

// until waits for what the bulk change shows of itself.
func until(t testing.TB, db *storetest.DB, who store.Actor, id uuid.UUID, what string, holds func(store.BulkChange) bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		bulk, err := db.Store.BulkChange(context.Background(), who, id)
		if err == nil && holds(bulk) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("never %s: %+v %v", what, bulk, err)
		}
	}
}

func TestBulkChangeCancelledInTheMiddleLeavesNothing(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	ana := db.Person(t, store.Agent, "ana@example.com")
	numbers := manyTickets(t, db, client, 1600)
	release := held(t, db, lastOf(t, db, numbers))
	defer release()
	id, err := db.Store.StartBulk(ctx, ana, store.Change{Status: store.StatusResolved}, store.Selection{Numbers: numbers})
	if err != nil {
		t.Fatal(err)
	}
	until(t, db, ana, id, "in the middle", func(b store.BulkChange) bool { return b.Done > 0 && b.Done < b.Total })
	if _, err := db.Store.StartBulk(ctx, ana, store.Change{Status: store.StatusResolved}, store.Selection{Numbers: numbers}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a second one at the same time: %v", err)
	}
	if err := db.Store.CancelBulk(ctx, ana, id); err != nil {
		t.Fatal(err)
	}
	release()
	got := ended(t, db, ana, id)
	if got.State != store.BulkCancelled || got.Changed != 0 || got.Report.Words != "Cancelled. Nothing was changed." {
		t.Errorf("%+v", got)
	}
	if n := howMany(t, db, `status = 'resolved'`); n != 0 {
		t.Errorf("%d were changed all the same", n)
	}
	if _, err := db.Store.UndoBulk(ctx, ana, id); !errors.Is(err, store.ErrConflict) {
		t.Errorf("what was cancelled can be undone: %v", err)
	}
}

// A node that stops rolls back what it is at and says so; of one that died, another says it a minute later.
func TestBulkChangeOfANodeThatStops(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	numbers := manyTickets(t, db, client, 1200)
	release := held(t, db, lastOf(t, db, numbers))
	defer release()
	node, err := store.Open(ctx, db.URL, db.Files, store.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	id, err := node.StartBulk(ctx, ana, store.Change{Status: store.StatusResolved}, store.Selection{Numbers: numbers})
	if err != nil {
		t.Fatal(err)
	}
	until(t, db, ana, id, "in the middle", func(b store.BulkChange) bool { return b.Done > 0 })
	node.Close()
	if got := ended(t, db, ana, id); got.State != store.BulkCancelled || !strings.Contains(got.Report.Words, "restarted") {
		t.Errorf("%+v", got)
	}
	if n := howMany(t, db, `status = 'resolved'`); n != 0 {
		t.Errorf("%d were changed all the same", n)
	}

	upkeep, err := store.OpenUpkeep(ctx, db.URL, db.Files, store.EventRetention)
	if err != nil {
		t.Fatal(err)
	}
	defer upkeep.Close()
	id, err = db.Store.StartBulk(ctx, ben, store.Change{Status: store.StatusResolved}, store.Selection{Numbers: numbers})
	if err != nil {
		t.Fatal(err)
	}
	until(t, db, ben, id, "in the middle", func(b store.BulkChange) bool { return b.Done > 0 })
	if err := upkeep.FailBulk(ctx); err != nil {
		t.Fatal(err)
	}
	if got, _ := db.Store.BulkChange(ctx, ben, id); got.State != store.BulkRunning {
		t.Errorf("one that lives counts as dead: %+v", got)
	}
	db.Exec(t, `UPDATE bulk_changes SET beat_at = now() - interval '61 seconds' WHERE id = $1`, id)
	if err := upkeep.FailBulk(ctx); err != nil {
		t.Fatal(err)
	}
	release()
	if got := ended(t, db, ben, id); got.State != store.BulkFailed {
		t.Errorf("%+v", got)
	}
	db.Store.Close() // waits for the job, which was taken for dead and lives
	if n := howMany(t, db, `status = 'resolved'`); n != 0 {
		t.Errorf("%d were changed although it was said that nothing was", n)
	}
}
