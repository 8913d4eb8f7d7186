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
	WaitingSince    *time.Time // the client's first message that nobody has answered; nil for a client
	Version         int64      // for a client: counts only the changes it may see
	MergedInto      int64      // the number of the ticket that has it all now; 0: none
	// For staff alone; for a client nil.
	SnoozedUntil *time.Time // SnoozeUntilAnswer or later: until the client writes
	Tags         []TicketTag
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
	CASE WHEN (SELECT auth.user_role()) <> 'client' THEN t.waiting_since END AS waiting_since,
	CASE WHEN (SELECT auth.user_role()) = 'client' THEN t.client_seq ELSE t.seq END AS version,
	coalesce((SELECT m.number FROM tickets m WHERE m.id = t.merged_into), 0) AS merged_into,
	CASE WHEN (SELECT auth.user_role()) <> 'client' THEN t.snoozed_until END AS snoozed_until,
	CASE WHEN (SELECT auth.user_role()) <> 'client' THEN
		(SELECT jsonb_agg(jsonb_build_object('name', q.name, 'hue', q.hue) ORDER BY q.name)
		 FROM ticket_tags x JOIN tags q ON q.id = x.tag_id WHERE x.ticket_id = t.id) END AS tags`

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
