package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Event is one row's change as the log has it. What a viewer reads of it through EventsAfter is less: Place,
// ID, At, Source, TicketNumber, Seq, ClientSeq, ClientID, OldClientID, UserID and Topic; the rest is zero.
type Event struct {
	Place        int64 // of its commit: microseconds since 1970, strictly rising in commit order
	ID           int64
	At           time.Time
	Source       string // the table
	Operation    string // insert, update, delete
	RowID        uuid.UUID
	ActorID      *uuid.UUID // nil: no signed-in person did it
	TicketNumber *int64
	Seq          *int64 // the ticket's version for staff
	ClientSeq    *int64 // and for its client; nil where the client may not know that anything happened
	ClientID     *uuid.UUID
	OldClientID  *uuid.UUID // whose ticket it was, where that changed
	UserID       *uuid.UUID // whom a change of users or sessions is about; where there is a Topic, whom alone it is told
	Topic        *string    // what it is told under, where that does not follow from Source
	Changes      map[string]json.RawMessage
}

// Changed gives the new value of a column that an update changed, as JSON. ok is false where it did not.
func (e Event) Changed(column string) (value json.RawMessage, ok bool) {
	var pair [2]json.RawMessage
	if err := json.Unmarshal(e.Changes[column], &pair); err != nil {
		return nil, false
	}
	return pair[1], true
}

// EventLog reads the whole log, as no viewer may: it is what live updates are fed from. It has a pool of its
// own; no HTTP handler holds it. Safe for concurrent use.
type EventLog struct {
	pool *pgxpool.Pool
}

// OpenEventLog connects as the role autocrm_worker.
func OpenEventLog(ctx context.Context, url string) (*EventLog, error) {
	pool, err := connect(ctx, url, "autocrm_worker")
	if err != nil {
		return nil, err
	}
	return &EventLog{pool: pool}, nil
}

// Close ends the connections, waiting for those in use.
func (l *EventLog) Close() { l.pool.Close() }

// LogExtent says which part of which history the log holds.
type LogExtent struct {
	Epoch  uuid.UUID // another one in another database: places of two epochs say nothing about each other
	Oldest int64     // the floor: every commit above this place is still there; 0 where nothing was forgotten
	Head   int64     // the place of the newest commit; 0 in a log that never held one
}

// Extent reads the log's epoch and both ends in one moment.
func (l *EventLog) Extent(ctx context.Context) (extent LogExtent, err error) {
	defer wrap(&err, "event log extent")
	err = l.pool.QueryRow(ctx, `
		SELECT epoch, floor, greatest(floor, (SELECT max(place) FROM event_commits))
		FROM event_epochs ORDER BY since DESC LIMIT 1`).Scan(&extent.Epoch, &extent.Oldest, &extent.Head)
	return extent, err
}

// After gives the events of the first limit commits above place, in commit order, and within a commit in the
// order they were made. A commit comes whole or not at all, however many events it has. held says that the log
// holds what follows place without a gap, as of the reading; it is false where place is below the floor, and
// where no commit has it: a database that was restored, or failed over to a standby that was behind, has lost
// the commit that had.
func (l *EventLog) After(ctx context.Context, place int64, limit int) (events []Event, held bool, err error) {
	defer wrap(&err, "events after %d", place)
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT c.place, e.id, e.at, e.source, e.operation, e.row_id, e.actor_id, e.ticket_number,
		       e.seq, e.client_seq, e.client_id, e.old_client_id, e.user_id, e.topic, e.changes
		FROM (SELECT place, xid FROM event_commits WHERE place > $1 ORDER BY place LIMIT $2) c
		JOIN events e USING (xid)
		ORDER BY c.place, e.id`, place, limit).Query(func(rows pgx.Rows) error {
		events, err = all[Event](rows, nil)
		return err
	})
	// After the events: what is forgotten meanwhile must not look as if it had never been.
	batch.Queue(holds, place).QueryRow(func(row pgx.Row) error { return row.Scan(&held) })
	err = l.pool.SendBatch(ctx, batch).Close()
	return events, held, err
}

const holds = `
	SELECT floor = $1 OR floor < $1 AND EXISTS (SELECT FROM event_commits WHERE place = $1)
	FROM event_epochs ORDER BY since DESC LIMIT 1`

// Holds says whether the log, now, holds what follows place without a gap; see After.
func (l *EventLog) Holds(ctx context.Context, place int64) (held bool, err error) {
	defer wrap(&err, "is %d in the event log", place)
	err = l.pool.QueryRow(ctx, holds, place).Scan(&held)
	return held, err
}

// TailStart is the place above which the log holds at most commits commits: where a reader starts that wants
// the newest part.
func (l *EventLog) TailStart(ctx context.Context, commits int) (place int64, err error) {
	defer wrap(&err, "tail of the event log")
	err = l.pool.QueryRow(ctx, `
		SELECT coalesce((SELECT place FROM event_commits WHERE place > floor ORDER BY place DESC OFFSET $1 LIMIT 1), floor)
		FROM event_epochs ORDER BY since DESC LIMIT 1`, commits).Scan(&place)
	return place, err
}

// Forget empties the partitions of the log, of a day each, in which nothing is newer than before, and says how
// many. It makes nobody wait; one that is in use just now stays until the next time.
func (l *EventLog) Forget(ctx context.Context, before time.Time) (partitions int, err error) {
	defer wrap(&err, "forget events")
	err = l.pool.QueryRow(ctx, `SELECT live.forget_events($1)`, before).Scan(&partitions)
	return partitions, err
}

// EventsAfter is After as actor may read it: what the row-level security of events lets through. limit counts
// the commits that hold something for actor.
func (s *Store) EventsAfter(ctx context.Context, actor Actor, place int64, limit int) (events []Event, err error) {
	defer wrap(&err, "events of %s after %d", actor.Role, place)
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT c.place, e.id, e.at, e.source, e.ticket_number, e.seq, e.client_seq, e.client_id, e.old_client_id,
			       e.user_id, e.topic
			FROM (SELECT place, xid FROM event_commits WHERE place > $1 ORDER BY place LIMIT $2) c
			JOIN events e USING (xid)
			ORDER BY c.place, e.id`, place, limit)
		if err != nil {
			return err
		}
		events, err = pgx.CollectRows(rows, pgx.RowToStructByNameLax[Event])
		return err
	})
	return events, err
}

// Signal tells a page that what it shows of Topic is older than Version.
type Signal struct {
	Topic   string `json:"topic"`
	Version int64  `json:"version"`
}

// Signals says what viewer is told of the event: nothing, unless the viewer may read it. It is the same rule
// as the policies on events, for streams that are open; a test holds the two against each other. Topics of
// lists have the commit's place for a version: it never falls, and as a time it counts nothing.
func (e Event) Signals(viewer Actor) []Signal {
	if e.Topic != nil {
		if viewer.Role.Staff() && (e.UserID == nil || *e.UserID == viewer.UserID) {
			return []Signal{{*e.Topic, e.Place}}
		}
		return nil
	}
	switch e.Source {
	case "tickets", "ticket_activities", "attachments":
		version := e.Seq
		if viewer.Role == Client {
			if e.ClientSeq == nil || !is(e.ClientID, viewer.UserID) && !is(e.OldClientID, viewer.UserID) {
				return nil
			}
			version = e.ClientSeq
		} else if !viewer.Role.Staff() {
			return nil
		}
		list := Signal{"tickets", e.Place}
		if e.TicketNumber == nil || version == nil {
			return []Signal{list} // the timeline of a ticket that is gone
		}
		return []Signal{{TicketTopic(*e.TicketNumber), *version}, list}
	case "users", "sessions":
		if viewer.Role == Admin {
			return []Signal{{"users", e.Place}}
		}
	case "invitations":
		if viewer.Role == Admin {
			return []Signal{{"invitations", e.Place}}
		}
	case "examinations":
		if viewer.Role == Admin {
			return []Signal{{"health", e.Place}}
		}
	}
	return nil
}

// TicketTopic names the topic of one ticket.
func TicketTopic(number int64) string { return fmt.Sprintf("ticket-%d", number) }

func is(id *uuid.UUID, other uuid.UUID) bool { return id != nil && *id == other }
