package store

import (
	"context"
	"crypto/rand"
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

// ChangePassword changes actor's own password and ends its other sessions: whoever knew the old one is out. Its
// own session goes on under a new token, which it returns: whoever copied the old cookie is out too.
// A wrong current password counts as a guess, or an unlocked screen would be a place to try them all.
func (s *Store) ChangePassword(ctx context.Context, actor Actor, address, current, next string) (_ Session, err error) {
	defer wrap(&err, "ChangePassword")
	if problem := checkPassword(next); problem != "" {
		return Session{}, invalid("new_password", "%s", problem)
	}
	attempt, err := s.reserveGuess(ctx, actor.Email, address)
	if err != nil {
		return Session{}, err
	}
	id, old, err := s.verify(ctx, actor.Email, current)
	if errors.Is(err, ErrWrongPassword) || (err == nil && id != actor.UserID) {
		return Session{}, invalid("current_password", "This is not your present password.")
	}
	if err != nil {
		return Session{}, err
	}
	hash, err := hashPassword(ctx, next)
	if err != nil {
		return Session{}, err
	}
	token := make([]byte, 32)
	rand.Read(token)
	// As the role that signs people in: nobody else may write a password, an admin's own session included.
	err = s.signingIn(ctx, func(tx pgx.Tx) error {
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
		_, err = tx.Exec(ctx, `UPDATE sessions SET token_hash = $2 WHERE id = $1`, actor.SessionID, secretHash(token))
		if err != nil {
			return err
		}
		return attempt.forgive(ctx, tx)
	})
	return Session{Token: token, Actor: actor}, err
}
