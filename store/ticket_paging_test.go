package store_test

import (
	"context"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"
)

// Somebody pages through 50,000 tickets while others change: none comes twice, and of those that nobody changes none
// is missing.
func TestPagingWhileTicketsChange(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	client, agent := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	const count = 50_000
	db.Exec(t, `ALTER TABLE tickets DISABLE TRIGGER USER`)
	db.Exec(t, `
		INSERT INTO tickets (client_id, subject, description, status, priority, created_at, updated_at, client_updated_at)
		SELECT $1, 'Ticket ' || n, 'd', (ARRAY['new','open','pending'])[n % 3 + 1], (ARRAY['low','medium','high','urgent'])[n % 4 + 1],
		       now() - n * interval '1 second', now() - n / 7 * interval '1 second', now() - n / 7 * interval '1 second'
		FROM generate_series(1, $2) n`, client.UserID, count)
	db.Exec(t, `ALTER TABLE tickets ENABLE TRIGGER USER`)
	db.Exec(t, `ANALYZE tickets`)
	query, err := store.ParseQuery(store.Agent, "status:active")
	if err != nil {
		t.Fatal(err)
	}

	// Every tenth ticket changes, over and over, in what lists are sorted and narrowed by.
	changing, stop := context.WithCancel(ctx)
	changed := make(chan int)
	go func() {
		times := 0
		for round := 0; changing.Err() == nil; round++ {
			_, err := db.Owner.Exec(changing, `
				UPDATE tickets SET priority = (ARRAY['low','medium','high','urgent'])[($1 + number) % 4 + 1],
				       status = CASE WHEN $1 % 3 = 0 THEN 'resolved' ELSE 'open' END
				WHERE number % 10 = 0 AND number % 970 = 10 * ($1 % 97)`, round)
			if err != nil && changing.Err() == nil {
				t.Error(err)
			}
			times++
		}
		changed <- times
	}()
	for _, sort := range []store.TicketSort{"updated", "priority"} {
		began := time.Now()
		seen := map[int64]bool{}
		filter := store.TicketFilter{Query: query, Sort: sort}
		for {
			page, err := db.Store.Tickets(ctx, agent, filter)
			if err != nil {
				t.Fatal(err)
			}
			for _, ticket := range page.Tickets {
				if seen[ticket.Number] && (ticket.Number%10 != 0 || sort == "updated") { // by priority a change moves a ticket back too
					t.Fatalf("by %s #%d comes twice", sort, ticket.Number)
				}
				seen[ticket.Number] = true
			}
			if page.Next == "" {
				break
			}
			filter.After = page.Next
		}
		missing := 0
		for n := int64(1001); n < 1001+count; n++ {
			if n%10 != 0 && !seen[n] {
				missing++
			}
		}
		if missing > 0 {
			t.Errorf("by %s %d of the tickets that nobody changed are missing", sort, missing)
		}
		t.Logf("by %s: %d tickets in %s", sort, len(seen), time.Since(began).Round(time.Millisecond))
	}
	stop()
	if times := <-changed; times < 20 {
		t.Errorf("only %d changes were made meanwhile", times)
	}
}
