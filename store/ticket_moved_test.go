package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// position is where the ticket's timeline ends for who.
func position(t *testing.T, db *storetest.DB, who store.Actor, number int64) int64 {
	t.Helper()
	thread, err := db.Store.Thread(context.Background(), who, number, 0)
	if err != nil {
		t.Fatal(err)
	}
	return thread.Activities[len(thread.Activities)-1].Position
}

// TestOfTwoRepliesToOneMomentOneIsRefused sends twenty pairs at once, each pair having seen the same.
func TestOfTwoRepliesToOneMomentOneIsRefused(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	number := submit(t, db, client, "Printer")
	for pair := range 20 {
		seen := position(t, db, ana, number)
		var group sync.WaitGroup
		var sent [2]error
		for i, who := range []store.Actor{ana, ben} {
			group.Go(func() {
				m := store.Message{ID: uuid.New(), Body: fmt.Sprintf("pair %d", pair), Internal: (pair+i)%3 == 0, Seen: seen}
				sent[i] = db.Store.Reply(ctx, who, number, m)
			})
		}
		group.Wait()
		if (sent[0] == nil) == (sent[1] == nil) {
			t.Fatalf("pair %d: both or neither was sent: %v", pair, sent)
		}
		var moved *store.Moved
		if err := errors.Join(sent[:]...); !errors.As(err, &moved) || !errors.Is(err, store.ErrConflict) {
			t.Fatalf("pair %d: the slower one was told %v", pair, err)
		}
	}
}

func TestWhatAReplyIsRefusedFor(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	number := submit(t, db, client, "Printer")
	seen := position(t, db, ana, number)
	say := func(who store.Actor, in store.Message) error {
		t.Helper()
		if in.ID == uuid.Nil {
			in.ID = uuid.New()
		}
		in.Body = "words"
		return db.Store.Reply(ctx, who, number, in)
	}
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	refused := func(what string, err error) {
		t.Helper()
		var moved *store.Moved
		if !errors.As(err, &moved) {
			t.Errorf("%s: %v, want it refused", what, err)
		}
	}
	// Changes of the ticket and one's own words are no news, and who is not asked is not refused.
	must("take", db.Store.Take(ctx, ben, number))
	must("status", db.Store.ChangeStatus(ctx, ben, number, store.StatusOpen, store.StatusPending))
	must("after changes", say(ana, store.Message{Seen: seen}))
	must("after one's own", say(ana, store.Message{Seen: seen}))
	refused("after ana's", say(ben, store.Message{Seen: seen}))
	must("not asked", say(ben, store.Message{}))
	// A note is as much news as a reply, to a note as to a reply; and the customer's words are.
	seen = position(t, db, ana, number)
	must("note", say(ben, store.Message{Internal: true, Seen: seen}))
	refused("a reply after a note", say(ana, store.Message{Seen: seen}))
	refused("a note after a note", say(ana, store.Message{Internal: true, Seen: seen}))
	seen = position(t, db, ana, number)
	must("the customer", say(client, store.Message{}))
	refused("after the customer's", say(ana, store.Message{Seen: seen}))
	// A customer is never refused: what it may not see it cannot have seen.
	must("the customer, whatever it claims to have seen", say(client, store.Message{Seen: 1}))
	// Having looked, the second press sends; and sent again it is the same message, however old it is by then.
	again := store.Message{ID: uuid.New(), Seen: position(t, db, ana, number)}
	must("looked again", say(ana, again))
	must("ben", say(ben, store.Message{}))
	must("sent twice", say(ana, again))

	// The database holds it, not the verb alone; and keeps nothing of it.
	err := db.Store.As(ctx, ana, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO ticket_activities (ticket_id, user_id, activity_type, content, seen_position)
			SELECT id, $1, 'comment', 'x', $2 FROM tickets WHERE number = $3`, ana.UserID, seen, number)
		return err
	})
	refused("in SQL", err)
	var kept int
	if err := db.Owner.QueryRow(ctx, `SELECT count(*) FROM ticket_activities WHERE seen_position IS NOT NULL`).Scan(&kept); err != nil || kept != 0 {
		t.Errorf("%d rows keep what their author had seen: %v", kept, err)
	}
}

// TestWhoWaitedForATicketIsToldWhoHasIt has one agent take a ticket while the other waits for it.
func TestWhoWaitedForATicketIsToldWhoHasIt(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client := db.Person(t, store.Client, "cleo@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	number := submit(t, db, client, "Printer")
	waited := make(chan error, 1)
	err := db.Store.As(ctx, ana, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE tickets SET agent_id = $1 WHERE number = $2`, ana.UserID, number); err != nil {
			return err
		}
		go func() { waited <- db.Store.Take(ctx, ben, number) }()
		for {
			var waits bool
			if err := db.Owner.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
				WHERE NOT l.granted AND a.datname = current_database())`).Scan(&waits); err != nil || waits {
				return err
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-waited; !errors.Is(err, store.ErrConflict) || !strings.Contains(err.Error(), "Ana has this ticket") {
		t.Errorf("ben is told %v", err)
	}
}
