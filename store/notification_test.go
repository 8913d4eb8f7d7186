package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// noticesOf is what somebody was told, the oldest first: "answered 1001 by Cleo".
func noticesOf(t *testing.T, db *storetest.DB, who store.Actor) (lines []string) {
	t.Helper()
	page, err := db.Store.Notifications(context.Background(), who, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range page.Notifications {
		line := fmt.Sprintf("%s %d by %s", n.Kind, n.Number, n.ActorName)
		if n.More > 0 {
			line += fmt.Sprintf(" and %d more", n.More)
		}
		if n.ReadAt != nil {
			line += ", read"
		}
		lines = append(lines, line)
	}
	slices.Reverse(lines)
	return lines
}

func wantTold(t *testing.T, db *storetest.DB, who store.Actor, want ...string) {
	t.Helper()
	if got := noticesOf(t, db, who); !slices.Equal(got, want) {
		t.Errorf("%s was told %q, want %q", who.Name, got, want)
	}
}

func upkeep(t *testing.T, db *storetest.DB) *store.Upkeep {
	t.Helper()
	u, err := store.OpenUpkeep(context.Background(), db.OwnerURL, db.Files, store.EventRetention)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	return u
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestNotifications(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	cleo := db.Person(t, store.Client, "cleo@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	number := submit(t, db, cleo, "It leaks")
	say := func(who store.Actor, internal bool) {
		t.Helper()
		do(t, db.Store.Reply(ctx, who, number, store.Message{ID: uuid.New(), Body: "words", Internal: internal}))
	}

	say(cleo, false) // nobody has it yet
	do(t, db.Store.Take(ctx, ana, number))
	wantTold(t, db, ana) // of nothing she did herself
	do(t, db.Store.Assign(ctx, ana, number, &ana.UserID, &ben.UserID))
	wantTold(t, db, ben, "assigned 1001 by Ana")
	say(cleo, false)
	say(ana, true)
	say(ben, false)
	wantTold(t, db, ben, "assigned 1001 by Ana", "answered 1001 by Cleo")
	wantTold(t, db, ana)
	wantTold(t, db, cleo)

	do(t, db.Store.Reply(ctx, ben, number, store.Message{ID: uuid.New(), Body: "What do @Ana and @Ben think?", Internal: true}))
	wantTold(t, db, ana, "mentioned 1001 by Ben")
	do(t, db.Store.ReadNotificationsOf(ctx, ana, number))

	// In psql nobody is signed in; the person is told all the same.
	db.Exec(t, `UPDATE tickets SET agent_id = $1`, ana.UserID)
	wantTold(t, db, ana, "mentioned 1001 by Ben, read", "assigned 1001 by ")

	// Read is read, and only one's own, and only what one has seen.
	page, err := db.Store.Notifications(ctx, ben, 0, 1)
	do(t, err)
	if page.Unread != 2 || page.Next != page.Notifications[0].Position {
		t.Errorf("the first of two: %+v", page)
	}
	older, err := db.Store.Notifications(ctx, ben, page.Next, 1)
	do(t, err)
	do(t, db.Store.ReadNotifications(ctx, ben, older.Notifications[0].Position))
	wantTold(t, db, ben, "assigned 1001 by Ana, read", "answered 1001 by Cleo")
	do(t, db.Store.ReadNotificationsOf(ctx, ben, number))
	wantTold(t, db, ben, "assigned 1001 by Ana, read", "answered 1001 by Cleo, read")
	wantTold(t, db, ana, "mentioned 1001 by Ben, read", "assigned 1001 by ")

	// What is off is not written, and what was told stays.
	do(t, db.Store.MuteNotifications(ctx, ana, []store.NotificationKind{store.NotifyAnswered}))
	say(cleo, false)
	wantTold(t, db, ana, "mentioned 1001 by Ben, read", "assigned 1001 by ")
	if muted, err := db.Store.MutedNotifications(ctx, ben); err != nil || len(muted) > 0 {
		t.Errorf("ben has muted %v, %v", muted, err)
	}

	// Of one's own doing one is told when it could not be done.
	do(t, db.Store.Hold(ctx, ana, number, store.Message{ID: uuid.New(), Body: "Too late."}))
	db.Exec(t, `UPDATE tickets SET status = 'closed'`)
	db.Exec(t, `UPDATE drafts SET send_at = now()`)
	do(t, upkeep(t, db).SendHeld(ctx))
	wantTold(t, db, ana, "mentioned 1001 by Ben, read", "assigned 1001 by ", "unsent 1001 by ")

	// Who is no longer of the staff reads nothing and is told nothing.
	db.Exec(t, `UPDATE users SET user_role = 'client' WHERE id = $1`, ben.UserID)
	ben.Role = store.Client
	ben = db.Session(t, ben)
	wantTold(t, db, ben)

	do(t, upkeep(t, db).Tidy(ctx, time.Now().Add(91*24*time.Hour)))
	wantTold(t, db, ana)
}

// Who follows a ticket hears of every message, once, and of none of their own.
func TestNotificationOfFollowed(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	cleo := db.Person(t, store.Client, "cleo@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	number := submit(t, db, cleo, "It leaks")
	do(t, db.Store.Take(ctx, ana, number))
	db.Exec(t, `INSERT INTO ticket_followers (ticket_id, user_id) SELECT id, unnest($1::uuid[]) FROM tickets`, []uuid.UUID{ana.UserID, ben.UserID})
	say := func(who store.Actor, text string, internal bool) {
		t.Helper()
		do(t, db.Store.Reply(ctx, who, number, store.Message{ID: uuid.New(), Body: text, Internal: internal}))
	}
	say(cleo, "Still.", false)
	wantTold(t, db, ana, "answered 1001 by Cleo")
	wantTold(t, db, ben, "followed 1001 by Cleo")
	say(ana, "@Ben: can you?", true)
	wantTold(t, db, ana, "answered 1001 by Cleo")
	wantTold(t, db, ben, "followed 1001 by Cleo", "mentioned 1001 by Ana")
	say(ben, "I can.", true)
	wantTold(t, db, ana, "answered 1001 by Cleo", "followed 1001 by Ben")
}

// A change of many at once is one line, and wakes the person's pages once.
func TestNotificationOfMany(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	cleo := db.Person(t, store.Client, "cleo@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	for range 8 {
		submit(t, db, cleo, "One of many")
	}
	do(t, db.Store.As(ctx, ana, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE tickets SET agent_id = $1`, ben.UserID)
		return err
	}))
	wantTold(t, db, ben, "assigned 1001 by Ana and 7 more")
	var events int
	do(t, db.Owner.QueryRow(ctx, `SELECT count(*) FROM events WHERE topic = 'notifications' AND user_id = $1`, ben.UserID).Scan(&events))
	if events != 1 {
		t.Errorf("%d events for ben", events)
	}
}

// A customer who waits is told of once a wait, to who has the ticket, after as long as the priority allows.
func TestNotificationOfWaiting(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	cleo := db.Person(t, store.Client, "cleo@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	number := submit(t, db, cleo, "It leaks")
	u := upkeep(t, db)
	waits := func(d time.Duration) {
		t.Helper()
		db.Exec(t, `UPDATE tickets SET waiting_since = now() - $1::interval`, d)
		do(t, u.RemindOfWaiting(ctx))
	}
	waits(5 * time.Hour) // nobody has it
	do(t, db.Store.Take(ctx, ana, number))
	waits(3 * time.Hour)
	wantTold(t, db, ana)
	db.Exec(t, `UPDATE tickets SET priority = 'high'`) // two hours
	do(t, u.RemindOfWaiting(ctx))
	wantTold(t, db, ana, "late 1001 by ")
	db.Exec(t, `UPDATE tickets SET priority = 'urgent'`)
	do(t, u.RemindOfWaiting(ctx))
	wantTold(t, db, ana, "late 1001 by ") // once a wait

	do(t, db.Store.Reply(ctx, ana, number, store.Message{ID: uuid.New(), Body: "On it."}))
	waits(0) // no matter: the reminder is of the time that is set with it
	do(t, db.Store.Reply(ctx, ana, number, store.Message{ID: uuid.New(), Body: "Still."}))
	var left int
	do(t, db.Owner.QueryRow(ctx, `SELECT count(*) FROM ticket_reminders`).Scan(&left))
	if left != 0 {
		t.Errorf("%d reminders of a ticket whose customer does not wait", left)
	}
	do(t, db.Store.MuteNotifications(ctx, ben, []store.NotificationKind{store.NotifyLate}))
	do(t, db.Store.Assign(ctx, ben, number, &ana.UserID, &ben.UserID))
	waits(5 * time.Hour)
	wantTold(t, db, ben)

	// Somebody works on the ticket just now: nobody waits for anybody, and the reminder comes later.
	do(t, db.Store.Assign(ctx, ben, number, &ben.UserID, &ana.UserID))
	db.Exec(t, `UPDATE notifications SET created_at = now() - interval '1 day'`) // another wait
	db.Exec(t, `UPDATE tickets SET waiting_since = now() - interval '90 minutes'`)
	do(t, db.Store.As(ctx, ben, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT FROM tickets FOR UPDATE`); err != nil {
			return err
		}
		return u.RemindOfWaiting(ctx)
	}))
	before := len(noticesOf(t, db, ana))
	do(t, u.RemindOfWaiting(ctx))
	if after := noticesOf(t, db, ana); len(after) != before+1 || after[before] != "late 1001 by " {
		t.Errorf("after the ticket was free: %q", after)
	}
}
