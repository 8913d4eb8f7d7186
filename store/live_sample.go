package store

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// LagBounds are the steps in which lag is counted, in seconds.
var LagBounds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 15, 60}

// Lags counts changes by how long they took from their commit to being handed to the streams: the first so many
// within the first of LagBounds, the last beyond them all. It is as long as that, or empty.
type Lags []int64

// Add counts one change.
func (l *Lags) Add(took time.Duration) {
	if len(*l) == 0 {
		*l = make(Lags, len(LagBounds)+1)
	}
	at, _ := slices.BinarySearch(LagBounds, took.Seconds())
	(*l)[at]++
}

// Plus adds what other counted.
func (l *Lags) Plus(other Lags) {
	if len(*l) == 0 {
		*l = make(Lags, len(LagBounds)+1)
	}
	for i := range min(len(*l), len(other)) {
		(*l)[i] += other[i]
	}
}

// Count is of how many changes.
func (l Lags) Count() (n int64) {
	for _, count := range l {
		n += count
	}
	return n
}

// Within is the time in which that part of the changes was handed on, 0 to 1, as well as the steps tell it; 0
// where there were none.
func (l Lags) Within(part float64) time.Duration {
	if l.Count() == 0 {
		return 0
	}
	rank, below, from := part*float64(l.Count()), 0.0, 0.0
	for i, count := range l {
		if i == len(LagBounds) {
			break
		}
		if count > 0 && below+float64(count) >= rank {
			seconds := from + (LagBounds[i]-from)*(rank-below)/float64(count)
			return time.Duration(seconds * float64(time.Second))
		}
		below, from = below+float64(count), LagBounds[i]
	}
	return time.Duration(from * float64(time.Second))
}

// LiveSample is what a node counts of one portal's live updates.
type LiveSample struct {
	Portal   Role
	Streams  int            // open now
	Polls    int            // held now
	Connects int            // streams and polls that came about
	Failed   int            // and those that did not
	Reasons  map[string]int // why, and why others were turned away who had no business there
	Lags     Lags
}

// HealthLog is written by what watches over a deployment: each node's samples, and the doctor. It has a small pool
// of its own as autocrm_worker; no HTTP handler holds it. Safe for concurrent use.
type HealthLog struct {
	pool *pgxpool.Pool
}

// OpenHealthLog connects as the role autocrm_worker.
func OpenHealthLog(ctx context.Context, url string) (*HealthLog, error) {
	pool, err := connect(ctx, url, "autocrm_worker")
	if err != nil {
		return nil, err
	}
	return &HealthLog{pool: pool}, nil
}

// Close ends the connections, waiting for those in use.
func (l *HealthLog) Close() { l.pool.Close() }

// WriteSamples keeps a node's figures of a minute, in the place of those that it wrote before of the same minute.
// up is false where the node is about to end.
func (l *HealthLog) WriteSamples(ctx context.Context, node string, minute time.Time, listening, up bool, samples []LiveSample) (err error) {
	defer wrap(&err, "WriteSamples")
	batch := &pgx.Batch{}
	for _, s := range samples {
		if s.Reasons == nil {
			s.Reasons = map[string]int{}
		}
		if s.Lags == nil {
			s.Lags = Lags{}
		}
		batch.Queue(`
			INSERT INTO live_samples (minute, node, portal, streams, polls, listening, up, connects, failed, reasons, lags)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			ON CONFLICT (minute, node, portal) DO UPDATE SET (sampled_at, streams, polls, listening, up, connects, failed, reasons, lags)
			  = (excluded.sampled_at, excluded.streams, excluded.polls, excluded.listening, excluded.up,
			     excluded.connects, excluded.failed, excluded.reasons, excluded.lags)`,
			minute.Truncate(time.Minute), node, s.Portal, s.Streams, s.Polls, listening, up, s.Connects, s.Failed, s.Reasons, s.Lags)
	}
	return l.pool.SendBatch(ctx, batch).Close()
}
