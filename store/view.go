package store

import (
	"time"

	"github.com/google/uuid"
)

// View is a list of tickets under a name: one that every desk has, or one that somebody keeps.
type View struct {
	ID        uuid.UUID // of a kept one; zero for those that every desk has
	OwnerID   uuid.UUID
	OwnerName string
	Name      string
	Q         string // its query's text; what it means is found out when it is asked
	Sort      string
	Columns   string // shown, in their order, with commas between; "": the usual ones
	Density   string // comfortable, compact or ""
	Shared    bool   // everybody of the staff has it
	UpdatedAt time.Time
	Path      string `db:"-"` // its own address where it has one
}

// BuiltInViews are what every desk has, in the order they are shown. Snoozed tickets are in none that asks for work.
var BuiltInViews = []View{
	{Name: "Unassigned", Q: "status:active assignee:none -is:snoozed", Sort: "priority", Path: "/queue"},
	{Name: "Mine", Q: "status:active assignee:me -is:snoozed", Path: "/my-tickets"},
	{Name: "Unanswered", Q: "is:unanswered -is:snoozed", Sort: "waiting"},
	{Name: "Waiting for customer", Q: "status:pending"},
	{Name: "Snoozed", Q: "is:snoozed"},
	{Name: "Recently resolved", Q: "resolved:7d", Sort: "resolved"},
	{Name: "All tickets", Path: "/tickets"},
}
