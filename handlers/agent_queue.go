package handlers

import (
	"autocrm/store"
	"autocrm/views"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// Queue lists what nobody has and somebody should take: the most pressing first, and of those the oldest.
func (h Agent) Queue(c echo.Context) error {
	return Staff{h.Portal}.list(c, h.queue(c), unassigned)
}

// QueueRows is the live region of the queue.
func (h Agent) QueueRows(c echo.Context) error {
	return Staff{h.Portal}.sharedRows(c, h.queue(c), unassigned)
}

func (h Agent) queue(c echo.Context) views.TicketList {
	return views.TicketList{Query: ticketQuery(c, "/queue"), Title: "Queue"}
}

func unassigned(f *store.TicketFilter) {
	f.Active, f.Status, f.Unassigned, f.Assignee = true, "", true, nil
	if f.Sort == "" {
		f.Sort = "priority"
	}
}

// MyTickets lists what the agent has, unless told otherwise what is not finished.
func (h Agent) MyTickets(c echo.Context) error {
	return Staff{h.Portal}.list(c, h.mine(c), h.assignedToMe(c))
}

// MyTicketRows is the live region of that list.
func (h Agent) MyTicketRows(c echo.Context) error {
	return Staff{h.Portal}.rows(c, h.mine(c), h.assignedToMe(c))
}

func (h Agent) mine(c echo.Context) views.TicketList {
	return views.TicketList{Query: ticketQuery(c, "/my-tickets"), Title: "My tickets"}
}

func (h Agent) assignedToMe(c echo.Context) func(*store.TicketFilter) {
	return assignedTo(actor(c).UserID, c.QueryParam("status") != "")
}

// assignedTo narrows a list to what the person has and, unless the list names a status, to what is not finished.
func assignedTo(person uuid.UUID, status bool) func(*store.TicketFilter) {
	return func(f *store.TicketFilter) {
		f.Assignee, f.Unassigned = &person, false
		f.Active = f.Active || !status
	}
}
