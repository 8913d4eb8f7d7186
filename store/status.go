package store

import "slices"

// Status is where a ticket stands.
type Status string

// The statuses, as tickets.status has them.
const (
	StatusNew       Status = "new"       // nobody has looked at it
	StatusOpen      Status = "open"      // an agent's turn
	StatusPending   Status = "pending"   // the customer's turn
	StatusOnHold    Status = "on_hold"   // waiting for a third party
	StatusResolved  Status = "resolved"  // answered; the customer's answer opens it again
	StatusClosed    Status = "closed"    // finished for good
	StatusCancelled Status = "cancelled" // withdrawn by the customer
)

// Statuses lists every status in the order of a ticket's life.
var Statuses = []Status{StatusNew, StatusOpen, StatusPending, StatusOnHold, StatusResolved, StatusClosed, StatusCancelled}

// transitions is the one table of where a ticket may go from where. Staff may take each of them; a client
// only those of clientTransitions.
var transitions = map[Status][]Status{
	StatusNew:       {StatusOpen, StatusPending, StatusOnHold, StatusResolved, StatusClosed, StatusCancelled},
	StatusOpen:      {StatusPending, StatusOnHold, StatusResolved, StatusClosed, StatusCancelled},
	StatusPending:   {StatusOpen, StatusOnHold, StatusResolved, StatusClosed, StatusCancelled},
	StatusOnHold:    {StatusOpen, StatusPending, StatusResolved, StatusClosed, StatusCancelled},
	StatusResolved:  {StatusOpen, StatusPending, StatusClosed},
	StatusClosed:    {StatusOpen},
	StatusCancelled: {StatusOpen},
}

// A client withdraws what is not finished, and opens again by answering.
var clientTransitions = map[Status][]Status{
	StatusNew:      {StatusCancelled},
	StatusOpen:     {StatusCancelled},
	StatusPending:  {StatusCancelled, StatusOpen},
	StatusOnHold:   {StatusCancelled, StatusOpen},
	StatusResolved: {StatusOpen},
}

// Valid says whether s is one of Statuses.
func (s Status) Valid() bool { return slices.Contains(Statuses, s) }

// Active says whether somebody still has to do something.
func (s Status) Active() bool {
	return s == StatusNew || s == StatusOpen || s == StatusPending || s == StatusOnHold
}

// Next lists where role may move a ticket from s, in the order of Statuses.
func (s Status) Next(role Role) []Status {
	table := transitions
	if role == Client {
		table = clientTransitions
	}
	var next []Status
	for _, to := range Statuses {
		if slices.Contains(table[s], to) {
			next = append(next, to)
		}
	}
	return next
}

// MayBecome says whether role may move a ticket from s to next.
func (s Status) MayBecome(next Status, role Role) bool { return slices.Contains(s.Next(role), next) }

// AfterReply is the status after role answered a ticket in s: a customer's answer gives the turn to the
// agents, an agent's first answer takes the ticket out of new. ok is false where no answer is possible.
func (s Status) AfterReply(role Role) (next Status, ok bool) {
	switch {
	case s == StatusClosed || s == StatusCancelled:
		return s, false
	case role == Client && (s == StatusPending || s == StatusResolved):
		return StatusOpen, true
	case role.Staff() && s == StatusNew:
		return StatusOpen, true
	}
	return s, true
}

// AfterAssignment is the status after somebody got a ticket in s: a new one is open from then on.
func (s Status) AfterAssignment() Status {
	if s == StatusNew {
		return StatusOpen
	}
	return s
}

// cannotBecome says why a ticket in s cannot get another status.
func (s Status) cannotBecome(next Status) string {
	return "A ticket that is " + s.Label() + " cannot become " + next.Label() + "."
}

// takesNoReply says why a ticket in s cannot be answered.
func (s Status) takesNoReply() string {
	return "This ticket is " + s.Label() + "; it takes no more replies."
}

// Label is the status's word on the page.
func (s Status) Label() string {
	switch s {
	case StatusNew:
		return "New"
	case StatusOpen:
		return "Open"
	case StatusPending:
		return "Pending"
	case StatusOnHold:
		return "On hold"
	case StatusResolved:
		return "Resolved"
	case StatusClosed:
		return "Closed"
	case StatusCancelled:
		return "Cancelled"
	}
	return string(s)
}
