package store

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
)

// Audience is all who read the same: the staff of one role. What is read for it is read with the rights of one
// of them, and nothing tells of whom: what is made of it cannot be about a person. Customers are no audience.
type Audience struct {
	asker Actor
	key   string
}

// personal are the claims that policies do not go by, or go by alike for all staff of a role.
var personal = []string{"sub", "session_id", "email", "phone", "iat", "exp", "aal", "amr", "user_metadata"}

// Audience is whom the actor reads the same as. ok is false for customers, each of whom reads something else.
// Claims that a deployment's own hook adds make audiences of their own: its policies may go by them.
func (a Actor) Audience() (audience Audience, ok bool) {
	var claims map[string]json.RawMessage
	if !a.Role.Staff() || json.Unmarshal(a.Claims, &claims) != nil {
		return Audience{}, false
	}
	for _, name := range personal {
		delete(claims, name)
	}
	rest, err := json.Marshal(claims) // in the order of the names
	if err != nil {
		return Audience{}, false
	}
	return Audience{asker: a, key: fmt.Sprintf("%s %x", a.Role, sha256.Sum256(rest))}, true
}

// Key is the same for all of the audience, and for nobody else.
func (a Audience) Key() string { return a.key }

// AudienceVersion is ListVersion for the audience.
func (s *Store) AudienceVersion(ctx context.Context, audience Audience) (int64, error) {
	return s.ListVersion(ctx, audience.asker)
}

// AudienceTickets is Tickets for the audience.
func (s *Store) AudienceTickets(ctx context.Context, audience Audience, filter TicketFilter) (TicketPage, error) {
	return s.Tickets(ctx, audience.asker, filter)
}

// CountAudienceTickets is CountTickets for the audience.
func (s *Store) CountAudienceTickets(ctx context.Context, audience Audience, texts []string) ([]Count, int64, error) {
	return s.CountTickets(ctx, audience.asker, texts)
}
