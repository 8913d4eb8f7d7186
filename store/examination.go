package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Level is how bad a finding is.
type Level int

// The levels, the least bad first.
const (
	LevelOK Level = iota
	LevelWarning
	LevelError
)

var levelWords = []string{"ok", "warning", "error"}

func (l Level) String() string { return levelWords[l] }

// MarshalText makes the word of the level.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads it.
func (l *Level) UnmarshalText(text []byte) error {
	at := slices.Index(levelWords, string(text))
	if at < 0 {
		return fmt.Errorf("no level is called %q", text)
	}
	*l = Level(at)
	return nil
}

// Finding is one thing that a doctor found out. What is in order has a sentence alone.
type Finding struct {
	Subject  string `json:"subject"` // a portal's host, "database" or "files"
	Check    string `json:"check"`   // a word that stays the same, for programs
	Level    Level  `json:"level"`
	Sentence string `json:"sentence"`
	Cause    string `json:"cause,omitempty"`
	Cure     string `json:"cure,omitempty"`
}

// Examination is one that an admin asked for.
type Examination struct {
	By       string // "" where the person is gone
	EndedAt  *time.Time
	Findings []Finding // as the doctor ordered them; none while it is at work, and where nothing came of it
}

// examinationLife is after how long one counts as broken off: longer than the slowest doctor takes.
const examinationLife = 2 * time.Minute

// keptExaminations is how many are kept.
const keptExaminations = 10

// Examinations are what the health page shows of them.
type Examinations struct {
	UnderWay *Examination
	Last     *Examination // that came to an end with findings
	Version  int64        // of the topic "health"
}

// Examinations gives the one under way, and the last one before it.
func (s *Store) Examinations(ctx context.Context, actor Actor) (e Examinations, err error) {
	defer wrap(&err, "Examinations")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if e.Version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		const sql = `
			SELECT coalesce(u.full_name, '') AS by, e.ended_at, e.findings
			FROM examinations e LEFT JOIN users u ON u.id = e.started_by
			WHERE `
		e.UnderWay, err = maybe[Examination](tx.Query(ctx, sql+`e.ended_at IS NULL AND e.started_at > now() - $1::interval`, examinationLife))
		if err != nil {
			return err
		}
		e.Last, err = maybe[Examination](tx.Query(ctx, sql+`e.findings IS NOT NULL ORDER BY e.started_at DESC LIMIT 1`))
		return err
	})
	return e, err
}

// maybe is one for what may not be there: nil.
func maybe[T any](rows pgx.Rows, err error) (*T, error) {
	found, err := one[T](rows, err)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return &found, err
}

// BeginExamination notes that actor, an admin, has the deployment examined. While another examination is under
// way, on whichever node, it is a *Conflict.
func (l *HealthLog) BeginExamination(ctx context.Context, actor Actor) (id uuid.UUID, err error) {
	defer wrap(&err, "BeginExamination")
	err = pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error {
		// Its node has died.
		if _, err := tx.Exec(ctx, `
			UPDATE examinations SET ended_at = clock_timestamp()
			WHERE ended_at IS NULL AND started_at < now() - $1::interval`, examinationLife); err != nil {
			return err
		}
		// As the worker no policy asks who it is.
		return tx.QueryRow(ctx, `
			INSERT INTO examinations (started_by)
			SELECT id FROM users WHERE id = $1 AND user_role = 'admin' AND active RETURNING id`, actor.UserID).Scan(&id)
	})
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		err = fmt.Errorf("%w: not an admin", ErrForbidden)
	case errors.As(err, &pg) && pg.ConstraintName == "examinations_under_way_key":
		err = &Conflict{"An examination is under way already. What it finds appears here when it ends."}
	}
	return id, err
}

// EndExamination keeps what was found; nil: nothing came of it.
func (l *HealthLog) EndExamination(ctx context.Context, id uuid.UUID, findings []Finding) (err error) {
	defer wrap(&err, "EndExamination")
	var kept any // a nil slice would be the JSON null, which is a finding too
	if findings != nil {
		kept = findings
	}
	_, err = l.pool.Exec(ctx, `UPDATE examinations SET ended_at = clock_timestamp(), findings = $2 WHERE id = $1 AND ended_at IS NULL`, id, kept)
	return err
}
