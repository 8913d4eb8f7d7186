package store

import (
	"context"
	"errors"
	"sync"
	"time"
)

// sessionCrowd reads the sessions of many callers in one query. When a ticket changes, everybody who has it on a
// list asks for the list; when a node is restarted, all its streams come to another: each shows a cookie. Who comes
// alone is read at once, however often they come. The more are being asked for, or just were in one query, the
// longer the next waits for others, so that of a thousand in a fifth of a second a handful of queries is left. Nobody
// is given an answer older than their question: a query takes along those who came before it began. Its zero value is
// ready.
type sessionCrowd struct {
	mu   sync.Mutex
	next *sessionBatch // not asked for yet: whoever comes may join
	busy int           // asked for, and not answered yet
	last int           // asked for in the newest query
	at   time.Time     // when that was
}

// sessionBatch is one query: its keys until it begins, and then its answer.
type sessionBatch struct {
	keys []sessionKey
	done chan struct{}
	rows sessionRows
	err  error
}

const (
	crowdSpan  = 200 * time.Millisecond // what counts as just now, and the longest wait: pages spread their asking so
	crowdPause = 2 * time.Millisecond   // for each other one
	crowdBatch = 1000                   // keys a query
)

// read is for one key what f is for many.
func (c *sessionCrowd) read(ctx context.Context, key sessionKey, f func(context.Context, []sessionKey) (sessionRows, error)) (Actor, bool, error) {
	batch, n, pause := c.join(key)
	if n == 0 {
		c.ask(ctx, batch, pause, f)
	}
	select {
	case <-batch.done:
	case <-ctx.Done():
		return Actor{}, false, ctx.Err()
	}
	if batch.err != nil && len(batch.keys) > 1 && !errors.Is(batch.err, ErrUnavailable) {
		// What is wrong with one session, say an operator's hook that stumbles over it, must not be the others' loss.
		rows, err := f(ctx, []sessionKey{key})
		if err != nil {
			return Actor{}, false, err
		}
		return rows.actor(0)
	}
	if batch.err != nil {
		return Actor{}, false, batch.err
	}
	return batch.rows.actor(n)
}

// join puts key into the batch that is to be asked for next, as number n of it. Number 0 asks for all, after a pause.
func (c *sessionCrowd) join(key sessionKey) (batch *sessionBatch, n int, pause time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	others := c.busy
	if time.Since(c.at) < crowdSpan {
		others = max(others, c.last-1)
	}
	pause = min(crowdSpan, time.Duration(others)*crowdPause)
	if c.next == nil {
		c.next = &sessionBatch{done: make(chan struct{}), err: errors.New("whoever asked for all failed")}
	}
	batch, n = c.next, len(c.next.keys)
	batch.keys = append(batch.keys, key)
	if len(batch.keys) == crowdBatch {
		c.next = nil
	}
	return batch, n, pause
}

func (c *sessionCrowd) ask(ctx context.Context, batch *sessionBatch, pause time.Duration, f func(context.Context, []sessionKey) (sessionRows, error)) {
	defer close(batch.done)
	time.Sleep(pause)
	c.mu.Lock()
	if c.next == batch {
		c.next = nil // from here on nobody joins: the question is about to be put
	}
	c.busy, c.last, c.at = c.busy+len(batch.keys), len(batch.keys), time.Now()
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.busy -= len(batch.keys)
	}()
	// For all of them: it does not end with the one who happens to put it.
	batch.rows, batch.err = f(context.WithoutCancel(ctx), batch.keys)
}
