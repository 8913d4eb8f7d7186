package store

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// Role is what a person is to the help desk, and the name of the portal that is theirs.
type Role string

// The roles, as users.user_role has them.
const (
	Client Role = "client"
	Agent  Role = "agent"
	Admin  Role = "admin"
)

// Roles lists every role, the least trusted first.
var Roles = []Role{Client, Agent, Admin}

// Valid says whether r is one of Roles.
func (r Role) Valid() bool { return r == Client || r == Agent || r == Admin }

// Staff says whether the role works on other people's tickets.
func (r Role) Staff() bool { return r == Agent || r == Admin }

var noID uuid.UUID

// Actor is who asks. It is an explicit parameter of every verb, in streams and jobs too.
type Actor struct {
	UserID    uuid.UUID
	Role      Role
	Name      string
	Email     string
	Portal    Role      // the portal the session is of; not the person's role, which may have changed since
	SessionID uuid.UUID // the session that vouches for the actor
	ExpiresAt time.Time // when that session ends unless used, or for good: the earlier
	Claims    json.RawMessage
}
