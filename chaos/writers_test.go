package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// pen is one writer at work.
type pen struct {
	name string
	last atomic.Int64 // when the last write was begun that succeeded, in nanoseconds
	said atomic.Value // the answer to the last that did not
	stop context.CancelFunc
	gone chan struct{}
}

var attempts atomic.Int64

// words are like no others, so that what was written can be counted.
func words(kind string) string { return fmt.Sprintf("%s %d", kind, attempts.Add(1)) }

// write sets the writers to work, if they rest, and waits until each has succeeded.
func (r *rig) write(t *testing.T) {
	t.Helper()
	if len(r.pens) == 0 {
		for _, c := range r.customers {
			r.takePen(c.name, func(ctx context.Context) *write { return r.customerWrites(ctx, c) })
		}
		for i, a := range r.agents {
			r.takePen(a.name, func(ctx context.Context) *write { return r.agentWrites(ctx, a, int64(i)) })
		}
		r.takePen("psql", r.psqlWrites)
	}
	r.flows(t, "before the fault", time.Now(), patience)
}

// flows waits until every writer has succeeded with something begun after since.
func (r *rig) flows(t *testing.T, when string, since time.Time, within time.Duration) {
	t.Helper()
	for _, p := range r.pens {
		if !eventually(within, func() bool { return p.last.Load() > since.UnixNano() }) {
			said, _ := p.said.Load().(string)
			t.Fatalf("%s does not write within %s %s; last answered: %.300s", p.name, within, when, said)
		}
	}
}

// rest stops the writers. What is under way is waited for.
func (r *rig) rest() {
	for _, p := range r.pens {
		p.stop()
	}
	for _, p := range r.pens {
		<-p.gone
	}
	r.pens = nil
}

// takePen has a writer write again and again. f returns nil where there was nothing to write.
func (r *rig) takePen(name string, f func(ctx context.Context) *write) {
	ctx, stop := context.WithCancel(context.Background())
	p := &pen{name: name, stop: stop, gone: make(chan struct{})}
	r.pens = append(r.pens, p)
	pause := either(150*time.Millisecond, 60*time.Millisecond)
	go func() {
		defer close(p.gone)
		for ctx.Err() == nil {
			// Not ctx: who stops writing still hears what became of the last.
			patient, cancel := context.WithTimeout(context.Background(), 2*patience)
			w := f(patient)
			cancel()
			if w != nil {
				r.ledger.add(w)
				if w.outcome == done {
					p.last.Store(w.sent.UnixNano())
				} else {
					p.said.Store(w.answer)
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(pause/2 + rand.N(pause)):
			}
		}
	}()
}

// customerWrites submits a ticket, answers an own one, or sends what must be refused.
func (r *rig) customerWrites(ctx context.Context, c *person) *write {
	id := uuid.NewString()
	own := r.someTicket(ctx, `client_id = $1`, c.id)
	switch n := rand.IntN(10); {
	case own == 0 || n < 2:
		w := &write{kind: "ticket", words: words("ticket"), by: c, path: "/tickets"}
		w.form = url.Values{"id": {id}, "subject": {w.words}, "description": {"It does not work."}, "priority": {"medium"}}
		w.send(ctx)
		return w
	case n < 3:
		w := &write{kind: "ticket", words: words("refused ticket"), by: c, path: "/tickets"}
		w.form = url.Values{"id": {id}, "subject": {w.words}, "description": {"It does not work."}, "priority": {"none"}}
		w.send(ctx)
		return w
	}
	return r.says(ctx, c, own, "replies")
}

// agentWrites answers, adds a note, or moves a ticket. Each ticket is moved by one agent alone, so that what a
// move was answered can be held against what was recorded.
func (r *rig) agentWrites(ctx context.Context, a *person, share int64) *write {
	n := rand.IntN(10)
	if n < 5 {
		return r.says(ctx, a, r.someTicket(ctx, `true`), []string{"replies", "notes"}[n%2])
	}
	number := r.someTicket(ctx, `t.number % $1 = $2 AND status <> 'closed'`, len(r.agents), share)
	if number == 0 {
		return nil
	}
	var shown struct {
		Ticket listed `json:"ticket"`
	}
	if err := a.json(ctx, fmt.Sprintf("/tickets/%d", number), &shown); err != nil {
		return nil // nothing to choose from
	}
	w := &write{kind: "property", by: a}
	if n < 8 {
		next := "pending"
		if shown.Ticket.Status == next {
			next = "on_hold"
		}
		w.words = fmt.Sprintf("%d %s>%s", number, shown.Ticket.Status, next)
		w.path = fmt.Sprintf("/tickets/%d/status", number)
		w.form = url.Values{"seen": {shown.Ticket.Status}, "status": {next}}
	} else {
		ids := map[string]string{"": ""}
		for _, agent := range r.agents {
			ids[agent.name] = agent.id
		}
		seen, next := ids[shown.Ticket.Agent], r.agents[0].id
		if seen == next {
			next = r.agents[1].id
		}
		w.words = fmt.Sprintf("%d %s>%s", number, seen, next)
		w.path = fmt.Sprintf("/tickets/%d/assignment", number)
		w.form = url.Values{"seen": {seen}, "assignee": {next}}
	}
	w.send(ctx)
	return w
}

// says writes a message; where is replies or notes.
func (r *rig) says(ctx context.Context, p *person, number int64, where string) *write {
	if number == 0 {
		return nil
	}
	w := &write{kind: "message", words: words(where), by: p, path: fmt.Sprintf("/tickets/%d/%s", number, where)}
	w.form = url.Values{"id": {uuid.NewString()}, "content": {w.words}}
	w.send(ctx)
	return w
}

// psqlWrites is somebody with SQL: one row, several tickets at once, or a transaction that is given up.
func (r *rig) psqlWrites(ctx context.Context) *write {
	w := &write{kind: "message", words: words("psql"), sent: time.Now()}
	giveUp := rand.IntN(4) == 0
	err := pgx.BeginFunc(ctx, r.db.owner, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			WITH lot AS (SELECT id, client_id FROM tickets WHERE subject <> 'Quiet' ORDER BY random() LIMIT 1)
			INSERT INTO ticket_activities (ticket_id, user_id, activity_type, content)
			SELECT id, client_id, 'comment', $1 FROM lot`, w.words)
		if err == nil && tag.RowsAffected() == 0 {
			err = pgx.ErrNoRows // no ticket yet
		}
		if err != nil {
			return err
		}
		if rand.IntN(3) == 0 {
			_, err = tx.Exec(ctx, `
				UPDATE tickets SET priority = (ARRAY['low', 'medium', 'high', 'urgent'])[1 + floor(random() * 4)]
				WHERE id IN (SELECT id FROM tickets WHERE subject <> 'Quiet' ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 5)`)
		}
		if err == nil && giveUp {
			w.outcome = refused
			return tx.Rollback(ctx)
		}
		return err
	})
	w.took = time.Since(w.sent)
	if err == nil && w.outcome != refused {
		w.outcome = done
	} else if err != nil && w.outcome != refused {
		w.outcome, w.answer = unknown, err.Error()
	}
	return w
}

// someTicket picks one that writers may touch; 0 where there is none, or nobody to ask.
func (r *rig) someTicket(ctx context.Context, condition string, args ...any) (number int64) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = r.db.owner.QueryRow(ctx, `SELECT t.number FROM tickets t WHERE subject <> 'Quiet' AND `+condition+`
		ORDER BY t.number DESC OFFSET floor(random() * 8) LIMIT 1`, args...).Scan(&number)
	return number
}
