package browser

import (
	"context"
	"testing"

	"autocrm/store"

	"github.com/google/uuid"
)

// What happens without a browser: somebody else's doing, through the store as another node would.

// actor is the account of that address, made if missing.
func (s *site) actor(t testing.TB, role store.Role, email string) store.Actor {
	t.Helper()
	actor, known := s.actors[email]
	if !known {
		actor = s.Person(t, role, email)
		if s.actors == nil {
			s.actors = map[string]store.Actor{}
		}
		s.actors[email] = actor
	}
	return actor
}

// submit makes a ticket of cora's.
func (s *site) submit(t testing.TB, subject string) int64 {
	t.Helper()
	return s.submitAs(t, "cora@example.com", subject)
}

func (s *site) submitAs(t testing.TB, email, subject string) int64 {
	t.Helper()
	number, err := s.Store.Submit(context.Background(), s.actor(t, store.Client, email), store.NewTicket{ID: uuid.New(), Subject: subject,
		Description: "Please look at it.", Priority: store.PriorityMedium})
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// reply answers a ticket as gus, an agent.
func (s *site) reply(t testing.TB, number int64, text string) {
	t.Helper()
	gus := s.actor(t, store.Agent, "gus@example.com")
	if err := s.Store.Reply(context.Background(), gus, number, store.Message{ID: uuid.New(), Body: text}); err != nil {
		t.Fatal(err)
	}
}
