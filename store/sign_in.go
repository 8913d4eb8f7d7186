package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ErrWrongPassword is every reason why an address and a password do not open a door: no such account, another
// password, an inactive account. Who guesses learns nothing from which it was.
var ErrWrongPassword = errors.New("the email or the password is wrong")

// SignIn proves by email and password who somebody is and starts a session. It returns ErrWrongPassword, or
// *SlowDown where too many guesses went before.
func (s *Store) SignIn(ctx context.Context, visit Visit, email, password string) (session Session, err error) {
	defer wrap(&err, "SignIn")
	return s.signIn(ctx, visit, email, password, s.Limits.SessionIdle, s.Limits.SessionLife)
}

// SignInForToken is SignIn for an API client: the session lives as long as the token that is made of it.
func (s *Store) SignInForToken(ctx context.Context, visit Visit, email, password string) (session Session, err error) {
	defer wrap(&err, "SignInForToken")
	// The list of where one is signed in shows it for what it is.
	visit.UserAgent = "API token, " + visit.UserAgent
	return s.signIn(ctx, visit, email, password, s.Limits.TokenLife, s.Limits.TokenLife)
}

func (s *Store) signIn(ctx context.Context, visit Visit, email, password string, idle, life time.Duration) (Session, error) {
	attempt, err := s.reserveGuess(ctx, email, visit.Address)
	if err != nil {
		return Session{}, err
	}
	userID, hash, err := s.verify(ctx, email, password)
	if err != nil {
		return Session{}, err
	}
	var session Session
	err = s.signingIn(ctx, func(tx pgx.Tx) error {
		// Locked, and the hash once more: a password changed or an account closed while the old one was being
		// verified must not leave a session behind. Not FOR SHARE: newSession writes the row, and two who had
		// locked it in common would wait for each other.
		var same bool
		err := tx.QueryRow(ctx, `SELECT true FROM users WHERE id = $1 AND password_hash = $2 AND active FOR NO KEY UPDATE`,
			userID, hash).Scan(&same)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrWrongPassword
		}
		if err != nil {
			return err
		}
		if session, err = s.newSession(ctx, tx, visit, userID, idle, life); err != nil {
			return err
		}
		return attempt.forgive(ctx, tx)
	})
	return session, err
}

// verify takes the time of one hash whether the account exists, is active, or is not there at all.
func (s *Store) verify(ctx context.Context, email, password string) (id uuid.UUID, hash string, err error) {
	var found struct {
		ID           uuid.UUID
		PasswordHash *string
		Active       bool
	}
	err = s.signingIn(ctx, func(tx pgx.Tx) error {
		// An address that no account can have goes the same way, spelled so that the database takes it.
		err := tx.QueryRow(ctx, `SELECT id, password_hash, active FROM users WHERE lower(email) = lower($1)`, emailKey(email)).
			Scan(&found.ID, &found.PasswordHash, &found.Active)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return noID, "", err
	}
	hash = s.dummy
	if found.PasswordHash != nil {
		hash = *found.PasswordHash
	}
	matches, err := passwordMatches(ctx, hash, password)
	if err != nil {
		return noID, "", err
	}
	// The dummy never opens anything, also not to somebody who guesses what it was made of.
	if !matches || !found.Active || found.PasswordHash == nil {
		return noID, "", ErrWrongPassword
	}
	return found.ID, hash, nil
}

// emailKey is an address as it is looked up and counted.
func emailKey(email string) string { return strings.ToLower(excerpt(email, MaxEmail+1)) }
