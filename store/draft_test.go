package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
)

func openUpkeep(t *testing.T, db *storetest.DB) *store.Upkeep {
	t.Helper()
	upkeep, err := store.OpenUpkeep(context.Background(), db.URL, db.Files, store.EventRetention)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(upkeep.Close)
	return upkeep
}

func writing(t *testing.T, db *storetest.DB, who store.Actor, number int64) store.Writing {
	t.Helper()
	w, err := db.Store.Writing(context.Background(), who, number)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// due makes every held reply due.
func due(t *testing.T, db *storetest.DB) {
	t.Helper()
	db.Exec(t, `UPDATE drafts SET send_at = clock_timestamp() - interval '1 second' WHERE send_at IS NOT NULL`)
}

// said are the messages on the ticket, as who reads them.
func said(t *testing.T, db *storetest.DB, who store.Actor, number int64) (texts []string) {
	t.Helper()
	thread, err := db.Store.Thread(context.Background(), who, number, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range thread.Activities {
		if a.Type == "comment" || a.Type == "internal_note" {
			texts = append(texts, a.Content)
		}
	}
	return texts
}

func upload(t *testing.T, db *storetest.DB, name string) store.Upload {
	t.Helper()
	up, err := db.Store.Upload(context.Background(), name, strings.NewReader("content of "+name))
	if err != nil {
		t.Fatal(err)
	}
	return up
}

func TestDraft(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, ana, ben := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	number := submit(t, db, client, "Printer")
	save := func(kind store.DraftKind, text string) {
		t.Helper()
		version, err := db.Store.SaveDraft(ctx, ana, number, kind, uuid.Nil, text, "")
		if err != nil {
			t.Fatal(err)
		}
		if w := writing(t, db, ana, number); w.Version < version {
			t.Fatalf("version %d is older than the save's %d", w.Version, version)
		}
	}
	save(store.ReplyDraft, "Dear ")
	save(store.ReplyDraft, "Dear Cleo,\r\n\r\n")
	save(store.NoteDraft, "odd one")
	w := writing(t, db, ana, number)
	if got := w.Drafts[store.ReplyDraft].Content; got != "Dear Cleo,\n\n" {
		t.Errorf("the reply is %q: what stands at its end is lost", got)
	}
	if got := w.Drafts[store.NoteDraft].Content; got != "odd one" {
		t.Errorf("the note is %q", got)
	}
	if w := writing(t, db, ben, number); len(w.Drafts) != 0 || len(w.Others) != 0 {
		t.Errorf("ben reads %+v", w)
	}
	for _, who := range []store.Actor{client} {
		if _, err := db.Store.SaveDraft(ctx, who, number, store.ReplyDraft, uuid.Nil, "x", ""); !errors.Is(err, store.ErrForbidden) {
			t.Errorf("the client keeps a draft: %v", err)
		}
	}
	if _, err := db.Store.SaveDraft(ctx, ana, number, store.ReplyDraft, uuid.Nil, strings.Repeat("x", store.MaxDraft+1), ""); err == nil {
		t.Error("a draft of any length is kept")
	}
	save(store.NoteDraft, "  \n")
	if w := writing(t, db, ana, number); len(w.Drafts) != 1 {
		t.Errorf("nothing written is a draft: %+v", w.Drafts)
	}
	// Sent, it is gone; the note's is another one.
	save(store.NoteDraft, "still here")
	if err := db.Store.Reply(ctx, ana, number, message("Dear Cleo, done.")); err != nil {
		t.Fatal(err)
	}
	if w := writing(t, db, ana, number); len(w.Drafts) != 1 || w.Drafts[store.NoteDraft].Content != "still here" {
		t.Errorf("after sending: %+v", w.Drafts)
	}
	if err := db.Store.DiscardDraft(ctx, ana, number, store.NoteDraft); err != nil {
		t.Fatal(err)
	}
	if w := writing(t, db, ana, number); len(w.Drafts) != 0 {
		t.Errorf("after throwing it away: %+v", w.Drafts)
	}
}

func TestHeldReplyIsSentWithEverything(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, ana, ben := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	number := submit(t, db, client, "Printer")
	upkeep := openUpkeep(t, db)
	in := message("Dear Cleo, @Ben has mended it.")
	in.Files, in.Then, in.SeenStatus, in.Seen = []store.Upload{upload(t, db, "bill.txt")}, store.StatusResolved, store.StatusNew, position(t, db, ana, number)
	for range 2 { // the same form twice, with its file
		in.Files = []store.Upload{upload(t, db, "bill.txt")}
		if err := db.Store.Hold(ctx, ana, number, in); err != nil {
			t.Fatal(err)
		}
	}
	w := writing(t, db, ana, number)
	if len(w.Held) != 1 || len(w.Held[0].Files) != 1 || w.Held[0].Left <= 8*time.Second || w.Held[0].Left > store.HoldTime {
		t.Fatalf("held is %+v", w.Held)
	}
	if w := writing(t, db, ben, number); len(w.Held) != 0 || len(w.Others) != 1 || w.Others[0].FullName != "Ana" {
		t.Errorf("ben sees %+v", w)
	}
	if err := upkeep.SendHeld(ctx); err != nil || len(said(t, db, client, number)) != 0 {
		t.Fatalf("it was sent before its time, %v", err)
	}
	due(t, db)
	if err := upkeep.SendHeld(ctx); err != nil {
		t.Fatal(err)
	}
	thread, err := db.Store.Thread(ctx, client, number, 0)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(thread.Activities, func(a store.Activity) bool { return a.ID == in.ID })
	if i < 0 || thread.Activities[i].UserName != "Ana" || len(thread.Activities[i].Files) != 1 || thread.Ticket.Status != store.StatusResolved {
		t.Fatalf("the client reads %+v", thread)
	}
	if content, reader, err := db.Store.OpenAttachment(ctx, client, thread.Activities[i].Files[0].ID); err != nil || content.FileName != "bill.txt" {
		t.Errorf("the file: %+v, %v", content, err)
	} else {
		reader.Close()
	}
	var who string
	if err := db.Owner.QueryRow(ctx, `SELECT u.email FROM mentions m JOIN users u ON u.id = m.user_id WHERE m.activity_id = $1`, in.ID).Scan(&who); err != nil || who != ben.Email {
		t.Errorf("mentioned is %q, %v", who, err)
	}
	if w := writing(t, db, ana, number); len(w.Held)+len(w.Drafts) != 0 {
		t.Errorf("left is %+v", w)
	}
	// The form once more, from the browser's history: it says nothing new.
	if err := db.Store.Hold(ctx, ana, number, in); err == nil {
		if w := writing(t, db, ana, number); len(w.Held) != 0 {
			t.Error("what was sent is about to be sent again")
		}
	}
}

// TestHeldRepliesAreSentOnce lets four nodes send forty replies at once, and one of them lose its connections again and
// again in the middle.
func TestHeldRepliesAreSentOnce(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, ana := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	var numbers []int64
	for i := range 4 {
		numbers = append(numbers, submit(t, db, client, fmt.Sprintf("Printer %d", i)))
	}
	for i := range 40 {
		if err := db.Store.Hold(ctx, ana, numbers[i%4], message(fmt.Sprintf("reply %d", i))); err != nil {
			t.Fatal(err)
		}
	}
	due(t, db)
	waiting := func() (n int) {
		if err := db.Owner.QueryRow(ctx, `SELECT count(*) FROM drafts`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var group sync.WaitGroup
	for range 4 {
		upkeep := openUpkeep(t, db)
		group.Go(func() {
			for i := 0; waiting() > 0 && i < 1000; i++ {
				upkeep.SendHeld(ctx) //nolint:errcheck // it lost its connection, and tries again as the loop does
			}
		})
	}
	for range 10 {
		db.Exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'autocrm_worker' ORDER BY random() LIMIT 1`)
	}
	group.Wait()
	var all []string
	for _, number := range numbers {
		all = append(all, said(t, db, client, number)...)
	}
	if slices.Sort(all); len(all) != 40 || len(slices.Compact(slices.Clone(all))) != 40 {
		t.Errorf("%d messages: %v", len(all), all)
	}
}

// TestCrashWhileSending kills the node that sends while it waits for the ticket: another one sends.
func TestCrashWhileSending(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, ana := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	number := submit(t, db, client, "Printer")
	first, second := openUpkeep(t, db), openUpkeep(t, db)
	if err := db.Store.Hold(ctx, ana, number, message("once")); err != nil {
		t.Fatal(err)
	}
	due(t, db)
	tx, err := db.Owner.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	if _, err := tx.Exec(ctx, `SELECT FROM tickets WHERE number = $1 FOR UPDATE`, number); err != nil {
		t.Fatal(err)
	}
	died := make(chan error, 1)
	go func() { died <- first.SendHeld(ctx) }()
	for found := false; !found; { // it has the reply, and waits for the ticket
		err := db.Owner.QueryRow(ctx, `SELECT coalesce(bool_or(pg_terminate_backend(pid)), false) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'autocrm_worker' AND wait_event_type = 'Lock'`).Scan(&found)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := <-died; err == nil {
		t.Error("the node that died says that all is well")
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	if err := second.SendHeld(ctx); err != nil {
		t.Fatal(err)
	}
	if got := said(t, db, client, number); len(got) != 1 {
		t.Errorf("the client reads %v", got)
	}
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, ana, ben := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	number := submit(t, db, client, "Printer")
	upkeep := openUpkeep(t, db)
	in := message("One.")
	in.Files, in.Then, in.SeenStatus = []store.Upload{upload(t, db, "a.txt")}, store.StatusPending, store.StatusNew
	if err := db.Store.Hold(ctx, ana, number, in); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Store.SaveDraft(ctx, ana, number, store.ReplyDraft, uuid.Nil, "Two.", ""); err != nil {
		t.Fatal(err)
	}
	var conflict *store.Conflict
	if err := db.Store.Withdraw(ctx, ben, number, in.ID); !errors.As(err, &conflict) {
		t.Errorf("ben takes ana's reply back: %v", err)
	}
	if err := db.Store.Withdraw(ctx, ana, number, in.ID); err != nil {
		t.Fatal(err)
	}
	due(t, db)
	if err := upkeep.SendHeld(ctx); err != nil || len(said(t, db, client, number)) != 0 {
		t.Errorf("it was sent all the same, %v", err)
	}
	w := writing(t, db, ana, number)
	draft := w.Drafts[store.ReplyDraft]
	if len(w.Held) != 0 || draft.Content != "One.\n\nTwo." || draft.ThenStatus != store.StatusPending || len(draft.Files) != 1 {
		t.Fatalf("it came back as %+v", draft)
	}
	// Sent again, with its file.
	again := message(draft.Content)
	again.Kept = []uuid.UUID{draft.Files[0].ID}
	if err := db.Store.Hold(ctx, ana, number, again); err != nil {
		t.Fatal(err)
	}
	due(t, db)
	if err := upkeep.SendHeld(ctx); err != nil {
		t.Fatal(err)
	}
	thread, err := db.Store.Thread(ctx, client, number, 0)
	if err != nil || len(thread.Activities[len(thread.Activities)-1].Files)+len(thread.Activities[len(thread.Activities)-2].Files) != 1 {
		t.Errorf("sent again: %+v, %v", thread.Activities, err)
	}
	if err := db.Store.Withdraw(ctx, ana, number, again.ID); !errors.As(err, &conflict) {
		t.Errorf("what is sent is taken back: %v", err)
	}
}

func TestHeldReplyThatIsRefusedComesBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(t *testing.T, db *storetest.DB, number int64, ana, ben store.Actor)
		why       string
	}{
		"the ticket is closed": {func(t *testing.T, db *storetest.DB, number int64, _, ben store.Actor) {
			if err := db.Store.ChangeStatus(t.Context(), ben, number, store.StatusNew, store.StatusClosed); err != nil {
				t.Fatal(err)
			}
		}, "takes no more replies"},
		"the status was changed": {func(t *testing.T, db *storetest.DB, number int64, _, ben store.Actor) {
			if err := db.Store.ChangeStatus(t.Context(), ben, number, store.StatusNew, store.StatusOnHold); err != nil {
				t.Fatal(err)
			}
		}, "changed to On hold"},
		"somebody else wrote": {func(t *testing.T, db *storetest.DB, number int64, _, ben store.Actor) {
			note := message("me first")
			note.Internal = true
			if err := db.Store.Reply(t.Context(), ben, number, note); err != nil {
				t.Fatal(err)
			}
		}, "Somebody else wrote"},
		"the author is a client now": {func(t *testing.T, db *storetest.DB, _ int64, ana, _ store.Actor) {
			db.Exec(t, `UPDATE users SET user_role = 'client' WHERE id = $1`, ana.UserID)
		}, "may not answer"},
		"the author is deactivated": {func(t *testing.T, db *storetest.DB, _ int64, ana, _ store.Actor) {
			db.Exec(t, `UPDATE users SET active = false WHERE id = $1`, ana.UserID)
		}, "may not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, db := context.Background(), storetest.New(t)
			client, ana, ben := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
			number := submit(t, db, client, "Printer")
			in := message("Dear Cleo")
			in.Files, in.Then, in.SeenStatus, in.Seen = []store.Upload{upload(t, db, "a.txt")}, store.StatusResolved, store.StatusNew, position(t, db, ana, number)
			if err := db.Store.Hold(ctx, ana, number, in); err != nil {
				t.Fatal(err)
			}
			before := len(said(t, db, client, number))
			c.meanwhile(t, db, number, ana, ben)
			between := len(said(t, db, client, number))
			due(t, db)
			if err := openUpkeep(t, db).SendHeld(ctx); err != nil {
				t.Fatal(err)
			}
			if got := said(t, db, client, number); len(got) != between || slices.Contains(got, in.Body) {
				t.Errorf("sent all the same (%d before): %v", before, got)
			}
			draft := writing(t, db, ana, number).Drafts[store.ReplyDraft]
			if draft.Content != in.Body || !strings.Contains(draft.Refused, c.why) || len(draft.Files) != 1 || draft.ThenStatus != in.Then {
				t.Errorf("it came back as %+v", draft)
			}
		})
	}
}

func TestReplyAndStatusInOne(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, ana := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	number := submit(t, db, client, "Printer")
	in := message("Done.")
	in.Then, in.SeenStatus = store.StatusResolved, store.StatusOpen
	var conflict *store.Conflict
	if err := db.Store.Reply(ctx, ana, number, in); !errors.As(err, &conflict) || len(said(t, db, client, number)) != 0 {
		t.Fatalf("a status that was not seen: %v", err)
	}
	in.SeenStatus = store.StatusNew
	if err := db.Store.Reply(ctx, ana, number, in); err != nil {
		t.Fatal(err)
	}
	ticket, err := db.Store.Ticket(ctx, client, number)
	if err != nil || ticket.Status != store.StatusResolved || ticket.FirstResponseAt == nil {
		t.Errorf("the ticket is %+v, %v", ticket, err)
	}
	var changes int
	if err := db.Owner.QueryRow(ctx, `SELECT count(*) FROM ticket_activities WHERE activity_type = 'status_change'`).Scan(&changes); err != nil || changes != 1 {
		t.Errorf("%d changes of status, %v", changes, err)
	}
	in = message("Done again.")
	in.Then, in.SeenStatus = store.StatusCancelled, store.StatusResolved
	var wrong *store.Invalid
	if err := db.Store.Reply(ctx, ana, number, in); !errors.As(err, &wrong) {
		t.Errorf("a way that there is not: %v", err)
	}
	in.Then = store.StatusOpen
	if err := db.Store.Reply(ctx, client, number, in); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("a client sets a status with its reply: %v", err)
	}
}

func TestMentions(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, ana := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	for _, email := range []string{"lima@example.com", "lima2@example.com", "bo@example.com", "gone@example.com"} {
		db.Person(t, store.Agent, email)
	}
	db.Exec(t, `UPDATE users SET full_name = 'Ana Lima' WHERE email LIKE 'lima%'`)
	db.Exec(t, `UPDATE users SET full_name = 'Bo O''Neill' WHERE email = 'bo@example.com'`)
	db.Exec(t, `UPDATE users SET active = false WHERE email = 'gone@example.com'`)
	number := submit(t, db, client, "Printer")
	for text, want := range map[string]struct{ said, who string }{
		"@Ana, look":                            {"@Ana, look", "ana@example.com"},
		"(@ana)":                                {"(@Ana)", "ana@example.com"},
		"ask @Ana Lima (lima2@example.com).":    {"ask @Ana Lima.", "lima2@example.com"},
		"@Bo O'Neill and @Bo O'Neill":           {"@Bo O'Neill and @Bo O'Neill", "bo@example.com"},
		"@Anastasia, @Gone, @Cleo, mail@ana.de": {"@Anastasia, @Gone, @Cleo, mail@ana.de", ""},
		"@":                                     {"@", ""},
	} {
		m := message(text)
		m.Internal = true
		if err := db.Store.Reply(ctx, ana, number, m); err != nil {
			t.Fatal(err)
		}
		var content, who string
		err := db.Owner.QueryRow(ctx, `
			SELECT content, coalesce((SELECT string_agg(u.email, ' ') FROM mentions m JOIN users u ON u.id = m.user_id WHERE m.activity_id = a.id), '')
			FROM ticket_activities a WHERE id = $1`, m.ID).Scan(&content, &who)
		if err != nil || content != want.said || who != want.who {
			t.Errorf("%q is stored as %q and mentions %q, %v", text, content, who, err)
		}
	}
	m := message("@Ana")
	if err := db.Store.Reply(ctx, client, number, m); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.Owner.QueryRow(ctx, `SELECT count(*) FROM mentions WHERE activity_id = $1`, m.ID).Scan(&n); err != nil || n != 0 {
		t.Errorf("a client mentions %d, %v", n, err)
	}
}

// What was on its way to the server while the form was sent does not come back as a draft.
func TestADraftThatComesAfterItWasSent(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, ana := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	number := submit(t, db, client, "Printer")
	sent, held := message("Sent."), message("Held.")
	sent.Form, held.Form = uuid.New(), uuid.New()
	if err := db.Store.Reply(ctx, ana, number, sent); err != nil {
		t.Fatal(err)
	}
	if err := db.Store.Hold(ctx, ana, number, held); err != nil {
		t.Fatal(err)
	}
	for _, form := range []store.Message{sent, held} {
		if _, err := db.Store.SaveDraft(ctx, ana, number, store.ReplyDraft, form.Form, form.Body, ""); err != nil {
			t.Fatal(err)
		}
		var drafts int
		if err := db.Owner.QueryRow(ctx, `SELECT count(*) FROM drafts WHERE send_at IS NULL`).Scan(&drafts); err != nil || drafts != 0 {
			t.Errorf("%q is a draft again, %v", form.Body, err)
		}
	}
}

// Whoever takes a reply back has the lock on their drafts and waits for its row: what sends it must not wait for them.
func TestSendingDoesNotWaitForWhoWrites(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, ana := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	number := submit(t, db, client, "Printer")
	upkeep := openUpkeep(t, db)
	if err := db.Store.Hold(ctx, ana, number, message("One.")); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, `UPDATE drafts SET send_at = clock_timestamp() - interval '1 second'`)
	tx, err := db.Owner.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('autocrm.drafts' || user_id || ticket_id, 0)) FROM drafts`); err != nil {
		t.Fatal(err)
	}
	if err := upkeep.SendHeld(ctx); err != nil || len(said(t, db, client, number)) != 0 {
		t.Fatalf("%v, %v", said(t, db, client, number), err)
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	if err := upkeep.SendHeld(ctx); err != nil || len(said(t, db, client, number)) != 1 {
		t.Fatalf("%v, %v", said(t, db, client, number), err)
	}
}
