package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// SampleEvery is how often a node writes what it counts.
const SampleEvery = 15 * time.Second

// sampleRetention is a little more than the day that the health page shows.
const sampleRetention = 25 * time.Hour

// LiveHealth is how well live updates work.
type LiveHealth struct {
	Portals []PortalHealth // in the order of Roles
	Nodes   []NodeHealth   // those that are there, by name
	Points  []HealthPoint  // the last day, the oldest first
	Since   *time.Time     // the first minute measured of that day; nil: none was
	Version int64          // of the topic "health"
}

// PortalHealth is one portal's: what is open now on all nodes, and the last hour.
type PortalHealth struct {
	Portal   Role
	Streams  int
	Polls    int
	Connects int
	Failed   int
	Lags     Lags
	Reasons  []ReasonCount `db:"-"` // the most frequent first
}

// ReasonCount is how often a stream or poll did not come about for a reason.
type ReasonCount struct {
	Portal Role
	Reason string
	Count  int
}

// NodeHealth is a node that is there.
type NodeHealth struct {
	Node      string
	Streams   int
	Polls     int
	Listening bool
	Since     time.Time // the first minute of it in the last day
}

// HealthPoint is what all nodes counted in ten minutes. Minutes is 0 where nothing was measured.
type HealthPoint struct {
	At       time.Time
	Minutes  int
	Streams  float64 // open, on average
	Polls    float64
	Connects int
	Failed   int
	Lags     Lags
}

// Succeeded is the part of the attempts that came about; false where nobody tried.
func Succeeded(connects, failed int) (part float64, ok bool) {
	if connects+failed == 0 {
		return 0, false
	}
	return float64(connects) / float64(connects+failed), true
}

// summedLags adds lags up, column by column.
var summedLags = func() string {
	var columns []string
	for i := range len(LagBounds) + 1 {
		columns = append(columns, fmt.Sprintf("coalesce(sum(lags[%d]), 0)::bigint", i+1))
	}
	return "ARRAY[" + strings.Join(columns, ", ") + "]"
}()

// presentNodes are the newest rows of the nodes that are there: who has been silent for three samples is not.
const presentNodes = `
	(SELECT * FROM (
		SELECT DISTINCT ON (node, portal) * FROM live_samples
		WHERE minute > now() - interval '10 minutes' ORDER BY node, portal, minute DESC) newest
	WHERE up AND sampled_at > now() - interval '50 seconds')`

// LiveHealth reads the figures of all nodes, which only admins may.
func (s *Store) LiveHealth(ctx context.Context, actor Actor) (h LiveHealth, err error) {
	defer wrap(&err, "LiveHealth")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if h.Version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		h.Portals, err = all[PortalHealth](tx.Query(ctx, `
			WITH hour AS (
				SELECT portal, sum(connects) AS connects, sum(failed) AS failed, `+summedLags+` AS lags
				FROM live_samples WHERE minute > now() - interval '1 hour' GROUP BY portal
			), present AS (
				SELECT portal, sum(streams) AS streams, sum(polls) AS polls FROM `+presentNodes+` n GROUP BY portal
			)
			SELECT p.portal, coalesce(streams, 0)::int AS streams, coalesce(polls, 0)::int AS polls,
			       coalesce(connects, 0)::int AS connects, coalesce(failed, 0)::int AS failed, coalesce(lags, '{}') AS lags
			FROM unnest($1::text[]) WITH ORDINALITY AS p (portal, rank)
			LEFT JOIN hour USING (portal) LEFT JOIN present USING (portal) ORDER BY p.rank`, Roles))
		if err != nil {
			return err
		}
		reasons, err := all[ReasonCount](tx.Query(ctx, `
			SELECT portal, key AS reason, sum(value::int)::int AS count
			FROM live_samples, jsonb_each_text(reasons) WHERE minute > now() - interval '1 hour'
			GROUP BY portal, key ORDER BY count DESC, key`))
		if err != nil {
			return err
		}
		for i := range h.Portals {
			for _, r := range reasons {
				if r.Portal == h.Portals[i].Portal {
					h.Portals[i].Reasons = append(h.Portals[i].Reasons, r)
				}
			}
		}
		h.Nodes, err = all[NodeHealth](tx.Query(ctx, `
			SELECT node, sum(streams)::int AS streams, sum(polls)::int AS polls, bool_and(listening) AS listening,
			       (SELECT min(minute) FROM live_samples s WHERE s.node = n.node) AS since
			FROM `+presentNodes+` n GROUP BY node ORDER BY node`))
		if err != nil {
			return err
		}
		// Ten minutes, 144 a day: as many as a phone has room for.
		h.Points, err = all[HealthPoint](tx.Query(ctx, `
			WITH counted AS (
				SELECT date_bin('10 minutes', minute, '2001-01-01Z') AS at, count(DISTINCT minute)::int AS minutes,
				       sum(streams)::float8 / count(DISTINCT minute) AS streams, sum(polls)::float8 / count(DISTINCT minute) AS polls,
				       sum(connects)::int AS connects, sum(failed)::int AS failed, `+summedLags+` AS lags
				FROM live_samples WHERE minute > now() - interval '1 day' GROUP BY 1
			)
			SELECT at, coalesce(minutes, 0) AS minutes, coalesce(streams, 0) AS streams, coalesce(polls, 0) AS polls,
			       coalesce(connects, 0) AS connects, coalesce(failed, 0) AS failed, coalesce(lags, '{}') AS lags
			FROM generate_series(date_bin('10 minutes', now(), '2001-01-01Z') - interval '1430 minutes',
			                     date_bin('10 minutes', now(), '2001-01-01Z'), '10 minutes') AS at
			LEFT JOIN counted USING (at) ORDER BY at`))
		if err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT min(minute) FROM live_samples WHERE minute > now() - interval '1 day'`).Scan(&h.Since)
	})
	return h, err
}
