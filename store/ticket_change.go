package store

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Change is what one press does to a ticket, or to many: all of it together. A zero field changes nothing.
type Change struct {
	Status     Status     `json:"status,omitempty"`
	Priority   Priority   `json:"priority,omitempty"`
	Assign     Assign     `json:"assign,omitempty"`
	Assignee   *uuid.UUID `json:"assignee,omitempty"` // where Assign is AssignPerson
	AddTags    []string   `json:"add_tags,omitempty"`
	RemoveTags []string   `json:"remove_tags,omitempty"`
	Reply      string     `json:"reply,omitempty"`      // Markdown with placeholders; customers read it
	Note       string     `json:"note,omitempty"`       // the same, for colleagues
	MergeInto  int64      `json:"merge_into,omitempty"` // a ticket's number; of many at once alone, and nothing beside it

	// For words about it, as things were when it was made.
	AssigneeName string     `json:"assignee_name,omitempty"`
	Macro        *uuid.UUID `json:"macro,omitempty"`
	MacroName    string     `json:"macro_name,omitempty"`
}

// Assign is whom a Change gives tickets to.
type Assign string

// The ways to assign, as macros.assign has them.
const (
	AssignKeep   Assign = ""
	AssignMe     Assign = "me"
	AssignNobody Assign = "nobody"
	AssignPerson Assign = "person"
)

// IsZero says whether the change changes nothing.
func (c Change) IsZero() bool {
	return !c.setsFields() && c.Reply == "" && c.Note == ""
}

func (c Change) setsFields() bool {
	return c.Status != "" || c.Priority != "" || c.Assign != AssignKeep || len(c.AddTags) > 0 || len(c.RemoveTags) > 0 ||
		c.MergeInto != 0
}

// agent is whom the actor's change gives tickets to; nil is nobody. ok is false where it assigns nothing.
func (c Change) agent(actor Actor) (agent *uuid.UUID, ok bool) {
	switch c.Assign {
	case AssignMe:
		return &actor.UserID, true
	case AssignNobody:
		return nil, true
	case AssignPerson:
		return c.Assignee, true
	}
	return nil, false
}

// ticketFields are what a Change sets on a ticket itself.
type ticketFields struct {
	Status   Status
	Priority Priority
	AgentID  *uuid.UUID
}

func (f ticketFields) equal(g ticketFields) bool {
	return f.Status == g.Status && f.Priority == g.Priority && same(f.AgentID, g.AgentID)
}

// apply says what the change makes of a ticket, by the rules of the single verbs, in the order reply, assignee,
// status. Where a rule forbids any of it, refused says why, and nothing of it may be done.
func (c Change) apply(before ticketFields, merged bool, actor Actor) (after ticketFields, refused string) {
	after = before
	if merged {
		return before, "It was merged into another ticket."
	}
	if c.Reply != "" {
		var ok bool
		if after.Status, ok = after.Status.AfterReply(actor.Role); !ok {
			return before, before.Status.takesNoReply()
		}
	}
	if agent, ok := c.agent(actor); ok && !same(after.AgentID, agent) {
		after.AgentID = agent
		if agent != nil {
			after.Status = after.Status.AfterAssignment()
		}
	}
	if c.Status != "" && c.Status != after.Status {
		if !after.Status.MayBecome(c.Status, actor.Role) {
			return before, before.Status.cannotBecome(c.Status)
		}
		after.Status = c.Status
	}
	if c.Priority != "" {
		after.Priority = c.Priority
	}
	return after, ""
}

// readyChange is a Change whose names have been looked up.
type readyChange struct {
	Change
	add, remove []uuid.UUID
	seen        int64 // where not 0: the last position of the one ticket's timeline that the actor saw
}

// ready looks up what the change names, and holds its tags until the transaction ends: their deletion would wait
// for tickets that we are about to lock. What is not there any more is *Invalid (assignee, tags).
func (c Change) ready(ctx context.Context, tx pgx.Tx, actor Actor) (ready readyChange, err error) {
	ready.Change = c
	switch {
	case c.Status != "" && !c.Status.Valid():
		return ready, invalid("status", "Choose one of the statuses.")
	case c.Priority != "" && !c.Priority.Valid():
		return ready, invalid("priority", "Choose one of the priorities.")
	}
	if agent, ok := c.agent(actor); ok && agent != nil {
		if ready.AssigneeName, err = assignable(ctx, tx, *agent); err != nil {
			return ready, err
		}
	} else if c.Assign == AssignPerson {
		return ready, invalid("assignee", "Choose somebody who works on tickets.")
	}
	if len(c.AddTags)+len(c.RemoveTags) == 0 {
		return ready, nil
	}
	type tag struct {
		ID   uuid.UUID
		Name string
	}
	tags, err := all[tag](tx.Query(ctx, `SELECT id, name FROM tags WHERE name = ANY ($1) ORDER BY id FOR KEY SHARE`,
		slices.Concat(c.AddTags, c.RemoveTags)))
	if err != nil {
		return ready, err
	}
	byName := map[string]uuid.UUID{}
	for _, t := range tags {
		byName[t.Name] = t.ID
	}
	for names, ids := range map[*[]string]*[]uuid.UUID{&c.AddTags: &ready.add, &c.RemoveTags: &ready.remove} {
		for _, name := range *names {
			id, found := byName[name]
			if !found {
				return ready, noSuchTag(ctx, tx, name)
			}
			*ids = append(*ids, id)
		}
	}
	return ready, nil
}

// noSuchTag says that a tag is not there, and offers the nearest that is.
func noSuchTag(ctx context.Context, tx pgx.Tx, name string) error {
	rows, err := tx.Query(ctx, `SELECT name FROM tags ORDER BY name LIMIT 1000`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	if near, found := nearest(name, names); found {
		return invalid("tags", "There is no tag “%s”. Did you mean “%s”?", name, near)
	}
	return invalid("tags", "There is no tag “%s”.", name)
}

// changed is a ticket that a change changed: what it had and what it got, so that it can be put back.
type changed struct {
	ID      uuid.UUID    `json:"id"`
	Number  int64        `json:"n"`
	Before  ticketFields `json:"b"`
	After   ticketFields `json:"a"`
	Added   []uuid.UUID  `json:"t,omitempty"` // tags
	Removed []uuid.UUID  `json:"u,omitempty"`

	MergedInto *uuid.UUID `json:"m,omitempty"`
}

// outcome is what became of some tickets.
type outcome struct {
	changed []changed
	refused []refused
	looked  int // at so many, those included that were as wanted already
}

type refused struct {
	number int64
	reason string
}

// lockedTicket is what a change needs to know of a ticket that it holds.
type lockedTicket struct {
	ID         uuid.UUID
	Number     int64
	Status     Status
	Priority   Priority
	AgentID    *uuid.UUID
	MergedInto *uuid.UUID
	Subject    string
	ClientName string
}

func (t lockedTicket) fields() ticketFields { return ticketFields{t.Status, t.Priority, t.AgentID} }

// lockTickets holds tickets for the rest of the transaction, in the order of their ids lest two wait crosswise.
func lockTickets(ctx context.Context, tx pgx.Tx, ids []uuid.UUID) ([]lockedTicket, error) {
	return all[lockedTicket](tx.Query(ctx, `
		SELECT t.id, t.number, t.status, t.priority, t.agent_id, t.merged_into, t.subject,
		       coalesce(c.full_name, '') AS client_name
		FROM tickets t LEFT JOIN users c ON c.id = t.client_id
		WHERE t.id = ANY ($1) ORDER BY t.id FOR UPDATE OF t`, ids))
}

// changeTickets does the change to the tickets of these ids: a few statements, however many tickets. It is the one
// place where macros and bulk changes change anything.
func changeTickets(ctx context.Context, tx pgx.Tx, actor Actor, change readyChange, ids []uuid.UUID) (out outcome, err error) {
	tickets, err := lockTickets(ctx, tx, ids)
	if err != nil {
		return out, err
	}
	out.looked = len(tickets)
	var may []lockedTicket
	changes := map[uuid.UUID]*changed{}
	for _, t := range tickets {
		after, reason := change.apply(t.fields(), t.MergedInto != nil, actor)
		if reason != "" {
			out.refused = append(out.refused, refused{t.Number, reason})
			continue
		}
		may = append(may, t)
		changes[t.ID] = &changed{ID: t.ID, Number: t.Number, Before: t.fields(), After: after}
	}
	if len(may) == 0 {
		return out, nil
	}
	for _, text := range []struct{ kind, body string }{{"comment", change.Reply}, {"internal_note", change.Note}} {
		if err := writeOn(ctx, tx, actor, may, change.seen, text.kind, text.body); err != nil {
			return out, err
		}
	}
	if err := setFields(ctx, tx, changes); err != nil {
		return out, err
	}
	if err := tagTickets(ctx, tx, changes, change.add, change.remove); err != nil {
		return out, err
	}
	said := change.Reply != "" || change.Note != ""
	for _, t := range may {
		if c := changes[t.ID]; said || !c.Before.equal(c.After) || len(c.Added)+len(c.Removed) > 0 {
			out.changed = append(out.changed, *c)
		}
	}
	return out, nil
}

// writeOn says the same on each ticket, its placeholders filled.
func writeOn(ctx context.Context, tx pgx.Tx, actor Actor, tickets []lockedTicket, seen int64, kind, body string) error {
	if body == "" {
		return nil
	}
	ids, texts := make([]uuid.UUID, len(tickets)), make([]string, len(tickets))
	for i, t := range tickets {
		ids[i], texts[i] = t.ID, Fill(body, Placeholders{Customer: t.ClientName, Number: t.Number, Subject: t.Subject, Agent: actor.Name})
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO ticket_activities (ticket_id, user_id, activity_type, content, is_internal, seen_position)
		SELECT id, $3, $4, content, $5, nullif($6::bigint, 0) FROM unnest($1::uuid[], $2::text[]) AS x (id, content)`,
		ids, texts, actor.UserID, kind, kind == "internal_note", seen)
	return err
}

// setFields writes what changes of the tickets themselves.
func setFields(ctx context.Context, tx pgx.Tx, changes map[uuid.UUID]*changed) error {
	var ids []uuid.UUID
	var agents []*uuid.UUID
	var statuses, priorities []string
	for id, c := range changes {
		if c.Before.equal(c.After) {
			continue
		}
		ids, agents = append(ids, id), append(agents, c.After.AgentID)
		statuses, priorities = append(statuses, string(c.After.Status)), append(priorities, string(c.After.Priority))
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		UPDATE tickets t SET status = x.status, priority = x.priority, agent_id = x.agent
		FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) AS x (id, status, priority, agent)
		WHERE t.id = x.id`, ids, statuses, priorities, agents)
	return err
}

// tagTickets puts tags on the tickets and takes others off, and notes which tickets that changed.
func tagTickets(ctx context.Context, tx pgx.Tx, changes map[uuid.UUID]*changed, add, remove []uuid.UUID) error {
	ids := make([]uuid.UUID, 0, len(changes))
	for id := range changes {
		ids = append(ids, id)
	}
	if len(add) > 0 {
		pairs, err := tagPairs(tx.Query(ctx, `
			INSERT INTO ticket_tags (ticket_id, tag_id) SELECT t, g FROM unnest($1::uuid[]) t, unnest($2::uuid[]) g
			ON CONFLICT DO NOTHING RETURNING ticket_id, tag_id`, ids, add))
		if err != nil {
			return err
		}
		for _, p := range pairs {
			changes[p.TicketID].Added = append(changes[p.TicketID].Added, p.TagID)
		}
	}
	if len(remove) > 0 {
		pairs, err := tagPairs(tx.Query(ctx, `
			DELETE FROM ticket_tags WHERE ticket_id = ANY ($1) AND tag_id = ANY ($2) RETURNING ticket_id, tag_id`, ids, remove))
		if err != nil {
			return err
		}
		for _, p := range pairs {
			changes[p.TicketID].Removed = append(changes[p.TicketID].Removed, p.TagID)
		}
	}
	return nil
}

type tagPair struct{ TicketID, TagID uuid.UUID }

func tagPairs(rows pgx.Rows, err error) ([]tagPair, error) { return all[tagPair](rows, err) }
