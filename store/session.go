package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Visit is from where somebody comes: the portal they knock at and what is known of their browser.
type Visit struct {
	Portal    Role
	Issuer    string // the portal's public address, which the claims name as their issuer
	UserAgent string
	Address   string
}

// Session is a session just made. Token is the secret that the browser's cookie carries; only its hash is kept.
type Session struct {
	Token []byte
	Actor Actor
}

// StartSession signs userID in without asking for a password: the caller has just proved who it is, by making
// the account. An inactive person is ErrNotFound.
func (s *Store) StartSession(ctx context.Context, visit Visit, userID uuid.UUID) (session Session, err error) {
	defer wrap(&err, "StartSession(%s)", userID)
	err = s.signingIn(ctx, func(tx pgx.Tx) error {
		session, err = s.newSession(ctx, tx, visit, userID, s.Limits.SessionIdle, s.Limits.SessionLife)
		return err
	})
	return session, err
}

// newSession adds the row and reads the actor back through it: there is one way to become an actor. Who signs in
// has been seen.
func (s *Store) newSession(ctx context.Context, tx pgx.Tx, visit Visit, userID uuid.UUID, idle, life time.Duration) (Session, error) {
	token := make([]byte, 32)
	rand.Read(token) // never fails: the program ends where the system has no randomness
	_, err := tx.Exec(ctx, `
		WITH seen AS (
			UPDATE users SET last_seen_at = clock_timestamp() WHERE id = @user)
		INSERT INTO sessions (token_hash, user_id, portal, user_agent, address, idle_expires_at, expires_at)
		VALUES (@hash, @user, @portal, @agent, @address, clock_timestamp() + @idle, clock_timestamp() + @life)`,
		pgx.StrictNamedArgs{
			"hash": secretHash(token), "user": userID, "portal": visit.Portal,
			"agent": excerpt(visit.UserAgent, 300), "address": excerpt(visit.Address, 60), "idle": idle, "life": life,
		})
	if err != nil {
		return Session{}, err
	}
	rows, err := readSessions(ctx, tx, byToken, []sessionKey{{hash: secretHash(token), portal: visit.Portal, issuer: visit.Issuer}})
	if err != nil {
		return Session{}, err
	}
	actor, _, err := rows.actor(0)
	return Session{Token: token, Actor: actor}, err
}

// secretHash is what is kept of a session's token. A plain hash is enough: nobody can try 2^256 tokens.
func secretHash(token []byte) []byte {
	sum := sha256.Sum256(token)
	return sum[:]
}

// excerpt makes what a stranger sent fit for a text column.
func excerpt(s string, most int) string {
	s = cleanLine(s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}
