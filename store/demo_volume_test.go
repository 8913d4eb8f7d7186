package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const volume = 3000

// loadVolume is a database with the demo and volume tickets more.
func loadVolume(t *testing.T) *storetest.DB {
	t.Helper()
	ctx, db := context.Background(), storetest.New(t)
	if err := store.Demo(ctx, db.URL, db.Files); err != nil {
		t.Fatal(err)
	}
	if err := store.DemoVolume(ctx, db.OwnerURL, volume, func(string, int, int) {}); err != nil {
		t.Fatal(err)
	}
	return db
}

// The rows went past the triggers. Told again, step by step and through them, a ticket ends the same.
func TestVolumeIsWhatTheTriggersWouldHaveMade(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), loadVolume(t)
	type end struct {
		Seq, ClientSeq             int64
		Waiting, First             *time.Time
		Resolved, Closed           bool
		Status, Priority, Timeline string
	}
	read := func(id uuid.UUID) end {
		t.Helper()
		rows, _ := db.Owner.Query(ctx, `
			SELECT t.seq, t.client_seq, t.waiting_since AS waiting, t.first_response_at AS first, t.resolved_at IS NOT NULL AS resolved,
			       t.closed_at IS NOT NULL AS closed, t.status, t.priority,
			       (SELECT string_agg(concat_ws(' ', a.activity_type, a.is_internal, CASE WHEN a.activity_type <> 'assignment' THEN a.metadata END),
			                          E'\n' ORDER BY a.position) FROM ticket_activities a WHERE a.ticket_id = t.id) AS timeline
			FROM tickets t WHERE t.id = $1`, id)
		found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[end])
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	rows, _ := db.Owner.Query(ctx, `
		SELECT id FROM tickets WHERE number > (SELECT min(number) + 60 FROM tickets) ORDER BY status IN ('closed', 'resolved'), seq DESC LIMIT 260`)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil || len(ids) < 260 {
		t.Fatalf("%v, %d tickets", err, len(ids))
	}
	for _, id := range ids {
		again := uuid.New()
		db.Exec(t, `
			INSERT INTO tickets (id, client_id, agent_id, subject, description, priority, created_at, waiting_since)
			SELECT $2, client_id, CASE WHEN NOT EXISTS (SELECT FROM ticket_activities a WHERE a.ticket_id = t.id AND a.activity_type = 'assignment') THEN agent_id END,
			       subject, description, priority, created_at, created_at FROM tickets t WHERE id = $1`, id, again)
		rows, _ := db.Owner.Query(ctx, `SELECT id, activity_type, coalesce(metadata ->> 'to', '') FROM ticket_activities WHERE ticket_id = $1 ORDER BY position`, id)
		var activity uuid.UUID
		var kind, to string
		type step struct {
			activity uuid.UUID
			kind, to string
		}
		var steps []step
		if _, err := pgx.ForEachRow(rows, []any{&activity, &kind, &to}, func() error { steps = append(steps, step{activity, kind, to}); return nil }); err != nil {
			t.Fatal(err)
		}
		for _, s := range steps {
			switch s.kind {
			case "comment", "internal_note":
				db.Exec(t, `INSERT INTO ticket_activities (ticket_id, user_id, activity_type, content, is_internal, created_at)
					SELECT $2, user_id, activity_type, content, is_internal, created_at FROM ticket_activities WHERE id = $1`, s.activity, again)
			case "status_change":
				db.Exec(t, `UPDATE tickets SET status = $2 WHERE id = $1`, again, s.to)
			case "assignment":
				db.Exec(t, `UPDATE tickets SET agent_id = $2 WHERE id = $1`, again, uuid.MustParse(s.to))
			case "tag_change":
				db.Exec(t, `INSERT INTO ticket_tags SELECT $2, tag_id FROM ticket_tags WHERE ticket_id = $1`, id, again)
			}
		}
		db.Exec(t, `UPDATE tickets SET snoozed_until = o.snoozed_until FROM tickets o WHERE tickets.id = $2 AND o.id = $1 AND o.snoozed_until IS NOT NULL`, id, again)
		loaded, told := read(id), read(again)
		for _, pair := range [][2]**time.Time{{&loaded.Waiting, &told.Waiting}, {&loaded.First, &told.First}} {
			if a, b := *pair[0], *pair[1]; (a == nil) != (b == nil) || a != nil && !a.Equal(*b) {
				t.Errorf("a time of %s: loaded %v, told again %v", id, a, b)
			}
			*pair[0], *pair[1] = nil, nil
		}
		if loaded != told {
			t.Errorf("%s:\nloaded     %+v\ntold again %+v", id, loaded, told)
		}
	}
}

func TestVolumeIsWholeAndLeavesTheDatabaseAsItWas(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	// All that the load takes off and puts on again, in the order of its names.
	shape := func() []string {
		t.Helper()
		rows, _ := db.Owner.Query(ctx, `
			SELECT indexdef FROM pg_indexes WHERE schemaname NOT IN ('pg_catalog', 'pg_toast')
			UNION ALL SELECT format('%s %s %s %s', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid)) FROM pg_constraint WHERE contype <> 't'
			UNION ALL SELECT format('%s %s %s', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
			UNION ALL SELECT format('%s %s %s', oid::regclass, relrowsecurity, relforcerowsecurity) FROM pg_class WHERE relkind IN ('r', 'p')
			ORDER BY 1`)
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(lines) < 100 {
			t.Fatalf("%v, %d", err, len(lines))
		}
		return lines
	}
	if err := store.Demo(ctx, db.URL, db.Files); err != nil {
		t.Fatal(err)
	}
	before := shape()
	type figures struct{ Tickets, Entries, Events, People, Impossible, Untold int }
	count := func() (f figures) { // Impossible: of times; the demo's own story has the numbers below
		t.Helper()
		if err := db.Owner.QueryRow(ctx, `
			SELECT (SELECT count(*) FROM tickets), (SELECT count(*) FROM ticket_activities), (SELECT count(*) FROM events), (SELECT count(*) FROM users),
			(SELECT count(*) FROM tickets t WHERE updated_at > now() OR first_response_at < created_at
				OR number > 1040 AND updated_at <> (SELECT max(a.created_at) FROM ticket_activities a WHERE a.ticket_id = t.id)
				OR number > 1040 AND client_updated_at <> (SELECT max(a.created_at) FROM ticket_activities a WHERE a.ticket_id = t.id AND NOT a.is_internal)
				OR (status IN ('new', 'open', 'pending', 'on_hold')) = (closed_at IS NOT NULL OR resolved_at IS NOT NULL)),
			(SELECT count(*) FROM tickets t WHERE (SELECT count(*) FROM ticket_activities a WHERE a.ticket_id = t.id AND a.activity_type = 'created') <> 1)`).
			Scan(&f.Tickets, &f.Entries, &f.Events, &f.People, &f.Impossible, &f.Untold); err != nil {
			t.Fatal(err)
		}
		return f
	}
	small := count()

	// Stopped on the way: nothing of it is there.
	stopped, stop := context.WithCancel(ctx)
	err := store.DemoVolume(stopped, db.OwnerURL, volume, func(doing string, done, total int) {
		if doing == "building indexes" {
			stop()
		}
	})
	if err == nil || count() != small || !slices.Equal(shape(), before) {
		t.Fatalf("a stopped load: %v, left %+v of %+v", err, count(), small)
	}

	log, err := store.OpenEventLog(ctx, db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	old, err := log.Extent(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.DemoVolume(ctx, db.OwnerURL, volume, func(string, int, int) {}); err != nil {
		t.Fatal(err)
	}
	if after := shape(); !slices.Equal(after, before) {
		t.Errorf("the load changed the schema: %d lines before, %d after", len(before), len(after))
	}
	want := figures{small.Tickets + volume, small.Entries + 5*volume, small.Events, small.People + volume/20 + 40 - 10, 0, 0}
	if got := count(); got != want {
		t.Errorf("loaded %+v, want %+v", got, want)
	}
	// History: nobody is told of it row by row, and nobody who looked before goes on without it.
	if _, held, err := log.After(ctx, old.Head, 10); held || err != nil {
		t.Errorf("a page made before the load could go on as if nothing were: %v %v", held, err)
	}
	if now, err := log.Extent(ctx); err != nil || now.Head <= old.Head {
		t.Errorf("the log's head %d is not above %d: %v", now.Head, old.Head, err)
	}

	// A customer sees its own and no notes.
	client := db.Session(t, store.Actor{Role: store.Client, Portal: store.Client, Email: "client@example.com", UserID: idOf(t, db, "client@example.com")})
	var own, seen, others, notes, entries int
	if err := db.Owner.QueryRow(ctx, `SELECT count(*) FROM tickets WHERE client_id = $1`, client.UserID).Scan(&own); err != nil {
		t.Fatal(err)
	}
	err = db.Store.Seeing(ctx, client, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			SELECT (SELECT count(*) FROM tickets), (SELECT count(*) FROM tickets WHERE client_id <> (SELECT auth.uid())),
			       (SELECT count(*) FROM ticket_activities WHERE is_internal), (SELECT count(*) FROM ticket_activities)`).Scan(&seen, &others, &notes, &entries)
	})
	if err != nil || own < 10 || seen != own || others != 0 || notes != 0 || entries <= own {
		t.Errorf("%v: the customer has %d tickets and sees %d, %d of others, %d entries, %d notes", err, own, seen, others, entries, notes)
	}

	// What comes after goes on where the load ended.
	db.Exec(t, `INSERT INTO tickets (client_id, subject, description) VALUES ($1, 'One more', 'Please.')`, client.UserID)
	if got := count(); got.Tickets != want.Tickets+1 || got.Entries != want.Entries+1 || got.Events <= want.Events {
		t.Errorf("after one ticket more: %+v", got)
	}

	if err := store.DemoVolume(ctx, db.OwnerURL, volume, func(string, int, int) {}); !errors.Is(err, store.ErrNotDemoAlone) {
		t.Errorf("a second load: %v", err)
	}
}

func idOf(t *testing.T, db *storetest.DB, email string) (id uuid.UUID) {
	t.Helper()
	if err := db.Owner.QueryRow(context.Background(), `SELECT id FROM users WHERE email = $1`, email).Scan(&id); err != nil {
		t.Fatal(err)
	}
	return id
}
