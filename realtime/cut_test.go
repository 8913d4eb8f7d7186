package realtime

import (
	"context"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"
)

func TestStreamsAreCut(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	admin := db.Person(t, store.Admin, "admin@example.com")
	db.Person(t, store.Admin, "second@example.com")
	n := newNode(t, db, setting{})
	ctx := context.Background()
	revoke := `UPDATE sessions SET revoked_at = now() WHERE id = $1`
	for name, c := range map[string]struct {
		does func(t *testing.T, who store.Actor)
		bye  string
	}{
		"signs out":     {func(t *testing.T, who store.Actor) { check(t, db.Store.SignOut(ctx, who)) }, byeSignedOut},
		"is thrown out": {func(t *testing.T, who store.Actor) { db.Exec(t, revoke, who.SessionID) }, byeRevoked},
		"session deleted": {func(t *testing.T, who store.Actor) {
			db.Exec(t, `DELETE FROM sessions WHERE id = $1`, who.SessionID)
		}, byeRevoked},
		"gets another role": {func(t *testing.T, who store.Actor) {
			_, err := db.Store.ChangeRole(ctx, admin, who.UserID, store.RoleChange{Seen: store.Agent, Next: store.Client})
			check(t, err)
		}, byeRevoked},
		"is deactivated": {func(t *testing.T, who store.Actor) {
			_, err := db.Store.Deactivate(ctx, admin, who.UserID, true)
			check(t, err)
		}, byeRevoked},
		"is deleted": {func(t *testing.T, who store.Actor) {
			db.Exec(t, `DELETE FROM users WHERE id = $1`, who.UserID)
		}, byeRevoked},
	} {
		t.Run(name, func(t *testing.T) {
			who := db.Person(t, store.Agent, "agent-"+store.TicketTopic(int64(len(name)))+"@example.com")
			bystander := n.open(t, db.Session(t, admin), "")
			r := n.open(t, who, "")
			r.until("ping")
			began := time.Now()
			c.does(t, who)
			if got := r.bye(); got != c.bye {
				t.Errorf("bye %s, want %s", got, c.bye)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("cut after %v", took)
			}
			bystander.change("users")
			select {
			case e, open := <-bystander.events:
				if !open || e.Event == "bye" {
					t.Error("somebody else's stream ended too")
				}
			default:
			}
			// Whoever was let in just before, and reaches the hub only now, does not stay either.
			if got := n.open(t, who, "").bye(); got != c.bye {
				t.Errorf("arriving late: bye %s", got)
			}
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A new password gives the session a new cookie: whoever listens by the old one must show the new.
func TestANewCookieEndsTheStreamsOfTheOld(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	agent := db.Person(t, store.Agent, "agent@example.com")
	elsewhere := db.Session(t, agent)
	n := newNode(t, db, setting{})
	here, there := n.open(t, agent, ""), n.open(t, elsewhere, "")
	_, err := db.Store.ChangePassword(context.Background(), agent, "192.0.2.1", storetest.Password, "another password")
	check(t, err)
	if got := here.bye(); got != byeAge {
		t.Errorf("bye %s, want %s: it may come back", got, byeAge)
	}
	if got := there.bye(); got != byeRevoked {
		t.Errorf("bye %s, want %s", got, byeRevoked)
	}
	n.open(t, agent, here.cursor).until("ping")
}

func TestComingBackAfterReactivation(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	agent := db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{})
	r := n.open(t, agent, "")
	db.Exec(t, `UPDATE users SET active = false WHERE id = $1`, agent.UserID)
	r.bye()
	db.Exec(t, `UPDATE users SET active = true WHERE id = $1`, agent.UserID)
	head := func() bool { log, _ := n.log.Extent(t.Context()); return n.hub.head() == log.Head }
	eventually(t, "the node has read it", head)
	again := n.open(t, db.Session(t, agent), "")
	again.until("ping")
	db.Exec(t, `UPDATE users SET user_role = 'admin' WHERE id = $1`, agent.UserID)
	again.bye()
	agent.Role, agent.Portal = store.Admin, store.Admin
	n.open(t, db.Session(t, agent), "").until("ping")
}

func TestASessionThatExpiresEndsItsStream(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	agent := db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{})
	agent.ExpiresAt = time.Now().Add(500 * time.Millisecond)
	r := n.open(t, agent, "")
	if got := r.bye(); got != byeExpired {
		t.Errorf("bye %s", got)
	}
	if late := time.Since(agent.ExpiresAt); late < 0 || late > 2*time.Second {
		t.Errorf("%v after the end", late)
	}
	answer := n.poll(t, agent, "after="+n.hub.Cursor())
	if len(answer.Events) != 1 || answer.Events[0].text("reason") != byeExpired {
		t.Errorf("a poll answers %v", answer.Events)
	}
}

func TestAgeEndsAStream(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	agent := db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{pace: func(p *pace) { p.minAge, p.maxAge = 50*time.Millisecond, 100*time.Millisecond }})
	r := n.open(t, agent, "")
	if got := r.bye(); got != byeAge {
		t.Errorf("bye %s", got)
	}
	if n.open(t, agent, r.cursor).hello.ID == "" {
		t.Error("it cannot come back")
	}
}

func TestShutdownEndsManyStreamsAtOnce(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	agent := db.Person(t, store.Agent, "agent@example.com")
	n := newNode(t, db, setting{})
	var streams []*reader
	for range 200 {
		streams = append(streams, n.open(t, agent, ""))
	}
	began := time.Now()
	n.hub.Shutdown()
	if err := n.server.Config.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	retries := map[string]bool{}
	for _, r := range streams {
		_, e := r.until("bye")
		if e.text("reason") != byeShutdown {
			t.Errorf("bye %s", e.Data)
		}
		retries[e.Retry] = true
	}
	t.Logf("200 streams ended in %v", took)
	if took > 2*time.Second {
		t.Errorf("it took %v", took)
	}
	if len(retries) < 100 {
		t.Errorf("they come back at %d different times", len(retries))
	}
}
