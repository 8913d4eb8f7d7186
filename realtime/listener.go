package realtime

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"autocrm/store"

	"github.com/jackc/pgx/v5"
)

// channel is what the log's trigger rings; the payload is empty.
const channel = "autocrm_events"

// Run reads the log and feeds the streams until ctx ends. It copes with a database that is away, also at the
// start, and returns nil.
func (h *Hub) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	beside.Go(func() { h.listen(ctx) })
	beside.Go(func() { h.watch(ctx) })
	h.follow(ctx)
	beside.Wait()
	h.Shutdown()
	return nil
}

// follow reads the log on the bell and, regardless, every pace.poll: a lost bell costs time, never an event.
func (h *Hub) follow(ctx context.Context) {
	tick := time.NewTicker(h.pace.poll)
	defer tick.Stop()
	check := true // compare the ends of the log with ours, at the start and on every tick
	for {
		err := h.readLog(ctx, check)
		if ctx.Err() != nil {
			return
		}
		h.noteRead(err)
		select {
		case <-ctx.Done():
			return
		case <-h.bell:
			check = false
		case <-tick.C:
			check = true
		}
	}
}

// readLog hands out everything there is above the head.
func (h *Hub) readLog(ctx context.Context, check bool) error {
	if check || !h.ready() {
		if err := h.checkExtent(ctx); err != nil {
			return err
		}
	}
	for {
		events, held, err := h.after(ctx, h.head())
		if err != nil {
			return err
		}
		if !held {
			if err := h.startAnew(ctx); err != nil {
				return err
			}
			continue
		}
		h.publish(events)
		if len(events) < readCommits { // fewer events than commits asked for: there are no more
			return nil
		}
	}
}

func (h *Hub) after(ctx context.Context, place int64) (events []store.Event, held bool, err error) {
	// A black-holed connection must not silence the hub for long; a bulk change must still get through.
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return h.log.After(ctx, place, readCommits)
}

// checkExtent keeps the floor, and notices another database.
func (h *Hub) checkExtent(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	now, err := h.log.Extent(ctx)
	if err != nil {
		return err
	}
	h.mu.Lock()
	same := h.extent.Epoch == now.Epoch
	if same {
		h.extent.Oldest = now.Oldest
	}
	h.mu.Unlock()
	if same {
		return nil
	}
	return h.startAnew(ctx)
}

// startAnew is for a log that is not the one this hub was reading: none yet, another database, a restored backup,
// a failover that lost commits, a part forgotten while the database was away. The hub goes on near the end, so that
// memory reaches back a while, and every stream comes again: one whose cursor is not in this log is told `resync`.
func (h *Hub) startAnew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	now, err := h.log.Extent(ctx)
	if err != nil {
		return err
	}
	start, err := h.log.TailStart(ctx, ringCommits)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.status.ready {
		h.logger.Warn("the event log is another one: every stream starts anew",
			"epoch", now.Epoch, "head", now.Head, "had_epoch", h.extent.Epoch, "had_head", h.extent.Head)
	}
	h.endAll(byeAge)
	h.ring.reset(start)
	h.extent = store.LogExtent{Epoch: now.Epoch, Oldest: now.Oldest, Head: start}
	h.status.ready = false // until the read that follows has come to the end
	return nil
}

// listen keeps one connection that LISTENs, and rings the bell.
func (h *Hub) listen(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; failures++ {
		heard, err := h.listenOnce(ctx)
		if ctx.Err() != nil {
			break
		}
		if heard {
			failures = 0
		}
		h.noteListener(PollingOnly, err)
		select {
		case <-ctx.Done():
		case <-time.After(fullJitter(h.pace.minRetry, h.pace.maxRetry, failures)):
		}
	}
	h.noteListener(PollingOnly, nil)
}

// listenOnce returns when the connection is lost; listening says whether it had come to stand.
func (h *Hub) listenOnce(ctx context.Context) (listening bool, err error) {
	config, err := pgx.ParseConfig(h.listenURL)
	if err != nil {
		return false, fmt.Errorf("listen address: %w", err)
	}
	config.RuntimeParams["application_name"] = "autocrm_listener"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "60000"
	config.ConnectTimeout = 10 * time.Second
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return false, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		conn.Close(ctx)
	}()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return false, err
	}
	h.noteListener(Connected, nil)
	h.look() // what came before LISTEN took hold rings no bell
	for {
		wait, cancel := context.WithTimeout(ctx, h.pace.idle)
		_, err := conn.WaitForNotification(wait)
		cancel()
		switch {
		case err == nil:
			h.look()
		case ctx.Err() != nil:
			return true, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded) && !conn.IsClosed():
			// Silence is not health: a half-open connection is silent too.
			ping, cancel := context.WithTimeout(ctx, 10*time.Second)
			err := conn.Ping(ping)
			cancel()
			if err != nil {
				return true, err
			}
			h.look()
		default:
			return true, err
		}
	}
}

// fullJitter spreads retries over the whole of a doubling span, so that many never come back together.
func fullJitter(least, most time.Duration, failures int) time.Duration {
	span := min(most, least<<min(failures, 16))
	return least/2 + rand.N(span)
}
