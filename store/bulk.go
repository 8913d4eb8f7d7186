package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// MaxBulk is how many tickets one bulk change takes: it holds them for as long as it runs, and whoever answers one
// waits meanwhile.
const MaxBulk = 20000

// Selection is which tickets a bulk change is of: those of these numbers, or all that a list shows now.
type Selection struct {
	Numbers []int64       `json:"numbers,omitempty"`
	Filter  *TicketFilter `json:"-"`
	Query   string        `json:"query,omitempty"` // the list's address, for words about it
}

// BulkState is how far a bulk change is.
type BulkState string

// The states, as bulk_changes.state has them. Only after BulkDone was anything changed.
const (
	BulkRunning   BulkState = "running"
	BulkDone      BulkState = "done"
	BulkCancelled BulkState = "cancelled"
	BulkFailed    BulkState = "failed"
	BulkUndone    BulkState = "undone" // done, and set back since
)

// BulkChange is a change of many tickets at once.
type BulkChange struct {
	ID              uuid.UUID
	ActorID         uuid.UUID
	ActorName       string
	Change          Change // what is done to each ticket; where it undoes another, what of that stays
	Undoes          *uuid.UUID
	UndoneBy        *uuid.UUID // what undid it, or is about to
	Total           int
	Done            int // looked at so far
	Changed         int
	Refused         int
	State           BulkState
	CancelRequested bool
	Report          BulkReport
	StartedAt       time.Time
	EndedAt         *time.Time
}

// BulkReport says what was not done, and why.
type BulkReport struct {
	Words   string       `json:"words,omitempty"`   // why all of it ended as it did
	Reasons []BulkReason `json:"reasons,omitempty"` // of the tickets that were refused
}

// BulkReason is why some tickets were refused. Of many, Numbers names the first only.
type BulkReason struct {
	Words   string  `json:"words"`
	Count   int     `json:"count"`
	Numbers []int64 `json:"numbers"`
}

// mostNamed is how many tickets a report names by number for each reason.
const mostNamed = 100

func (r *BulkReport) add(number int64, words string) {
	at := slices.IndexFunc(r.Reasons, func(reason BulkReason) bool { return reason.Words == words })
	if at < 0 {
		at = len(r.Reasons)
		r.Reasons = append(r.Reasons, BulkReason{Words: words})
	}
	reason := &r.Reasons[at]
	reason.Count++
	if number != 0 && len(reason.Numbers) < mostNamed {
		reason.Numbers = append(reason.Numbers, number)
	}
}

// Unchanged is how many tickets were as wanted already.
func (b BulkChange) Unchanged() int { return b.Done - b.Changed - b.Refused }

// MayUndo says whether the change can be set back.
func (b BulkChange) MayUndo() bool {
	return b.State == BulkDone && b.Undoes == nil && b.UndoneBy == nil && b.Changed > 0 && b.Change.setsFields()
}

const goneTicket = "It is not there any more."

// StartBulk begins to change the selected tickets in the background, as actor, and says which bulk change that is.
// Where the change or the selection cannot be, it is *Invalid (status, priority, assignee, tags, or the whole); while
// another one of the actor's runs, a *Conflict. Only staff may.
func (s *Store) StartBulk(ctx context.Context, actor Actor, change Change, selection Selection) (id uuid.UUID, err error) {
	defer wrap(&err, "StartBulk")
	if !actor.Role.Staff() {
		return id, ErrForbidden
	}
	if change.IsZero() {
		return id, invalid("", "Choose what to do with the tickets.")
	}
	var ids []uuid.UUID
	job := bulkJob{actor: actor, change: change}
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		ready, err := change.ready(ctx, tx, actor)
		if err != nil {
			return err
		}
		job.change = ready.Change
		if ids, err = selectTickets(ctx, tx, actor, selection, &job.report); err != nil {
			return err
		}
		if change.MergeInto != 0 {
			if err := mergeTarget(ctx, tx, change.MergeInto, len(ids)); err != nil {
				return err
			}
		}
		gone := 0
		for _, reason := range job.report.Reasons {
			gone += reason.Count
		}
		if len(ids)+gone == 0 {
			return invalid("", "Select some tickets first.")
		}
		job.ids, job.gone = ids, gone
		job.id, err = beginBulk(ctx, tx, actor, ready.Change, selection, nil, len(ids)+gone)
		return err
	})
	if err != nil {
		return id, err
	}
	s.bulk.run(&job)
	return job.id, nil
}

// selectTickets finds the ids of the selected tickets, in order. Numbers without a ticket come into the report.
func selectTickets(ctx context.Context, tx pgx.Tx, actor Actor, selection Selection, report *BulkReport) ([]uuid.UUID, error) {
	if selection.Filter != nil {
		args := pgx.StrictNamedArgs{}
		condition, err := selection.Filter.Query.condition(ctx, tx, actor, args)
		if err != nil {
			return nil, err
		}
		rows, err := tx.Query(ctx, `SELECT t.id FROM tickets t WHERE `+condition+fmt.Sprintf(` ORDER BY t.id LIMIT %d`, MaxBulk+1), args)
		if err != nil {
			return nil, err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if len(ids) > MaxBulk {
			return nil, invalid("", "That is more than 20,000 tickets, which is as many as can be changed in one go. Narrow the list first.")
		}
		return ids, err
	}
	numbers := slices.Compact(slices.Sorted(slices.Values(selection.Numbers)))
	if len(numbers) > MaxBulk {
		return nil, invalid("", "At most 20,000 tickets can be changed in one go.")
	}
	type found struct {
		ID     uuid.UUID
		Number int64
	}
	rows, err := all[found](tx.Query(ctx, `SELECT id, number FROM tickets WHERE number = ANY ($1) ORDER BY id`, numbers))
	if err != nil {
		return nil, err
	}
	ids, known := make([]uuid.UUID, len(rows)), map[int64]bool{}
	for i, row := range rows {
		ids[i], known[row.Number] = row.ID, true
	}
	for _, number := range numbers {
		if !known[number] {
			report.add(number, goneTicket)
		}
	}
	return ids, nil
}

// SelectionSize counts what a list shows, up to one more than MaxBulk.
func (s *Store) SelectionSize(ctx context.Context, actor Actor, filter TicketFilter) (count int, err error) {
	defer wrap(&err, "SelectionSize")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		args := pgx.StrictNamedArgs{}
		condition, err := filter.Query.condition(ctx, tx, actor, args)
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT count(*) FROM (SELECT FROM tickets t WHERE `+condition+fmt.Sprintf(` LIMIT %d) x`, MaxBulk+1), args).Scan(&count)
	})
	return count, err
}

// beginBulk writes the row of a bulk change that is about to run.
func beginBulk(ctx context.Context, tx pgx.Tx, actor Actor, change Change, selection Selection, undoes *uuid.UUID, total int) (id uuid.UUID, err error) {
	what, err := json.Marshal(change)
	if err != nil {
		return id, err
	}
	which, err := json.Marshal(selection)
	if err != nil {
		return id, err
	}
	err = tx.QueryRow(ctx, `
		INSERT INTO bulk_changes (actor_id, change, selection, undoes, total) VALUES (@actor, @change, @selection, @undoes, @total)
		RETURNING id`,
		pgx.StrictNamedArgs{"actor": actor.UserID, "change": what, "selection": which, "undoes": undoes, "total": total}).Scan(&id)
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.ConstraintName {
		case "bulk_changes_running_key":
			return id, &Conflict{"Your last bulk change is still running. Wait until it is done, or cancel it."}
		case "bulk_changes_undoes_key":
			return id, &Conflict{"This has been undone already."}
		}
	}
	return id, err
}

// CancelBulk asks that the bulk change be given up; then nothing of it is done. Where it has ended already, that is
// no error and changes nothing.
func (s *Store) CancelBulk(ctx context.Context, actor Actor, id uuid.UUID) (err error) {
	defer wrap(&err, "CancelBulk")
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT FROM bulk_changes WHERE id = $1`, id).Scan(); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE bulk_changes SET cancel_requested = true WHERE id = $1 AND state = 'running'`, id)
		return err
	})
}

const bulkColumns = `
	SELECT
		b.id,
		b.actor_id,
		coalesce(u.full_name, '') AS actor_name,
		b.change,
		b.undoes,
		(SELECT w.id FROM bulk_changes w WHERE w.undoes = b.id AND w.state IN ('running', 'done')) AS undone_by,
		b.total,
		b.done,
		b.changed,
		b.refused,
		b.state,
		b.cancel_requested,
		b.report,
		b.started_at,
		b.ended_at
	FROM bulk_changes b LEFT JOIN users u ON u.id = b.actor_id`

// BulkChange returns one bulk change, or ErrNotFound: also where it is another agent's.
func (s *Store) BulkChange(ctx context.Context, actor Actor, id uuid.UUID) (bulk BulkChange, err error) {
	defer wrap(&err, "BulkChange")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		bulk, err = one[BulkChange](tx.Query(ctx, bulkColumns+` WHERE b.id = $1`, id))
		return err
	})
	return bulk, err
}

// LastBulk returns the actor's latest bulk change, or ErrNotFound.
func (s *Store) LastBulk(ctx context.Context, actor Actor) (bulk BulkChange, version int64, err error) {
	defer wrap(&err, "LastBulk")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		bulk, err = one[BulkChange](tx.Query(ctx, bulkColumns+` WHERE b.actor_id = $1 ORDER BY b.started_at DESC LIMIT 1`, actor.UserID))
		return err
	})
	return bulk, version, err
}

// keptBulk is how many bulk changes a page of them lists.
const keptBulk = 50

// BulkChanges lists the last bulk changes: the actor's own, and for an admin everybody's.
func (s *Store) BulkChanges(ctx context.Context, actor Actor) (list []BulkChange, version int64, err error) {
	defer wrap(&err, "BulkChanges")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		list, err = all[BulkChange](tx.Query(ctx, bulkColumns+` ORDER BY b.started_at DESC LIMIT $1`, keptBulk))
		return err
	})
	return list, version, err
}
