package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// TimelineSize is how many entries of a timeline are shown at a time, the newest.
const TimelineSize = 200

// Activity is an entry of a ticket's timeline.
type Activity struct {
	ID         uuid.UUID
	Position   int64 // its place on the timeline
	UserID     *uuid.UUID
	UserName   string // "" where nobody did it, or nobody the viewer may know
	UserRole   Role
	Type       string // created, comment, internal_note, status_change and so on, as the database lists them
	Content    string // Markdown
	IsInternal bool
	// Of a change: what it was and what it became; of an assignment and a forwarding the people's names, "" for nobody.
	From, To string
	// Of an assignment: whether either side is who did it. Two people may have one name.
	FromSelf, ToSelf bool
	Details          Details
	CreatedAt        time.Time
	Files            []Attachment `db:"-"`
	Mentions         []string     `db:"-"` // for staff: the names of those whom it mentions
}

// Thread is a ticket with its timeline, oldest entry first, and its files.
type Thread struct {
	Ticket     Ticket
	Files      []Attachment // those of the description
	Activities []Activity
	Earlier    int64 // where not 0: entries before this position are not shown
}

// Ticket returns one ticket. One that the actor may not see is ErrNotFound, as one that does not exist.
func (s *Store) Ticket(ctx context.Context, actor Actor, number int64) (ticket Ticket, err error) {
	defer wrap(&err, "Ticket(%d)", number)
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		ticket, err = findTicket(ctx, tx, number)
		return err
	})
	return ticket, err
}

func findTicket(ctx context.Context, tx pgx.Tx, number int64) (Ticket, error) {
	return one[Ticket](tx.Query(ctx, `SELECT`+ticketColumns+ticketFrom+` WHERE t.number = $1`, number))
}

// TicketVersion returns the ticket's version for the actor, or ErrNotFound.
func (s *Store) TicketVersion(ctx context.Context, actor Actor, number int64) (version int64, err error) {
	defer wrap(&err, "TicketVersion(%d)", number)
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			SELECT CASE WHEN (SELECT auth.user_role()) = 'client' THEN client_seq ELSE seq END
			FROM tickets WHERE number = $1`, number).Scan(&version)
	})
	return version, err
}

// Thread returns the ticket with the last TimelineSize entries of its timeline, or with those before a
// position where that is not 0. A ticket that the actor may not see is ErrNotFound.
func (s *Store) Thread(ctx context.Context, actor Actor, number, before int64) (thread Thread, err error) {
	defer wrap(&err, "Thread(%d)", number)
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if thread.Ticket, err = findTicket(ctx, tx, number); err != nil {
			return err
		}
		thread.Activities, err = all[Activity](tx.Query(ctx, activityColumns+`
			WHERE a.ticket_id = $1 AND ($2 = 0 OR a.position < $2)
			ORDER BY a.position DESC LIMIT $3`, thread.Ticket.ID, before, TimelineSize+1))
		if err != nil {
			return err
		}
		files, err := all[Attachment](tx.Query(ctx, attachmentColumns+` WHERE ticket_id = $1 ORDER BY created_at, id`, thread.Ticket.ID))
		if err != nil {
			return err
		}
		thread.arrange(files)
		return thread.findMentions(ctx, tx, actor)
	})
	return thread, err
}

// arrange turns the timeline the right way round, cuts its surplus and hangs the files on their entries.
func (t *Thread) arrange(files []Attachment) {
	if len(t.Activities) > TimelineSize {
		t.Activities = t.Activities[:TimelineSize]
		t.Earlier = t.Activities[TimelineSize-1].Position
	}
	for i, j := 0, len(t.Activities)-1; i < j; i, j = i+1, j-1 {
		t.Activities[i], t.Activities[j] = t.Activities[j], t.Activities[i]
	}
	at := map[uuid.UUID]int{}
	for i, a := range t.Activities {
		at[a.ID] = i
	}
	for _, file := range files {
		if file.ActivityID == nil {
			t.Files = append(t.Files, file)
		} else if i, shown := at[*file.ActivityID]; shown {
			t.Activities[i].Files = append(t.Activities[i].Files, file)
		}
	}
}

// findMentions adds whom the entries mention, which is for staff alone to know.
func (t *Thread) findMentions(ctx context.Context, tx pgx.Tx, actor Actor) error {
	if !actor.Role.Staff() {
		return nil
	}
	var ids []uuid.UUID
	at := map[uuid.UUID]int{}
	for i, a := range t.Activities {
		if strings.Contains(a.Content, "@") {
			ids = append(ids, a.ID)
			at[a.ID] = i
		}
	}
	if len(ids) == 0 {
		return nil
	}
	found, err := all[struct {
		ActivityID uuid.UUID
		FullName   string
	}](tx.Query(ctx, `
		SELECT m.activity_id, u.full_name FROM mentions m JOIN users u ON u.id = m.user_id
		WHERE m.activity_id = ANY($1) ORDER BY u.full_name`, ids))
	for _, m := range found {
		i := at[m.ActivityID]
		t.Activities[i].Mentions = append(t.Activities[i].Mentions, m.FullName)
	}
	return err
}

// activityColumns reads an Activity. The names of an assignment's two sides come from users, so that a
// viewer reads only those it may know.
const activityColumns = "SELECT" + activityFields + activityFrom

const activityFields = `
		a.id,
		a.position,
		a.user_id,
		coalesce(u.full_name, '') AS user_name,
		coalesce(u.user_role, '') AS user_role,
		a.activity_type AS type,
		a.content,
		a.is_internal,
		CASE WHEN a.activity_type = 'assignment'
			THEN coalesce((SELECT p.full_name FROM users p WHERE p.id = (a.metadata ->> 'from')::uuid),
				CASE WHEN a.metadata ->> 'from' IS NOT NULL THEN 'somebody else' ELSE '' END)
			ELSE coalesce(a.metadata ->> 'from', '') END AS "from",
		CASE WHEN a.activity_type IN ('assignment', 'forward')
			THEN coalesce((SELECT p.full_name FROM users p WHERE p.id = (a.metadata ->> 'to')::uuid),
				CASE WHEN a.metadata ->> 'to' IS NOT NULL THEN 'somebody else' ELSE '' END)
			ELSE coalesce(a.metadata ->> 'to', '') END AS "to",
		coalesce(a.activity_type = 'assignment' AND a.metadata ->> 'from' = a.user_id::text, false) AS from_self,
		coalesce(a.activity_type = 'assignment' AND a.metadata ->> 'to' = a.user_id::text, false) AS to_self,
		CASE WHEN a.activity_type IN ('tag_change', 'snooze', 'link', 'merge', 'split', 'time_spent') THEN a.metadata ELSE '{}' END AS details,
		a.created_at`

const activityFrom = `
	FROM ticket_activities a
	LEFT JOIN users u ON u.id = a.user_id`

// MarshalJSON is the ticket's form for API clients.
func (t Ticket) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Number          int64      `json:"number"`
		Subject         string     `json:"subject"`
		Description     string     `json:"description"`
		Status          Status     `json:"status"`
		Priority        Priority   `json:"priority"`
		Client          string     `json:"client"`
		Agent           string     `json:"agent,omitempty"`
		CreatedAt       time.Time  `json:"created_at"`
		UpdatedAt       time.Time  `json:"updated_at"`
		FirstResponseAt *time.Time `json:"first_response_at"`
		ResolvedAt      *time.Time `json:"resolved_at"`
		ClosedAt        *time.Time `json:"closed_at"`
		Version         int64      `json:"version"`
	}{t.Number, t.Subject, t.Description, t.Status, t.Priority, t.ClientName, t.AgentName,
		t.CreatedAt, t.UpdatedAt, t.FirstResponseAt, t.ResolvedAt, t.ClosedAt, t.Version})
}

// MarshalJSON is the entry's form for API clients.
func (a Activity) MarshalJSON() ([]byte, error) {
	files := a.Files
	if files == nil {
		files = []Attachment{}
	}
	return json.Marshal(struct {
		ID         uuid.UUID    `json:"id"`
		Type       string       `json:"activity_type"`
		User       string       `json:"user"`
		Content    string       `json:"content"`
		IsInternal bool         `json:"is_internal"`
		From       string       `json:"from,omitempty"`
		To         string       `json:"to,omitempty"`
		CreatedAt  time.Time    `json:"created_at"`
		Files      []Attachment `json:"attachments"`
	}{a.ID, a.Type, a.UserName, a.Content, a.IsInternal, a.From, a.To, a.CreatedAt, files})
}

// MarshalJSON is the file's form for API clients; its content is at /attachments/{id}.
func (a Attachment) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID          uuid.UUID `json:"id"`
		FileName    string    `json:"file_name"`
		ContentType string    `json:"content_type"`
		Size        int64     `json:"size"`
		URL         string    `json:"url"`
	}{a.ID, a.FileName, a.ContentType, a.Size, "/attachments/" + a.ID.String()})
}
