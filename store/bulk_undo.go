package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const (
	changedSince = "Somebody has changed it since."
	mergedSince  = "It was merged into another ticket since."
)

// UndoBulk begins to set back what a bulk change changed, where it still is as that left it, and says which bulk
// change does so. Replies and notes that were written stay. What cannot be undone, or is undone already, is a
// *Conflict; what the actor may not see is ErrNotFound.
func (s *Store) UndoBulk(ctx context.Context, actor Actor, id uuid.UUID) (undo uuid.UUID, err error) {
	defer wrap(&err, "UndoBulk")
	if !actor.Role.Staff() {
		return undo, ErrForbidden
	}
	job := bulkJob{actor: actor, undoes: &id}
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		bulk, err := one[BulkChange](tx.Query(ctx, bulkColumns+` WHERE b.id = $1`, id))
		switch {
		case err != nil:
			return err
		case bulk.UndoneBy != nil || bulk.State == BulkUndone:
			return &Conflict{"This has been undone already."}
		case !bulk.MayUndo():
			return &Conflict{"There is nothing here that can be undone."}
		}
		job.id, err = beginBulk(ctx, tx, actor, Change{Reply: bulk.Change.Reply, Note: bulk.Change.Note}, Selection{}, &id, bulk.Changed)
		return err
	})
	if err != nil {
		return undo, err
	}
	s.bulk.run(&job)
	return job.id, nil
}

// undoStep sets the tickets back, in the parts and thereby in the order in which they were changed.
func undoStep(ctx context.Context, tx pgx.Tx, job *bulkJob) error {
	// Held before any ticket: the deletion of a tag waits for its tickets.
	rows, err := tx.Query(ctx, `SELECT id FROM tags ORDER BY id FOR KEY SHARE`)
	if err != nil {
		return err
	}
	tags, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return err
	}
	for part := 0; ; part++ {
		if err := goesOn(ctx, tx, job); err != nil {
			return err
		}
		var text []byte
		var next int
		err := tx.QueryRow(ctx, `
			SELECT part, tickets FROM bulk_change_parts WHERE bulk_change_id = $1 AND part >= $2 ORDER BY part LIMIT 1`,
			job.undoes, part).Scan(&next, &text)
		if err == pgx.ErrNoRows {
			break
		}
		if err != nil {
			return err
		}
		part = next
		var tickets []changed
		if err := json.Unmarshal(text, &tickets); err != nil {
			return fmt.Errorf("what a bulk change kept: %w", err)
		}
		var out outcome
		if tickets[0].MergedInto != nil {
			out, err = unmerge(ctx, tx, tickets)
		} else {
			out, err = putBack(ctx, tx, tickets, tags)
		}
		if err != nil {
			return err
		}
		job.count(len(tickets), out)
	}
	tag, err := tx.Exec(ctx, `UPDATE bulk_changes SET state = 'undone' WHERE id = $1 AND state = 'done'`, job.undoes)
	if err == nil && tag.RowsAffected() == 0 {
		return errBulkLost
	}
	return err
}

// putBack gives tickets what they had, where they still have what they got then.
func putBack(ctx context.Context, tx pgx.Tx, tickets []changed, tags []uuid.UUID) (out outcome, err error) {
	ids := make([]uuid.UUID, len(tickets))
	for i, t := range tickets {
		ids[i] = t.ID
	}
	now, err := lockTickets(ctx, tx, ids)
	if err != nil {
		return out, err
	}
	held := map[uuid.UUID]lockedTicket{}
	for _, t := range now {
		held[t.ID] = t
	}
	tagged, err := tagsNow(ctx, tx, tickets, ids)
	if err != nil {
		return out, err
	}
	back := map[uuid.UUID]*changed{}
	var off, on []tagPair
	for _, t := range tickets {
		current, there := held[t.ID]
		fields, still := t.back(current.fields())
		as := func(tag uuid.UUID) bool { return tagged[tagPair{t.ID, tag}] }
		switch {
		case !there:
			out.refused = append(out.refused, refused{t.Number, goneTicket})
			continue
		case current.MergedInto != nil:
			out.refused = append(out.refused, refused{t.Number, mergedSince})
			continue
		case !still, slices.ContainsFunc(t.Removed, as),
			slices.ContainsFunc(t.Added, func(tag uuid.UUID) bool { return !as(tag) }):
			out.refused = append(out.refused, refused{t.Number, changedSince})
			continue
		}
		undone := &changed{ID: t.ID, Number: t.Number, Before: current.fields(), After: fields}
		back[t.ID] = undone
		for _, tag := range t.Added {
			off = append(off, tagPair{t.ID, tag})
		}
		for _, tag := range t.Removed {
			if slices.Contains(tags, tag) { // else it was deleted since, and nobody can have it back
				on = append(on, tagPair{t.ID, tag})
			}
		}
		out.changed = append(out.changed, *undone)
	}
	if err := setFields(ctx, tx, back); err != nil {
		return out, err
	}
	if len(on) > 0 {
		tickets, tags := split(on)
		if _, err := tx.Exec(ctx, `
			INSERT INTO ticket_tags (ticket_id, tag_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])`, tickets, tags); err != nil {
			return out, err
		}
	}
	if len(off) > 0 {
		tickets, tags := split(off)
		_, err = tx.Exec(ctx, `
			DELETE FROM ticket_tags g USING unnest($1::uuid[], $2::uuid[]) AS x (ticket_id, tag_id)
			WHERE g.ticket_id = x.ticket_id AND g.tag_id = x.tag_id`, tickets, tags)
	}
	return out, err
}

// back is what a ticket that is now so should be after its change was undone: what the change gave it goes back to
// what it was, the rest stays. still says whether it has all that the change gave it.
func (c changed) back(now ticketFields) (fields ticketFields, still bool) {
	fields, still = now, true
	if c.Before.Status != c.After.Status {
		fields.Status, still = c.Before.Status, still && now.Status == c.After.Status
	}
	if c.Before.Priority != c.After.Priority {
		fields.Priority, still = c.Before.Priority, still && now.Priority == c.After.Priority
	}
	if !same(c.Before.AgentID, c.After.AgentID) {
		fields.AgentID, still = c.Before.AgentID, still && same(now.AgentID, c.After.AgentID)
	}
	return fields, still
}

// tagsNow says which of the tags concerned the tickets have.
func tagsNow(ctx context.Context, tx pgx.Tx, tickets []changed, ids []uuid.UUID) (map[tagPair]bool, error) {
	concerned := map[uuid.UUID]bool{}
	for _, t := range tickets {
		for _, tag := range slices.Concat(t.Added, t.Removed) {
			concerned[tag] = true
		}
	}
	tagged := map[tagPair]bool{}
	if len(concerned) == 0 {
		return tagged, nil
	}
	pairs, err := tagPairs(tx.Query(ctx, `SELECT ticket_id, tag_id FROM ticket_tags WHERE ticket_id = ANY ($1) AND tag_id = ANY ($2)`,
		ids, slices.Collect(maps.Keys(concerned))))
	for _, p := range pairs {
		tagged[p] = true
	}
	return tagged, err
}

func split(pairs []tagPair) (tickets, tags []uuid.UUID) {
	for _, p := range pairs {
		tickets, tags = append(tickets, p.TicketID), append(tags, p.TagID)
	}
	return tickets, tags
}
