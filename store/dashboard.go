package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// dashboardRows is how many rows a dashboard's short lists have.
const dashboardRows = 8

// ClientDashboard is what a customer sees first.
type ClientDashboard struct {
	Open     int      // not finished
	Waiting  int      // of those, waiting for the customer
	Resolved int      // answered; closed ones are history
	Tickets  []Ticket // those that wait for the customer, then the others not finished
	Recent   []Recent
	Version  int64
}

// AgentDashboard is what an agent sees first. The counts are of tickets not finished.
type AgentDashboard struct {
	Open       int
	Unassigned int
	Pressing   int      // high and urgent
	Mine       int      // the actor's own
	Oldest     []Ticket // unassigned, the oldest first
	Recent     []Recent
	Version    int64
}

// AdminDashboard is the overview over the whole desk.
type AdminDashboard struct {
	ByStatus      []StatusCount // every status, in the order of Statuses
	Days          []Day         // the last 14 days, today last
	FirstResponse *time.Duration
	Resolution    *time.Duration // medians over tickets created in the last 30 days, of many a sample; nil where there are none
	ActivePeople  int            // seen in the last 15 minutes
	Load          []Load
	Recent        []Recent
	Version       int64
}

// StatusCount is how many tickets stand at a status: Count, or more than MostCounted where More is true.
type StatusCount struct {
	Status Status
	Count  int
	More   bool
}

// MostCounted is how far tickets of a status are counted: of the finished ones there are ever more, and nobody needs
// to know how many to the last.
const MostCounted = 10_000

// Day is how many tickets were created and resolved on a day, in UTC.
type Day struct {
	Date     time.Time
	Created  int
	Resolved int
}

// Load is how much one agent has to do.
type Load struct {
	UserID  uuid.UUID
	Name    string
	Active  int // tickets not finished
	Urgent  int // of those, high and urgent
	Waiting int // of those, waiting for the customer
}

// Recent is an entry of some timeline, named with its ticket.
type Recent struct {
	Activity
	Number  int64
	Subject string
}

// ClientDashboard returns the customer's figures and what happened on their tickets.
func (s *Store) ClientDashboard(ctx context.Context, actor Actor) (d ClientDashboard, err error) {
	defer wrap(&err, "ClientDashboard")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if d.Version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `
			SELECT count(*) FILTER (WHERE status IN ('new', 'open', 'pending', 'on_hold')),
			       count(*) FILTER (WHERE status = 'pending'),
			       count(*) FILTER (WHERE status = 'resolved')
			FROM tickets WHERE client_id = $1`, actor.UserID).Scan(&d.Open, &d.Waiting, &d.Resolved)
		if err != nil {
			return err
		}
		d.Tickets, err = all[Ticket](tx.Query(ctx, `SELECT`+ticketColumns+ticketFrom+`
			WHERE t.client_id = $1 AND t.status IN ('new', 'open', 'pending', 'on_hold')
			ORDER BY t.status = 'pending' DESC, t.client_updated_at DESC, t.number DESC LIMIT $2`, actor.UserID, dashboardRows))
		if err != nil {
			return err
		}
		d.Recent, err = recent(ctx, tx, recentOnOwn)
		return err
	})
	return d, err
}

// AgentDashboard returns the desk's figures as an agent needs them.
func (s *Store) AgentDashboard(ctx context.Context, actor Actor) (d AgentDashboard, err error) {
	defer wrap(&err, "AgentDashboard")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if d.Version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `
			SELECT count(*),
			       count(*) FILTER (WHERE agent_id IS NULL),
			       count(*) FILTER (WHERE priority IN ('high', 'urgent')),
			       count(*) FILTER (WHERE agent_id = $1)
			FROM tickets WHERE status IN ('new', 'open', 'pending', 'on_hold')`, actor.UserID).
			Scan(&d.Open, &d.Unassigned, &d.Pressing, &d.Mine)
		if err != nil {
			return err
		}
		d.Oldest, err = all[Ticket](tx.Query(ctx, `SELECT`+ticketColumns+ticketFrom+`
			WHERE t.agent_id IS NULL AND t.status IN ('new', 'open', 'pending', 'on_hold')
			ORDER BY t.created_at, t.number LIMIT $1`, dashboardRows))
		if err != nil {
			return err
		}
		d.Recent, err = recent(ctx, tx, recentOnAll)
		return err
	})
	return d, err
}

// AdminDashboard returns the overview. Only an admin sees every person it counts.
func (s *Store) AdminDashboard(ctx context.Context, actor Actor) (d AdminDashboard, err error) {
	defer wrap(&err, "AdminDashboard")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if d.Version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		d.ByStatus, err = all[StatusCount](tx.Query(ctx, `
			SELECT w.status, least(n.count, $2)::int AS count, n.count > $2 AS more
			FROM unnest($1::text[]) WITH ORDINALITY AS w (status, rank)
			CROSS JOIN LATERAL (
				SELECT count(*) FROM (SELECT FROM tickets t WHERE t.status_rank = w.rank::smallint LIMIT $2 + 1) t
			) n ORDER BY w.rank`, Statuses, MostCounted))
		if err != nil {
			return err
		}
		d.Days, err = all[Day](tx.Query(ctx, `
			WITH days AS (
				SELECT generate_series(date_trunc('day', now(), 'UTC') - interval '13 days', date_trunc('day', now(), 'UTC'), '1 day') AS date
			), created AS (
				SELECT date_trunc('day', created_at, 'UTC') AS date, count(*) AS count FROM tickets
				WHERE created_at >= date_trunc('day', now(), 'UTC') - interval '13 days' GROUP BY 1
			), resolved AS (
				SELECT date_trunc('day', resolved_at, 'UTC') AS date, count(*) AS count FROM tickets
				WHERE resolved_at >= date_trunc('day', now(), 'UTC') - interval '13 days' GROUP BY 1
			)
			SELECT date, coalesce(created.count, 0)::int AS created, coalesce(resolved.count, 0)::int AS resolved
			FROM days LEFT JOIN created USING (date) LEFT JOIN resolved USING (date) ORDER BY date`))
		if err != nil {
			return err
		}
		err := tx.QueryRow(ctx, medians, medianSample).Scan(&d.FirstResponse, &d.Resolution)
		if err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `SELECT count(*) FROM users WHERE active AND last_seen_at > now() - interval '15 minutes'`).Scan(&d.ActivePeople)
		if err != nil {
			return err
		}
		if d.Load, err = load(ctx, tx); err != nil {
			return err
		}
		d.Recent, err = recent(ctx, tx, recentOnAll)
		return err
	})
	return d, err
}

// medians reads no more than about $1 tickets: where there are more, each second one or third, as it comes out. Numbers
// are given in the order of creation, so the first and the last tell how many there are.
const medians = `
	WITH young AS (
		SELECT greatest((
			(SELECT number FROM tickets WHERE created_at > now() - interval '30 days' ORDER BY created_at DESC, tickets.number DESC LIMIT 1) -
			(SELECT number FROM tickets WHERE created_at > now() - interval '30 days' ORDER BY created_at, tickets.number LIMIT 1)) / $1, 1) AS step
	), sample AS MATERIALIZED (
		SELECT number FROM tickets, young WHERE created_at > now() - interval '30 days' AND number % step = 0
	)
	SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t.first_response_at - t.created_at),
	       percentile_cont(0.5) WITHIN GROUP (ORDER BY t.resolved_at - t.created_at)
	FROM sample JOIN tickets t USING (number)`

const medianSample = 2000

// load lists the active agents and who else has tickets, the busiest first.
func load(ctx context.Context, tx pgx.Tx) ([]Load, error) {
	return all[Load](tx.Query(ctx, `
		SELECT u.id AS user_id, u.full_name AS name,
		       -- agent_id and not id: the index has it.
		       count(t.agent_id)::int AS active,
		       (count(t.agent_id) FILTER (WHERE t.priority IN ('high', 'urgent')))::int AS urgent,
		       (count(t.agent_id) FILTER (WHERE t.status = 'pending'))::int AS waiting
		FROM users u
		LEFT JOIN tickets t ON t.agent_id = u.id AND t.status IN ('new', 'open', 'pending', 'on_hold')
		WHERE u.user_role IN ('agent', 'admin') AND u.id `+noProbe+`
		GROUP BY u.id, u.full_name, u.user_role, u.active
		HAVING count(t.agent_id) > 0 OR (u.user_role = 'agent' AND u.active)
		ORDER BY active DESC, u.full_name, u.id`))
}

// recent lists what happened last on the tickets that of selects from, the newest first. The entries are picked
// before anything is joined to them: the planner cannot know that the last few of all are enough.
func recent(ctx context.Context, tx pgx.Tx, of string) ([]Recent, error) {
	return all[Recent](tx.Query(ctx, "SELECT"+activityFields+", t.number, t.subject FROM ("+of+") a"+
		" LEFT JOIN users u ON u.id = a.user_id JOIN tickets t ON t.id = a.ticket_id ORDER BY a.position DESC"))
}

const recentOnAll = `SELECT * FROM ticket_activities ORDER BY position DESC LIMIT 12`

// Whatever happened last on a client's tickets happened on those that changed last.
const recentOnOwn = `
	SELECT last.* FROM (
		SELECT id FROM tickets WHERE client_id = (SELECT auth.uid()) ORDER BY client_updated_at DESC, id LIMIT 12
	) own CROSS JOIN LATERAL (
		SELECT * FROM ticket_activities x WHERE x.ticket_id = own.id ORDER BY x.position DESC LIMIT 12
	) last ORDER BY last.position DESC LIMIT 12`
