package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"gocloud.dev/blob"
)

// How long the event log may be kept, in partitions of a day, of which there are six. A page that was away for longer is
// told to fetch all anew.
const (
	EventRetention    = 48 * time.Hour // where nothing else is asked for
	MinEventRetention = 24 * time.Hour
	MaxEventRetention = 96 * time.Hour
)

// Upkeep is what must be tidied now and then: events, sessions, failures, samples and examinations of long ago, files
// that no ticket took. It works on a small pool of its own as autocrm_worker; no HTTP handler holds it.
type Upkeep struct {
	pool      *pgxpool.Pool
	files     *blob.Bucket
	retention time.Duration
}

// OpenUpkeep connects as the role autocrm_worker. retention is how long events are kept.
func OpenUpkeep(ctx context.Context, url string, files *blob.Bucket, retention time.Duration) (*Upkeep, error) {
	pool, err := connect(ctx, url, "autocrm_worker")
	if err != nil {
		return nil, err
	}
	return &Upkeep{pool: pool, files: files, retention: retention}, nil
}

// Close ends the connections, waiting for those in use.
func (u *Upkeep) Close() { u.pool.Close() }

// Run tidies at once and then every hour, until ctx is done. What fails is logged and tried again.
func (u *Upkeep) Run(ctx context.Context, log *slog.Logger) {
	for tick := time.NewTicker(time.Hour); ; {
		if err := u.Tidy(ctx, time.Now()); err != nil && ctx.Err() == nil {
			log.Error("tidying failed", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return
		}
	}
}

// strayAge is how old a file must be to count as left behind: its upload cannot be under way any more.
const strayAge = time.Hour

// Tidy does all of it once. Several nodes may do it at the same time.
func (u *Upkeep) Tidy(ctx context.Context, now time.Time) error {
	_, err := u.pool.Exec(ctx, `DELETE FROM sessions WHERE least(expires_at, idle_expires_at, revoked_at) < now() - interval '30 days'`)
	_, err2 := u.pool.Exec(ctx, `DELETE FROM sign_in_failures WHERE last_at < now() - interval '1 day'`)
	_, err3 := u.pool.Exec(ctx, `DELETE FROM live_samples WHERE minute < $1`, now.Add(-sampleRetention))
	_, err4 := u.pool.Exec(ctx, `
		DELETE FROM examinations WHERE ended_at IS NOT NULL
		  AND id NOT IN (SELECT id FROM examinations ORDER BY started_at DESC LIMIT $1)`, keptExaminations)
	_, err6 := u.pool.Exec(ctx, `DELETE FROM bulk_changes WHERE ended_at < $1`, now.Add(-bulkRetention))
	log := EventLog{pool: u.pool}
	_, err5 := log.Forget(ctx, now.Add(-u.retention))
	return errors.Join(err, err2, err3, err4, err5, err6, u.forgetNotifications(ctx, now), forgetProbes(ctx, u.pool), u.sweep(ctx, now))
}

// sweep removes the files that no attachment and no draft names: their upload broke off as the process died. Uploads are
// kept by day, so it looks at the last days alone, however many files there are.
func (u *Upkeep) sweep(ctx context.Context, now time.Time) error {
	for ago := range 3 {
		prefix := now.UTC().AddDate(0, 0, -ago).Format("2006/01/02/")
		for list := u.files.List(&blob.ListOptions{Prefix: prefix}); ; {
			file, err := list.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("list files: %w", err)
			}
			if now.Sub(file.ModTime) < strayAge {
				continue
			}
			var known bool
			if err := u.pool.QueryRow(ctx, `
				SELECT EXISTS (SELECT FROM attachments WHERE storage_key = $1) OR EXISTS (SELECT FROM draft_files WHERE storage_key = $1)`, file.Key).Scan(&known); err != nil {
				return err
			}
			if !known {
				if err := u.files.Delete(ctx, file.Key); err != nil {
					return fmt.Errorf("delete stray file: %w", err)
				}
			}
		}
	}
	return nil
}
