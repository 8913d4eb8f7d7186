package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Details is what an entry of the timeline says beside its words, as ticket_activities.metadata has it. What a field
// means follows from the entry's type.
type Details struct {
	Added       []string   `json:"added,omitempty"`   // tag_change
	Removed     []string   `json:"removed,omitempty"` // tag_change
	Until       *time.Time `json:"until,omitempty"`   // snooze
	UntilAnswer bool       `json:"until_answer,omitempty"`
	Woke        bool       `json:"woke,omitempty"`
	Kind        LinkKind   `json:"kind,omitempty"`    // link
	Number      int64      `json:"number,omitempty"`  // link, merge, split: the other ticket
	Outward     bool       `json:"outward,omitempty"` // this ticket is the link's from, merge's source, split's old one
	Undone      bool       `json:"undone,omitempty"`  // link, merge
	Person      *uuid.UUID `json:"to,omitempty"`      // forward
	Minutes     int        `json:"minutes,omitempty"` // time_spent
}

// record puts an entry of the actor's on the ticket's timeline. Whether its client sees it follows from the type.
func record(ctx context.Context, tx pgx.Tx, actor Actor, ticket uuid.UUID, kind string, details Details) error {
	_, err := tx.Exec(ctx, `
		INSERT INTO ticket_activities (ticket_id, user_id, activity_type, metadata) VALUES ($1, $2, $3, $4)`,
		ticket, actor.UserID, kind, details)
	return err
}
