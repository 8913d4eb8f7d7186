package store

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// bulkRunner does bulk changes, in the background and on connections of its own, so that no request waits for one.
type bulkRunner struct {
	pool  *pgxpool.Pool
	ctx   context.Context // ends when the node stops
	stop  context.CancelFunc
	slots chan struct{}
	jobs  sync.WaitGroup
}

const (
	bulkSlots = 2               // how many run at once on a node; the next ones wait
	bulkChunk = 500             // tickets a step
	bulkTime  = 3 * time.Minute // longer than any takes: it holds tickets
	bulkTick  = 300 * time.Millisecond
	bulkBeat  = 10 * time.Second
)

func newBulkRunner(ctx context.Context, url string) (*bulkRunner, error) {
	pool, err := connect(ctx, url, "autocrm_web", func(config *pgxpool.Config) {
		config.MaxConns = bulkSlots + 1 // one for telling how far they are
		config.MinConns, config.MinIdleConns = 0, 0
		config.MaxConnIdleTime = time.Minute
	})
	if err != nil {
		return nil, err
	}
	r := &bulkRunner{pool: pool, slots: make(chan struct{}, bulkSlots)}
	r.ctx, r.stop = context.WithCancel(context.WithoutCancel(ctx))
	return r, nil
}

// close cancels what runs and waits until that has been undone and said.
func (r *bulkRunner) close() {
	r.stop()
	r.jobs.Wait()
	r.pool.Close()
}

// bulkJob is a bulk change under way.
type bulkJob struct {
	id     uuid.UUID
	actor  Actor
	change Change
	ids    []uuid.UUID // in the order in which they are locked
	gone   int         // selected, and not there
	undoes *uuid.UUID
	report BulkReport

	done, changed, refused atomic.Int64
}

var (
	errBulkCancelled = errors.New("cancelled")
	errBulkLost      = errors.New("taken for dead meanwhile")
	errBulkRights    = errors.New("the actor may not any more")
)

// run does the job in the background.
func (r *bulkRunner) run(job *bulkJob) {
	job.done.Store(int64(job.gone))
	job.refused.Store(int64(job.gone))
	r.jobs.Go(func() {
		telling := make(chan struct{})
		told := make(chan struct{})
		go func() {
			defer close(told)
			r.tell(job, telling)
		}()
		err := r.do(job, func() {
			close(telling)
			<-told
		})
		if err != nil {
			r.giveUp(job, err)
		}
	})
}

// do is the whole job in one transaction: one commit, or nothing. hush ends the telling, which would wait for the
// row that the transaction writes at its end.
func (r *bulkRunner) do(job *bulkJob, hush func()) (err error) {
	quiet := sync.OnceFunc(hush)
	defer quiet()
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
	ctx, cancel := context.WithTimeout(r.ctx, bulkTime)
	defer cancel()
	return transact(ctx, r.pool, "authenticated", string(job.actor.Claims), pgx.ReadCommitted, func(tx pgx.Tx) error {
		step := changeStep
		switch {
		case job.undoes != nil:
			step = undoStep
		case job.change.MergeInto != 0:
			step = mergeStep
		}
		if err := step(ctx, tx, job); err != nil {
			return err
		}
		quiet()
		report, err := json.Marshal(job.report)
		if err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			UPDATE bulk_changes SET state = 'done', done = @done, changed = @changed, refused = @refused, report = @report,
				ended_at = clock_timestamp()
			WHERE id = @id AND state = 'running' AND NOT cancel_requested`, pgx.StrictNamedArgs{"id": job.id, "report": report,
			"done": job.done.Load(), "changed": job.changed.Load(), "refused": job.refused.Load()})
		if err == nil && tag.RowsAffected() == 0 {
			return goesOn(ctx, tx, job)
		}
		return err
	})
}

// changeStep changes the tickets, some hundred at a time.
func changeStep(ctx context.Context, tx pgx.Tx, job *bulkJob) error {
	ready, err := job.change.ready(ctx, tx, job.actor)
	if err != nil {
		return err
	}
	for part, from := 0, 0; from < len(job.ids); part, from = part+1, from+bulkChunk {
		if err := goesOn(ctx, tx, job); err != nil {
			return err
		}
		ids := job.ids[from:min(from+bulkChunk, len(job.ids))]
		out, err := changeTickets(ctx, tx, job.actor, ready, ids)
		if err != nil {
			return err
		}
		for range len(ids) - out.looked {
			out.refused = append(out.refused, refused{0, goneTicket})
		}
		if err := keepPart(ctx, tx, job.id, part, out.changed); err != nil {
			return err
		}
		job.count(len(ids), out)
	}
	if job.change.Macro != nil {
		return countUse(ctx, tx, *job.change.Macro)
	}
	return nil
}

// keepPart keeps what the changed tickets were, so that it can be put back.
func keepPart(ctx context.Context, tx pgx.Tx, id uuid.UUID, part int, tickets []changed) error {
	if len(tickets) == 0 {
		return nil
	}
	text, err := json.Marshal(tickets)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO bulk_change_parts (bulk_change_id, part, tickets) VALUES ($1, $2, $3)`, id, part, text)
	return err
}

func (job *bulkJob) count(looked int, out outcome) {
	for _, r := range out.refused {
		job.report.add(r.number, r.reason)
	}
	job.done.Add(int64(looked))
	job.changed.Add(int64(len(out.changed)))
	job.refused.Add(int64(len(out.refused)))
}

// goesOn says whether the job may go on: nobody cancelled it, no node took it for dead, and its actor still is who
// they were when they began.
func goesOn(ctx context.Context, tx pgx.Tx, job *bulkJob) error {
	var state BulkState
	var cancelled, may bool
	err := tx.QueryRow(ctx, `
		SELECT b.state, b.cancel_requested,
		       EXISTS (SELECT FROM users u WHERE u.id = b.actor_id AND u.active AND u.user_role = $2)
		FROM bulk_changes b WHERE b.id = $1`, job.id, job.actor.Role).Scan(&state, &cancelled, &may)
	switch {
	case err != nil:
		return err
	case cancelled:
		return errBulkCancelled
	case state != BulkRunning:
		return errBulkLost
	case !may:
		return errBulkRights
	}
	return nil
}

// tell writes how far the job is, a few times a second while that changes, and now and then that it lives.
func (r *bulkRunner) tell(job *bulkJob, hush <-chan struct{}) {
	tick := time.NewTicker(bulkTick)
	defer tick.Stop()
	last, at := int64(job.gone), time.Now()
	for {
		select {
		case <-tick.C:
		case <-hush:
			return
		}
		done := job.done.Load()
		if done == last && time.Since(at) < bulkBeat {
			continue
		}
		err := r.write(job, `
			UPDATE bulk_changes SET done = @done, changed = @changed, refused = @refused, beat_at = clock_timestamp()
			WHERE id = @id AND state = 'running'`, pgx.StrictNamedArgs{"id": job.id,
			"done": done, "changed": job.changed.Load(), "refused": job.refused.Load()})
		if err == nil {
			last, at = done, time.Now()
		}
	}
}

// giveUp says that nothing was changed, and why.
func (r *bulkRunner) giveUp(job *bulkJob, cause error) {
	state, words := BulkFailed, "Something went wrong on our side. Nothing was changed; try again."
	var wrong *Invalid
	switch {
	case errors.Is(cause, errBulkLost):
		return // whoever took it for dead has said so
	case errors.Is(cause, errBulkCancelled):
		state, words = BulkCancelled, "Cancelled. Nothing was changed."
	case r.ctx.Err() != nil:
		state, words = BulkCancelled, "The server was restarted. Nothing was changed; try again."
	case errors.Is(cause, errBulkRights):
		words = "Who began this may not change tickets any more. Nothing was changed."
	case errors.As(cause, &wrong):
		words = wrong.Error()
		for _, sentence := range wrong.Fields {
			words = sentence + " Nothing was changed."
		}
	default:
		slog.Error("a bulk change failed", "id", job.id, "error", cause)
	}
	report, err := json.Marshal(BulkReport{Words: words})
	if err == nil {
		err = r.write(job, `
			UPDATE bulk_changes SET state = @state, changed = 0, report = @report, ended_at = clock_timestamp()
			WHERE id = @id AND state = 'running'`, pgx.StrictNamedArgs{"id": job.id, "state": state, "report": report})
	}
	if err != nil { // then its beat ends, and it is said a minute later
		slog.Error("the end of a bulk change could not be written", "id", job.id, "error", err)
	}
}

// write writes to the job's row beside the job's own transaction, also while the node stops.
func (r *bulkRunner) write(job *bulkJob, sql string, args pgx.StrictNamedArgs) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), connectTime)
	defer cancel()
	return transact(ctx, r.pool, "authenticated", string(job.actor.Claims), pgx.ReadCommitted, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sql, args)
		return err
	})
}

// bulkRetention is for how long bulk changes are kept, and can be undone.
const bulkRetention = 30 * 24 * time.Hour

// bulkSilence is after how long without a beat a bulk change counts as dead.
const bulkSilence = 60 * time.Second

// FailBulk ends the bulk changes whose node has gone: their transactions have ended with it.
func (u *Upkeep) FailBulk(ctx context.Context) error {
	_, err := u.pool.Exec(ctx, `
		UPDATE bulk_changes SET state = 'failed', changed = 0, ended_at = clock_timestamp(),
			report = '{"words": "The server stopped while this was running. Nothing was changed; try again."}'
		WHERE state = 'running' AND beat_at < clock_timestamp() - $1::interval`, bulkSilence)
	return err
}
