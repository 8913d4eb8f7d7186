package web_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"

	"net/url"
)

// signedIn is a browser of somebody who has signed in.
func (d *deployment) signedIn(t *testing.T, role store.Role, email string) (*browser, store.Actor) {
	t.Helper()
	who := d.Person(t, role, email)
	b := d.browser(t, role)
	b.post(t, "/sign-in", url.Values{"email": {email}, "password": {storetest.Password}})
	return b, who
}

// Writers change a subject again and again; whoever asks for the rows after a commit reads that or a later one.
func TestSharedRowsHideNoChange(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	client := d.Person(t, store.Client, "client@example.com")
	number := 0
	if err := d.Owner.QueryRow(t.Context(), `INSERT INTO tickets (client_id, subject, description) VALUES ($1, 'State 0.', 'x') RETURNING number`, client.UserID).Scan(&number); err != nil {
		t.Fatal(err)
	}
	var readers []*browser
	for i := range 6 {
		role := store.Agent
		if i%3 == 2 {
			role = store.Admin
		}
		b, _ := d.signedIn(t, role, fmt.Sprintf("staff%d@example.com", i))
		readers = append(readers, b)
	}
	var mu sync.Mutex
	committed := 0
	stop := make(chan struct{})
	var writer, all sync.WaitGroup
	writer.Go(func() {
		for n := 1; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := d.Owner.Exec(context.Background(), `UPDATE tickets SET subject = 'State ' || $1::int || '.' WHERE number = $2`, n, number); err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			committed = n
			mu.Unlock()
		}
	})
	for _, b := range readers {
		all.Go(func() {
			for range 15 {
				mu.Lock()
				before := committed
				mu.Unlock()
				got := b.get(t, "/tickets/rows")
				shown := -1
				if _, after, found := strings.Cut(got.body, "State "); found {
					fmt.Sscanf(after, "%d.", &shown)
				}
				if got.StatusCode != http.StatusOK || shown < before {
					t.Errorf("%d: shown state %d after %d was committed", got.StatusCode, shown, before)
				}
			}
		})
	}
	all.Wait()
	close(stop)
	writer.Wait()
}

// The same address at the same time: each customer reads its own, whatever staff was just given.
func TestSharedRowsAreOfNoCustomer(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	agent, me := d.signedIn(t, store.Agent, "agent@example.com")
	admin, _ := d.signedIn(t, store.Admin, "admin@example.com")
	for _, name := range []string{"ana", "ben"} {
		own, who := d.signedIn(t, store.Client, name+"@example.com")
		d.Exec(t, `INSERT INTO tickets (client_id, subject, description) VALUES ($1, 'Only of `+name+`', 'x')`, who.UserID)
		for _, staff := range []*browser{agent, admin} {
			if got := staff.get(t, "/tickets/rows"); !strings.Contains(got.body, "Only of "+name) {
				t.Errorf("staff does not see %s's ticket", name)
			}
		}
		got := own.get(t, "/tickets/rows")
		if strings.Count(got.body, "Only of ") != strings.Count(got.body, "Only of "+name) || !strings.Contains(got.body, "Only of "+name) {
			t.Errorf("%s reads: %s", name, got.body)
		}
	}
	// And what is about one agent is not shared among agents.
	d.Exec(t, `UPDATE tickets SET agent_id = $1 WHERE subject = 'Only of ana'`, me.UserID)
	other, _ := d.signedIn(t, store.Agent, "other@example.com")
	for _, path := range []string{"/tickets/rows?assignee=me", "/my-tickets/rows"} {
		if got := agent.get(t, path); !strings.Contains(got.body, "Only of ana") {
			t.Errorf("%s lacks the agent's own ticket", path)
		}
		if got := other.get(t, path); strings.Contains(got.body, "Only of ana") {
			t.Errorf("%s shows one agent what is another's", path)
		}
	}
	if got := agent.get(t, "/tickets/rows?sort=nonsense"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a wrong order answers %s", got.Status)
	}
	if got := other.get(t, "/tickets/rows?age=nonsense"); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a wrong age answers %s", got.Status)
	}
}
