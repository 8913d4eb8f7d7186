package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

func openLog(t *testing.T, db *storetest.DB) *store.EventLog {
	t.Helper()
	log, err := store.OpenEventLog(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

func after(t *testing.T, log *store.EventLog, place int64) []store.Event {
	t.Helper()
	events, held, err := log.After(t.Context(), place, 100000)
	if err != nil || !held {
		t.Fatalf("after %d: %v, held %v", place, err, held)
	}
	return events
}

func head(t *testing.T, log *store.EventLog) int64 {
	t.Helper()
	extent, err := log.Extent(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return extent.Head
}

func ticket(t *testing.T, db *storetest.DB, client store.Actor) (number int64) {
	t.Helper()
	if err := db.Owner.QueryRow(t.Context(), `
		INSERT INTO tickets (client_id, subject, description) VALUES ($1, 'Printer', 'It smokes') RETURNING number`,
		client.UserID).Scan(&number); err != nil {
		t.Fatal(err)
	}
	return number
}

func begin(t *testing.T, db *storetest.DB) pgx.Tx {
	t.Helper()
	tx, err := db.Owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback(context.Background()) })
	return tx
}

func exec(t *testing.T, tx pgx.Tx, sql string, args ...any) {
	t.Helper()
	if _, err := tx.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

const raise = `UPDATE tickets SET priority = CASE priority WHEN 'low' THEN 'high' ELSE 'low' END WHERE number = $1`

// Ids are taken at insert: a reader that went by them would have passed A's when it read B's.
func TestEventLogSkipsNothingWhenCommitsInterleave(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	log := openLog(t, db)
	client := db.Person(t, store.Client, "client@example.com")
	one, two := ticket(t, db, client), ticket(t, db, client)
	seen := head(t, log)

	a, b := begin(t, db), begin(t, db)
	exec(t, a, raise, one)
	exec(t, b, raise, two)
	if err := b.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := after(t, log, seen)
	if len(first) == 0 || *first[0].TicketNumber != two {
		t.Fatalf("after B: %v", first)
	}
	if err := a.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := after(t, log, first[len(first)-1].Place)
	if len(second) == 0 || *second[0].TicketNumber != one {
		t.Fatalf("after A: %v", second)
	}
	if second[0].ID > first[0].ID {
		t.Error("the transactions did not interleave")
	}
}

func TestEventLogCopesWithSavepointsAndImmediateConstraints(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	log := openLog(t, db)
	client := db.Person(t, store.Client, "client@example.com")
	number := ticket(t, db, client)
	for name, statements := range map[string][]string{
		"the first event rolled back":           {"SAVEPOINT s", raise, "ROLLBACK TO s", raise},
		"a later event rolled back":             {raise, "SAVEPOINT s", raise, "ROLLBACK TO s"},
		"twice":                                 {"SAVEPOINT s", raise, "ROLLBACK TO s", "SAVEPOINT s", raise, "ROLLBACK TO s", raise},
		"released":                              {"SAVEPOINT s", raise, "RELEASE s", raise},
		"immediate":                             {"SET CONSTRAINTS ALL IMMEDIATE", raise, raise},
		"immediate, the first rolled back":      {"SET CONSTRAINTS ALL IMMEDIATE", "SAVEPOINT s", raise, "ROLLBACK TO s", raise},
		"immediate in the middle":               {raise, "SET CONSTRAINTS ALL IMMEDIATE", raise, "SET CONSTRAINTS ALL DEFERRED", raise},
		"repeatable read":                       {"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", raise},
		"immediate, kept in a savepoint's wake": {"SAVEPOINT s", "SET CONSTRAINTS ALL IMMEDIATE", raise, "ROLLBACK TO s", raise},
	} {
		t.Run(name, func(t *testing.T) {
			before := head(t, log)
			tx := begin(t, db)
			for _, sql := range statements {
				if sql == raise {
					exec(t, tx, sql, number)
				} else {
					exec(t, tx, sql)
				}
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			var logged int
			db.Owner.QueryRow(t.Context(), `SELECT count(*) FROM events WHERE xid NOT IN (SELECT xid FROM event_commits)`).Scan(&logged)
			events := after(t, log, before)
			if logged != 0 || len(events) == 0 {
				t.Errorf("%d events without a place, %d read", logged, len(events))
			}
			for _, event := range events {
				if event.Place != events[0].Place {
					t.Error("one transaction at two places")
				}
			}
		})
	}
	t.Run("all rolled back", func(t *testing.T) {
		before := head(t, log)
		tx := begin(t, db)
		exec(t, tx, raise, number)
		tx.Rollback(t.Context())
		if events := after(t, log, before); len(events) != 0 || head(t, log) != before {
			t.Error("an event of a transaction that did not commit")
		}
	})
}

// Twenty writers, some of whose savepoints and transactions roll back, against a reader that never looks
// back: it must get each event of the table once, in the order of places.
func TestEventLogUnderManyWriters(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	log := openLog(t, db)
	client := db.Person(t, store.Client, "client@example.com")
	var numbers []int64
	for range 20 {
		numbers = append(numbers, ticket(t, db, client))
	}
	start := head(t, log)
	var writers sync.WaitGroup
	for _, number := range numbers {
		writers.Go(func() {
			for range 15 {
				pgx.BeginFunc(context.Background(), db.Owner, func(tx pgx.Tx) error {
					tx.Exec(context.Background(), raise, number)
					pgx.BeginFunc(context.Background(), tx, func(tx pgx.Tx) error {
						_, err := tx.Exec(context.Background(), raise, number)
						if rand.IntN(2) == 0 {
							err = context.Canceled
						}
						return err
					})
					tx.Exec(context.Background(), `SELECT pg_sleep($1)`, rand.Float64()/200)
					if rand.IntN(5) == 0 {
						return context.Canceled
					}
					return nil
				})
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	var got []int64
	place := start
	for finished := false; ; {
		events := after(t, log, place)
		for _, event := range events {
			if event.Place < place {
				t.Fatalf("place %d after %d", event.Place, place)
			}
			place = event.Place
			got = append(got, event.ID)
		}
		if finished && len(events) == 0 {
			break
		}
		select {
		case <-done:
			finished = true
		default:
		}
	}
	var want []int64
	err := db.Owner.QueryRow(t.Context(), `
		SELECT array_agg(id ORDER BY id) FROM events WHERE xid NOT IN (SELECT xid FROM event_commits WHERE place <= $1)`, start).Scan(&want)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("read %d events, the table has %d", len(got), len(want))
	}
}

func TestABulkChangeRingsOnceAndComesWhole(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	log := openLog(t, db)
	client := db.Person(t, store.Client, "client@example.com")
	db.Exec(t, `INSERT INTO tickets (client_id, subject, description) SELECT $1, 'Printer', 'It smokes' FROM generate_series(1, 500)`, client.UserID)
	conn, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `LISTEN autocrm_events`); err != nil {
		t.Fatal(err)
	}
	before := head(t, log)
	db.Exec(t, `UPDATE tickets SET priority = 'urgent'`)
	db.Exec(t, `NOTIFY autocrm_events, 'end'`)
	rings := 0
	for {
		n, err := conn.WaitForNotification(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if n.Payload == "end" {
			break
		}
		rings++
	}
	if rings != 1 {
		t.Errorf("%d doorbells", rings)
	}
	events, _, err := log.After(t.Context(), before, 1) // the limit counts commits
	if err != nil || len(events) != 1000 {              // a ticket's change, and its line on the timeline
		t.Errorf("%d events, %v", len(events), err)
	}
}

func TestPlainSQLIsRecordedWithWhatItChanged(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	log := openLog(t, db)
	client := db.Person(t, store.Client, "client@example.com")
	number := ticket(t, db, client)
	before := head(t, log)
	db.Exec(t, `UPDATE tickets SET status = 'open', priority = 'urgent' WHERE number = $1`, number)
	events := after(t, log, before)
	i := slices.IndexFunc(events, func(e store.Event) bool { return e.Source == "tickets" && e.Operation == "update" })
	if i < 0 {
		t.Fatalf("no event: %v", events)
	}
	for column, want := range map[string]string{"status": `"open"`, "priority": `"urgent"`} {
		if got, ok := events[i].Changed(column); !ok || string(got) != want {
			t.Errorf("%s became %s", column, got)
		}
	}
	if _, ok := events[i].Changed("subject"); ok {
		t.Error("the subject did not change")
	}
	if events[i].ActorID != nil {
		t.Error("nobody was signed in")
	}
	before = head(t, log)
	db.Exec(t, `DELETE FROM tickets WHERE number = $1`, number)
	if !slices.ContainsFunc(after(t, log, before), func(e store.Event) bool { return e.Operation == "delete" && e.Source == "tickets" }) {
		t.Error("a deletion is not recorded")
	}
}

// age makes everything in the log, and with it the floor's day, so many days older.
func age(t *testing.T, db *storetest.DB, days int) {
	t.Helper()
	tx := begin(t, db)
	exec(t, tx, `SET LOCAL session_replication_role = replica`) // a row that changes its partition is no new event
	exec(t, tx, `UPDATE events SET at = at - make_interval(days => $1::int), slot = live.slot(at - make_interval(days => $1::int))`, days)
	exec(t, tx, `UPDATE event_commits SET place = place - $1::int * 86400000000, slot = live.slot(to_timestamp(place / 1000000) - make_interval(days => $1::int))`, days)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestForgettingKeepsTheFloor(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	log := openLog(t, db)
	client := db.Person(t, store.Client, "client@example.com")
	var older, newer int64
	ticket(t, db, client)
	age(t, db, 1)
	older = head(t, log)
	ticket(t, db, client)
	age(t, db, 2)
	newer = head(t, log)
	older -= 2 * 86400e6
	number := ticket(t, db, client)
	today := head(t, log)
	forget := func(before time.Time, want int) {
		t.Helper()
		if n, err := log.Forget(t.Context(), before); err != nil || n != want {
			t.Errorf("%d partitions are emptied, %v", n, err)
		}
	}
	forget(time.UnixMicro(older), 0) // not all of that day is older
	forget(time.UnixMicro(newer), 1)
	extent, err := log.Extent(t.Context())
	if err != nil || extent.Oldest != older || extent.Head != today {
		t.Errorf("%+v, %v; forgotten is what came up to %d", extent, err, older)
	}
	if events := after(t, log, older); len(events) == 0 || events[0].Place != newer {
		t.Error("what is above the floor is not whole")
	}
	for place, want := range map[int64]bool{0: false, older - 1: false, older: true, newer - 1: false, newer: true, today: true, today + 1: false} {
		if held, err := log.Holds(t.Context(), place); held != want || err != nil {
			t.Errorf("%d (today's is %d) is held: %v, %v", place, today, held, err)
		}
	}
	// A log of which everything is forgotten still knows where it was, and so do the versions of lists.
	ana := db.Person(t, store.Agent, "ana@example.com")
	version, err := db.Store.ListVersion(t.Context(), ana)
	if err != nil {
		t.Fatal(err)
	}
	last := head(t, log)
	forget(time.Now().Add(time.Hour), 2)
	if got, err := db.Store.ListVersion(t.Context(), ana); head(t, log) != last || got < version || err != nil {
		t.Errorf("the head fell, or the version, from %d to %d, %v", version, got, err)
	}
	db.Exec(t, raise, number)
	if events := after(t, log, last); len(events) == 0 {
		t.Error("the log does not go on")
	}
}

// Readers hold up the forgetting, never a writer: neither while it waits for its turn nor while it is at work.
func TestForgettingBlocksNoWriter(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	log := openLog(t, db)
	client := db.Person(t, store.Client, "client@example.com")
	number := ticket(t, db, client)
	age(t, db, 3)
	before := time.Now().Add(-store.EventRetention)
	backup := begin(t, db)
	exec(t, backup, `SELECT FROM events`)
	if n, err := log.Forget(t.Context(), before); n != 0 || err != nil {
		t.Errorf("%d partitions are emptied under a reader, %v", n, err)
	}
	backup.Rollback(t.Context())
	at := begin(t, db)
	exec(t, at, `SELECT live.forget_events($1)`, before) // and its locks are held until it commits
	writer := begin(t, db)
	exec(t, writer, `SET LOCAL lock_timeout = '1ms'`)
	exec(t, writer, raise, number)
	if err := writer.Commit(t.Context()); err != nil {
		t.Errorf("a writer waits: %v", err)
	}
	if err := at.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if extent, err := log.Extent(t.Context()); err != nil || extent.Oldest == 0 {
		t.Errorf("nothing was forgotten: %+v, %v", extent, err)
	}
}

// The rule that feeds open streams is the rule of the policies, row by row.
func TestSignalsTellWhatThePoliciesLetRead(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	log := openLog(t, db)
	viewers := map[string]store.Actor{
		"client": db.Person(t, store.Client, "client@example.com"), "other client": db.Person(t, store.Client, "other@example.com"),
		"agent": db.Person(t, store.Agent, "agent@example.com"), "admin": db.Person(t, store.Admin, "admin@example.com"),
	}
	self, other := viewers["client"].UserID, viewers["other client"].UserID
	before := head(t, log)
	for _, source := range []string{"tickets", "ticket_activities", "attachments", "users", "sessions", "invitations", "examinations"} {
		for _, clientSeq := range []any{nil, 3} {
			for _, owner := range []any{nil, self, other} {
				for _, former := range []any{nil, self, other} {
					for _, number := range []any{nil, 1042} {
						onTickets := source == "tickets" || source == "ticket_activities" || source == "attachments"
						if !onTickets && (clientSeq != nil || owner != nil || former != nil || number != nil) {
							continue // the triggers write no such row
						}
						db.Exec(t, `
							INSERT INTO events (source, operation, row_id, ticket_number, seq, client_seq, client_id, old_client_id, user_id, opens)
							VALUES ($1, 'update', gen_random_uuid(), $2, 5, $3, $4, $5, $6, true)`,
							source, number, clientSeq, owner, former, self)
					}
				}
			}
		}
	}
	agent := viewers["agent"].UserID
	for _, to := range []any{nil, self, other, agent, uuid.New()} {
		db.Exec(t, `INSERT INTO events (source, operation, row_id, topic, user_id, opens) VALUES ('tags', 'update', gen_random_uuid(), 'tags', $1, true)`, to)
	}
	whole := after(t, log, before)
	if len(whole) != 3*2*3*3*2+4+5 {
		t.Fatalf("%d events", len(whole))
	}
	for name, viewer := range viewers {
		told := map[int64]string{}
		for _, event := range whole {
			if signals := event.Signals(viewer); len(signals) > 0 {
				told[event.ID] = fmt.Sprint(signals)
			}
		}
		readable, err := db.Store.EventsAfter(t.Context(), viewer, before, 100000)
		if err != nil {
			t.Fatal(err)
		}
		may := map[int64]string{}
		for _, event := range readable {
			may[event.ID] = fmt.Sprint(event.Signals(viewer)) // from the columns that a viewer may read
		}
		for _, event := range whole {
			if told[event.ID] != may[event.ID] {
				t.Errorf("%s, %s of %v (before %v, client_seq %v): told %q, may read %q", name, event.Source,
					event.ClientID, event.OldClientID, event.ClientSeq, told[event.ID], may[event.ID])
			}
		}
		if len(may) == 0 {
			t.Errorf("%s reads nothing: the test proves nothing", name)
		}
	}
	if signals := (store.Event{Source: "tickets"}).Signals(store.Actor{UserID: uuid.New()}); signals != nil {
		t.Error("somebody without a role is told something")
	}
}
