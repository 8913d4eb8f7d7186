package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Merge moves all of one ticket, its messages, notes, files, time, tags, links and followers, to another of the same
// client, and closes it; its page leads to the other from then on. It can be undone. What cannot be is *Invalid
// (into): another client's ticket, the ticket itself, one that is finished or merged. Only staff may: for a client it
// is ErrForbidden.
func (s *Store) Merge(ctx context.Context, actor Actor, number, into int64) (err error) {
	defer wrap(&err, "Merge(%d, %d)", number, into)
	if !actor.Role.Staff() {
		return ErrForbidden
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error { return mergeTicket(ctx, tx, number, into) })
}

// mergeTicket is Merge within a transaction of staff.
func mergeTicket(ctx context.Context, tx pgx.Tx, number, into int64) error {
	if number == into {
		return invalid("into", "A ticket cannot be merged into itself.")
	}
	tickets, err := lockNumbered(ctx, tx, number, into)
	if err != nil {
		return err
	}
	source, here := tickets[number]
	target, there := tickets[into]
	switch {
	case !here:
		return ErrNotFound
	case !there:
		return invalid("into", "There is no ticket #%d.", into)
	}
	if err := source.mayMergeInto(target); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `SELECT tickets.merge($1, $2)`, source.ID, target.ID)
	return err
}

// mayMergeInto is the rule of Merge.
func (t Ticket) mayMergeInto(target Ticket) error {
	switch {
	case t.ClientID != target.ClientID:
		return invalid("into", "#%d is another customer's ticket. Only tickets of one customer can be merged; link them instead.", target.Number)
	case t.MergedInto != 0:
		return invalid("into", "This ticket was merged into #%d already.", t.MergedInto)
	case target.MergedInto != 0:
		return invalid("into", "#%d was itself merged into #%d. Merge into that one.", target.Number, target.MergedInto)
	case target.Status == StatusClosed || target.Status == StatusCancelled:
		return invalid("into", "#%d is %s. Open it first, or merge it into this one.", target.Number, target.Status.Label())
	}
	return nil
}

// Unmerge undoes the merge of a ticket: what came from it goes back, what was said since stays. Where the ticket that
// has it all was itself merged meanwhile it is a *Conflict, where there is no merge to undo *Invalid.
func (s *Store) Unmerge(ctx context.Context, actor Actor, number int64) (err error) {
	defer wrap(&err, "Unmerge(%d)", number)
	if !actor.Role.Staff() {
		return ErrForbidden
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		// Which other ticket is to be locked the ticket itself says; locked, it must still say so.
		seen, err := findTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		if seen.MergedInto == 0 {
			return invalid("", "This ticket is not merged.")
		}
		tickets, err := lockNumbered(ctx, tx, number, seen.MergedInto)
		if err != nil {
			return err
		}
		source, target := tickets[number], tickets[seen.MergedInto]
		if source.MergedInto != seen.MergedInto {
			return &Conflict{"Somebody undid this merge meanwhile."}
		}
		if target.MergedInto != 0 {
			return &Conflict{fmt.Sprintf("#%d was itself merged into #%d meanwhile. Undo that merge first.", target.Number, target.MergedInto)}
		}
		_, err = tx.Exec(ctx, `SELECT tickets.unmerge($1)`, source.ID)
		return err
	})
}

// mergedInto is what whoever acts on a merged ticket is told.
func mergedInto(field string, t Ticket) error {
	return invalid(field, "This ticket was merged into #%d. Go on there, or undo the merge.", t.MergedInto)
}

// lockNumbered is lockTicket for several, in the order in which everybody locks them. Those that the actor may not
// change are left out.
func lockNumbered(ctx context.Context, tx pgx.Tx, numbers ...int64) (map[int64]Ticket, error) {
	found, err := all[Ticket](tx.Query(ctx, `SELECT`+ticketColumns+ticketFrom+`
		WHERE t.number = ANY ($1) ORDER BY t.id FOR UPDATE OF t`, numbers))
	tickets := make(map[int64]Ticket, len(found))
	for _, t := range found {
		tickets[t.Number] = t
	}
	return tickets, err
}
