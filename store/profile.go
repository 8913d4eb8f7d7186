package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// Rename changes actor's own name.
func (s *Store) Rename(ctx context.Context, actor Actor, fullName string) (err error) {
	defer wrap(&err, "Rename")
	fullName, problem := checkName(fullName)
	if problem != "" {
		return invalid("full_name", "%s", problem)
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE users SET full_name = $2 WHERE id = $1 AND full_name <> $2`, actor.UserID, fullName)
		return err
	})
}

// ChangePassword changes actor's own password and ends its other sessions: whoever knew the old one is out.
// A wrong current password counts as a guess, or an unlocked screen would be a place to try them all.
func (s *Store) ChangePassword(ctx context.Context, actor Actor, address, current, next string) (err error) {
	defer wrap(&err, "ChangePassword")
	if problem := checkPassword(next); problem != "" {
		return invalid("new_password", "%s", problem)
	}
	attempt, err := s.reserveGuess(ctx, actor.Email, address)
	if err != nil {
		return err
	}
	id, old, err := s.verify(ctx, actor.Email, current)
	if errors.Is(err, ErrWrongPassword) || (err == nil && id != actor.UserID) {
		return invalid("current_password", "This is not your present password.")
	}
	if err != nil {
		return err
	}
	hash, err := hashPassword(ctx, next)
	if err != nil {
		return err
	}
	// As the role that signs people in: nobody else may write a password, an admin's own session included.
	return s.signingIn(ctx, func(tx pgx.Tx) error {
		// The old hash once more: of two who change it at once, the second has not given the present one.
		changed, err := tx.Exec(ctx, `UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2 AND active`,
			actor.UserID, old, hash)
		if err != nil {
			return err
		}
		if changed.RowsAffected() == 0 {
			return ErrConflict
		}
		_, err = tx.Exec(ctx, `
			UPDATE sessions SET revoked_at = clock_timestamp()
			WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL`, actor.UserID, actor.SessionID)
		if err != nil {
			return err
		}
		return attempt.forgive(ctx, tx)
	})
}
