package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"gocloud.dev/blob"
)

// DemoPassword is what every demo person signs in with.
const DemoPassword = "autocrm-demo"

// ErrNotEmpty is what Demo answers on a database that holds anything but the demo.
var ErrNotEmpty = errors.New("the database holds other data already; the demo wants an empty one")

// Demo fills an empty database with a small help desk's last five weeks: see demoPeople and demoTickets. On a
// database that holds the demo already it does nothing. url needs the right to be autocrm_worker.
func Demo(ctx context.Context, url string, files *blob.Bucket) (err error) {
	defer wrap(&err, "Demo")
	pool, err := connect(ctx, url, "autocrm_worker")
	if err != nil {
		return err
	}
	defer pool.Close()
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		// Two copies that start at once on one database: the second waits, and finds the demo there.
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('autocrm.demo'))`); err != nil {
			return err
		}
		var people, demo int
		err := tx.QueryRow(ctx, `
			SELECT count(*), count(*) FILTER (WHERE email IN ('client@example.com', 'agent@example.com', 'admin@example.com'))
			FROM users`).Scan(&people, &demo)
		if err != nil || demo == 3 {
			return err
		}
		if people > 0 {
			return ErrNotEmpty
		}
		return tellDemo(ctx, tx, &Store{files: files})
	})
}

// demoStep is one thing that happens in the story.
type demoStep struct {
	at time.Time
	do func() error
}

func tellDemo(ctx context.Context, tx pgx.Tx, s *Store) error {
	hash, err := hashPassword(ctx, DemoPassword)
	if err != nil {
		return err
	}
	now := time.Now()
	ids := map[string]uuid.UUID{"": {}}
	for _, p := range demoPeople {
		ids[p.key] = uuid.New()
		if _, err := tx.Exec(ctx, `
			INSERT INTO users (id, email, full_name, user_role, password_hash, created_at, last_seen_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			ids[p.key], p.email, p.name, p.role, hash, now.Add(-40*24*time.Hour), now.Add(-p.seen)); err != nil {
			return err
		}
	}
	for _, tag := range demoTags {
		if _, err := tx.Exec(ctx, `INSERT INTO tags (name, hue, created_by) VALUES ($1, $2, $3)`, tag.name, tag.hue, ids["ada"]); err != nil {
			return err
		}
	}
	// What happened on all tickets, told in the order it happened: timelines are numbered as they are written.
	var steps []demoStep
	var last []func() error
	for _, ticket := range demoTickets {
		told, settle := ticket.steps(ctx, tx, s, ids, now)
		steps, last = append(steps, told...), append(last, settle)
	}
	slices.SortStableFunc(steps, func(a, b demoStep) int { return a.at.Compare(b.at) })
	for _, step := range steps {
		if err := step.do(); err != nil {
			return err
		}
	}
	for _, settle := range last {
		if err := settle(); err != nil {
			return err
		}
	}
	return furnishDemo(ctx, tx, ids)
}

// steps tells a ticket's story; settle, at the end, sets the times that telling it today has moved.
func (d demoTicket) steps(ctx context.Context, tx pgx.Tx, s *Store, ids map[string]uuid.UUID, now time.Time) (steps []demoStep, settle func() error) {
	id := uuid.New()
	at := now.Add(-d.age)
	do := func(sql string, args ...any) func() error {
		return func() error { _, err := tx.Exec(ctx, sql, args...); return err }
	}
	agent := nullable(ids[d.agent])
	steps = append(steps, demoStep{at, do(`
		INSERT INTO tickets (id, client_id, agent_id, subject, description, status, priority, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, ids[d.client], agent, d.subject, d.description, d.status, d.priority, at)})
	for _, tag := range demoTags {
		if tag.fits(d.subject) {
			steps = append(steps, demoStep{at, do(`INSERT INTO ticket_tags (ticket_id, tag_id) SELECT $1, id FROM tags WHERE name = $2`, id, tag.name)})
		}
	}
	for _, f := range d.files {
		steps = append(steps, demoStep{at, func() error { return demoFile(ctx, tx, s, id, ids[d.client], f, at) }})
	}
	change := func(who, kind string, from, to any) {
		at = at.Add(3 * time.Second)
		steps = append(steps, demoStep{at, do(`
			INSERT INTO ticket_activities (ticket_id, user_id, activity_type, metadata, created_at)
			VALUES ($1, $2, $3, jsonb_build_object('from', $4::text, 'to', $5::text), $6)`,
			id, ids[who], kind, from, to, at)})
	}
	status, public := StatusNew, at
	if d.agent != "" {
		at = at.Add(d.age / 40)
		change(d.agent, "status_change", StatusNew, StatusOpen)
		change(d.agent, "assignment", nil, ids[d.agent].String())
		status, public = StatusOpen, at
	}
	for _, m := range d.thread {
		at = at.Add(m.after)
		kind := "comment"
		if m.internal {
			kind = "internal_note"
		} else {
			public = at
		}
		steps = append(steps, demoStep{at, do(`
			INSERT INTO ticket_activities (ticket_id, user_id, activity_type, content, is_internal, created_at)
			VALUES ($1, $2, $3, $4, $5, $6)`,
			id, ids[m.who], kind, m.text, m.internal, at)})
		if m.then != "" && m.then != status {
			change(m.who, "status_change", status, m.then)
			status, public = m.then, at
		}
	}
	if status != d.status {
		at = at.Add(d.age / 20)
		who := d.agent
		if d.status == StatusCancelled || who == "" {
			who = d.client
		}
		change(who, "status_change", status, d.status)
		public = at
	}
	end := at
	return steps, func() error {
		_, err := tx.Exec(ctx, `
			UPDATE tickets SET updated_at = $2, client_updated_at = $3,
				resolved_at = CASE WHEN status IN ('resolved', 'closed') THEN $3::timestamptz END,
				closed_at = CASE WHEN status IN ('closed', 'cancelled') THEN $3::timestamptz END
			WHERE id = $1`, id, end, public)
		return err
	}
}

func demoFile(ctx context.Context, tx pgx.Tx, s *Store, ticket, who uuid.UUID, f demoAttachment, at time.Time) error {
	content, err := f.content()
	if err != nil {
		return err
	}
	up, err := s.Upload(ctx, f.name, bytes.NewReader(content))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO attachments (ticket_id, uploader_id, file_name, content_type, size, sha256, storage_key, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		ticket, who, up.FileName, up.ContentType, up.Size, up.SHA256, up.StorageKey, at)
	return err
}

func nullable(id uuid.UUID) *uuid.UUID {
	if id == noID {
		return nil
	}
	return &id
}

// PrintDemo tells who may sign in where, for the screen of somebody who tries AutoCRM.
func PrintDemo(w io.Writer) {
	for _, role := range Roles {
		fmt.Fprintf(w, "  %-8s %s@example.com  %s\n", role, role, DemoPassword)
	}
}
