package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
)

// Whoever waits in vain for the database is told apart from every other failure, and holds nothing up afterwards.
func TestADatabaseThatDoesNotAnswerIsUnavailable(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	client := db.Person(t, store.Client, "client@example.com")
	number, err := db.Store.Submit(t.Context(), client, store.NewTicket{ID: uuid.New(), Subject: "Printer", Description: "It smokes", Priority: store.PriorityLow})
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), `SELECT FROM tickets WHERE number = $1 FOR UPDATE`, number); err != nil {
		t.Fatal(err)
	}
	for range 6 { // more than the pool has connections
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		err := db.Store.Reply(ctx, client, number, store.Message{ID: uuid.New(), Body: "Still smoking"})
		cancel()
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a reply that waits in vain fails with %v", err)
		}
	}
	if _, err := db.Store.Ticket(t.Context(), client, number); err != nil {
		t.Errorf("reading beside it fails with %v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := db.Store.Reply(t.Context(), client, number, store.Message{ID: uuid.New(), Body: "Out of smoke"}); err != nil {
		t.Error(err)
	}
}
