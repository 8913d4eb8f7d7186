package store

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// MaxMerge is how many tickets can be merged into one in one go: each is moved by itself.
const MaxMerge = 200

// mergeTarget finds the ticket that a bulk change merges the selected ones into. One that is not there is *Invalid
// (into), and so are too many tickets.
func mergeTarget(ctx context.Context, tx pgx.Tx, number int64, selected int) error {
	if selected > MaxMerge {
		return invalid("into", "At most 200 tickets can be merged in one go.")
	}
	_, err := findTicket(ctx, tx, number)
	if errors.Is(err, ErrNotFound) {
		return invalid("into", "There is no ticket #%d.", number)
	}
	return err
}

// mergeStep merges the tickets into one, by the rule and the way of Merge.
func mergeStep(ctx context.Context, tx pgx.Tx, job *bulkJob) error {
	target, err := findTicket(ctx, tx, job.change.MergeInto)
	if err != nil {
		return err
	}
	// All of them at once, in the one order, before the first is merged: Merge locks two at a time.
	tickets, err := lockTickets(ctx, tx, append(slices.Clone(job.ids), target.ID))
	if err != nil {
		return err
	}
	out := outcome{}
	for _, t := range tickets {
		if t.ID == target.ID {
			continue
		}
		if err := goesOn(ctx, tx, job); err != nil {
			return err
		}
		var wrong *Invalid
		one := outcome{}
		switch err := mergeTicket(ctx, tx, t.Number, target.Number); {
		case errors.As(err, &wrong):
			one.refused = []refused{{t.Number, wrong.Fields["into"]}}
		case err != nil:
			return err
		default:
			one.changed = []changed{{ID: t.ID, Number: t.Number, Before: t.fields(), After: t.fields(), MergedInto: &target.ID}}
		}
		out.changed = append(out.changed, one.changed...)
		job.count(1, one)
	}
	job.done.Store(int64(job.gone + len(job.ids)))
	return keepPart(ctx, tx, job.id, 0, out.changed)
}

// unmerge undoes merges, where the tickets are still merged into the same one and that is whole.
func unmerge(ctx context.Context, tx pgx.Tx, tickets []changed) (out outcome, err error) {
	ids := make([]uuid.UUID, 0, len(tickets)+1)
	for _, t := range tickets {
		ids = append(ids, t.ID)
	}
	now, err := lockTickets(ctx, tx, append(ids, *tickets[0].MergedInto))
	if err != nil {
		return out, err
	}
	held := map[uuid.UUID]lockedTicket{}
	for _, t := range now {
		held[t.ID] = t
	}
	for _, t := range tickets {
		current, there := held[t.ID]
		target, whole := held[*t.MergedInto]
		switch {
		case !there || !whole:
			out.refused = append(out.refused, refused{t.Number, goneTicket})
		case current.MergedInto == nil || *current.MergedInto != *t.MergedInto:
			out.refused = append(out.refused, refused{t.Number, changedSince})
		case target.MergedInto != nil:
			out.refused = append(out.refused, refused{t.Number, "The ticket that has it all was itself merged since."})
		default:
			if _, err := tx.Exec(ctx, `SELECT tickets.unmerge($1)`, t.ID); err != nil {
				return out, err
			}
			out.changed = append(out.changed, t)
		}
	}
	return out, nil
}
