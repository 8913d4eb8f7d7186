package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Probes are people who are there for less than a minute, so that a doctor can look at each portal as one who
// is signed in sees it. They have no password, stand in no list of people, and leave nothing behind.
type Probes struct {
	pool   *pgxpool.Pool
	client uuid.UUID
	made   []uuid.UUID
}

// probeLife is how long a probe's session works if nobody ends it: longer than the slowest doctor takes.
const probeLife = 90 * time.Second

// ErrNoAdmin is why there is no probe of the admin portal: it would be the only admin, and the last one stays.
var ErrNoAdmin = errors.New("there is no admin yet")

// The ids of probes are of a kind that no other row can have: an address could be taken by somebody who then
// would be in no list. Both ends belong to it.
const (
	isProbe = `BETWEEN '00000000-0000-8000-8000-000000000000' AND '00000000-0000-8fff-bfff-ffffffffffff'`
	noProbe = `NOT ` + isProbe
)

func newProbeID() (id uuid.UUID) {
	rand.Read(id[6:])
	id[6] = 0x80 | id[6]&0x0f // version 8: what its bits mean is ours to say
	id[8] = 0x80 | id[8]&0x3f
	return id
}

// OpenProbes connects as the role autocrm_worker, and takes away what a doctor left behind that was killed.
func OpenProbes(ctx context.Context, url string) (*Probes, error) {
	pool, err := connect(ctx, url, "autocrm_worker")
	if err != nil {
		return nil, err
	}
	if err := forgetProbes(ctx, pool); err != nil {
		pool.Close()
		return nil, fmt.Errorf("OpenProbes: %w", err)
	}
	return &Probes{pool: pool}, nil
}

// Start makes somebody of portal's role with a session there, and returns the secret of its cookie. It is not
// safe for concurrent use.
func (p *Probes) Start(ctx context.Context, portal Role) (token []byte, err error) {
	defer wrap(&err, "probe of the %s portal", portal)
	id := newProbeID()
	token, hash := newToken32()
	p.made = append(p.made, id) // already: where a commit's answer is lost, the row may be there
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		if portal == Admin {
			var there bool
			err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM users WHERE user_role = 'admin' AND active AND id `+noProbe+`)`).Scan(&there)
			if err == nil && !there {
				err = ErrNoAdmin
			}
			if err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `INSERT INTO users (id, email, full_name, user_role) VALUES ($1, $2, 'Doctor''s probe', $3)`,
			id, "probe-"+id.String()+"@autocrm.invalid", portal); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO sessions (token_hash, user_id, portal, user_agent, idle_expires_at, expires_at)
			VALUES ($1, $2, $3, 'autocrm doctor', clock_timestamp() + $4, clock_timestamp() + $4)`, hash, id, portal, probeLife)
		return err
	})
	if err != nil {
		return nil, err
	}
	if portal == Client {
		p.client = id
	}
	return token, nil
}

func newToken32() (token, hash []byte) {
	token = make([]byte, 32)
	rand.Read(token)
	return token, secretHash(token)
}

// Canary makes an event that every probe is told of, and returns its topic. It is a ticket of the client's
// probe, which must be there, submitted and deleted in one transaction: nobody ever sees it, and it takes none
// of the numbers. Safe for concurrent use.
func (p *Probes) Canary(ctx context.Context) (topic string, err error) {
	defer wrap(&err, "canary")
	var number int64
	err = pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
		var id uuid.UUID
		err := tx.QueryRow(ctx, `
			INSERT INTO tickets (number, client_id, subject, description)
			VALUES (-(1 + floor(random() * 1e15))::bigint, $1, 'canary', 'canary') RETURNING id, number`, p.client).Scan(&id, &number)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM tickets WHERE id = $1`, id)
		return err
	})
	return TicketTopic(number), err
}

// Remove takes the probes away with their sessions. It may be called again.
func (p *Probes) Remove(ctx context.Context) error {
	var errs []error
	for _, id := range p.made {
		// One by one: that one stays must not keep the others.
		errs = append(errs, removeProbe(ctx, p.pool, id))
	}
	return errors.Join(errs...)
}

// Close ends the connections.
func (p *Probes) Close() { p.pool.Close() }

// forgetProbes removes those whose doctor cannot be at work any more.
func forgetProbes(ctx context.Context, pool *pgxpool.Pool) error {
	rows, err := pool.Query(ctx, `SELECT id FROM users WHERE id `+isProbe+` AND created_at < clock_timestamp() - $1::interval`, 2*probeLife)
	if err != nil {
		return err
	}
	left, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	for _, id := range left {
		err = errors.Join(err, removeProbe(ctx, pool, id))
	}
	return err
}

func removeProbe(ctx context.Context, pool *pgxpool.Pool, id uuid.UUID) error {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		// No list offers a probe, but an agent's script may have given it a ticket all the same.
		if _, err := tx.Exec(ctx, `UPDATE tickets SET agent_id = NULL WHERE agent_id = $1`, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM users WHERE id = $1`, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("remove probe %s: %w", id, err)
	}
	return nil
}
