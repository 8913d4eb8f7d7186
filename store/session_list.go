package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// SignedIn is one place where a person is signed in.
type SignedIn struct {
	ID         uuid.UUID
	Portal     Role
	UserAgent  string
	Address    string
	CreatedAt  time.Time
	LastUsedAt time.Time
}

// SignedIns lists where actor is signed in, the last used first.
func (s *Store) SignedIns(ctx context.Context, actor Actor) (list []SignedIn, err error) {
	defer wrap(&err, "SignedIns")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		// user_id is asked for beside the policy: an admin may see everybody's.
		list, err = all[SignedIn](tx.Query(ctx, `
			SELECT
				id,
				portal,
				user_agent,
				address,
				created_at,
				last_used_at
			FROM sessions
			WHERE user_id = $1
				AND revoked_at IS NULL
				AND least(expires_at, idle_expires_at) > clock_timestamp()
			ORDER BY last_used_at DESC, id
			LIMIT 100`, actor.UserID))
		return err
	})
	return list, err
}

// SignOut ends the session that actor came with. Its event cuts the session's streams on every node.
func (s *Store) SignOut(ctx context.Context, actor Actor) error {
	return s.endSessions(ctx, actor, `id = $2`, actor.SessionID)
}

// SignOutOf ends one of actor's other sessions. One that is not theirs, or over, changes nothing.
func (s *Store) SignOutOf(ctx context.Context, actor Actor, session uuid.UUID) error {
	return s.endSessions(ctx, actor, `id = $2`, session)
}

// SignOutElsewhere ends every session of actor but the one it came with.
func (s *Store) SignOutElsewhere(ctx context.Context, actor Actor) error {
	return s.endSessions(ctx, actor, `id <> $2`, actor.SessionID)
}

func (s *Store) endSessions(ctx context.Context, actor Actor, which string, session uuid.UUID) (err error) {
	defer wrap(&err, "endSessions(%s)", session)
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE sessions SET revoked_at = clock_timestamp()
			WHERE user_id = $1 AND revoked_at IS NULL AND `+which, actor.UserID, session)
		return err
	})
}
