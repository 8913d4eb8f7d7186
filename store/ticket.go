package store

import (
	"time"

	"github.com/google/uuid"
)

// Ticket is a ticket as its viewer may see it.
type Ticket struct {
	ID              uuid.UUID
	Number          int64
	ClientID        uuid.UUID
	ClientName      string
	ClientEmail     string
	AgentID         *uuid.UUID
	AgentName       string // "" when nobody has it
	Subject         string
	Description     string
	Status          Status
	Priority        Priority
	CreatedAt       time.Time
	UpdatedAt       time.Time // for a client: the last change it may see
	FirstResponseAt *time.Time
	ResolvedAt      *time.Time
	ClosedAt        *time.Time
	Version         int64 // for a client: counts only the changes it may see
}

// ticketColumns reads a Ticket for the actor's role from `tickets t`, its client `c` and its agent `g`.
// An agent hidden from a client leaves a name of ”.
const ticketColumns = `
	t.id,
	t.number,
	t.client_id,
	coalesce(c.full_name, '') AS client_name,
	coalesce(c.email, '') AS client_email,
	t.agent_id,
	coalesce(g.full_name, '') AS agent_name,
	t.subject,
	t.description,
	t.status,
	t.priority,
	t.created_at,
	CASE WHEN (SELECT auth.user_role()) = 'client' THEN t.client_updated_at ELSE t.updated_at END AS updated_at,
	t.first_response_at,
	t.resolved_at,
	t.closed_at,
	CASE WHEN (SELECT auth.user_role()) = 'client' THEN t.client_seq ELSE t.seq END AS version`

const ticketFrom = `
	FROM tickets t` + ticketPeople

const ticketPeople = `
	LEFT JOIN users c ON c.id = t.client_id
	LEFT JOIN users g ON g.id = t.agent_id`

// Priority says how soon a ticket wants an answer.
type Priority string

// The priorities, as tickets.priority has them.
const (
	PriorityLow    Priority = "low"
	PriorityMedium Priority = "medium"
	PriorityHigh   Priority = "high"
	PriorityUrgent Priority = "urgent"
)

// Priorities lists every priority, the least pressing first.
var Priorities = []Priority{PriorityLow, PriorityMedium, PriorityHigh, PriorityUrgent}

// Valid says whether p is one of Priorities.
func (p Priority) Valid() bool {
	return p == PriorityLow || p == PriorityMedium || p == PriorityHigh || p == PriorityUrgent
}

// Label is the priority's word on the page.
func (p Priority) Label() string {
	switch p {
	case PriorityLow:
		return "Low"
	case PriorityMedium:
		return "Medium"
	case PriorityHigh:
		return "High"
	case PriorityUrgent:
		return "Urgent"
	}
	return string(p)
}
