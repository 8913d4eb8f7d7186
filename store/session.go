package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
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
	actor, err := s.findActor(ctx, tx, visit.Portal, visit.Issuer, false, `s.token_hash = $1`, secretHash(token))
	return Session{Token: token, Actor: actor}, err
}

// ActorByToken says who a cookie speaks for on portal, now: their present role, or ErrNotFound where the
// session is over, revoked or of another portal, or the person was deactivated. used says that a person does
// something, which keeps the session from idling out; a stream that is merely open must not.
func (s *Store) ActorByToken(ctx context.Context, token []byte, portal Role, issuer string, used bool) (actor Actor, err error) {
	defer wrap(&err, "ActorByToken")
	err = s.signingIn(ctx, func(tx pgx.Tx) error {
		actor, err = s.findActor(ctx, tx, portal, issuer, used, `s.token_hash = $1`, secretHash(token))
		return err
	})
	return actor, err
}

// ActorBySession is ActorByToken for an API token, which names its session and whose it is.
func (s *Store) ActorBySession(ctx context.Context, id, userID uuid.UUID, portal Role, issuer string) (actor Actor, err error) {
	defer wrap(&err, "ActorBySession(%s)", id)
	err = s.signingIn(ctx, func(tx pgx.Tx) error {
		actor, err = s.findActor(ctx, tx, portal, issuer, false, `s.id = $1 AND s.user_id = $2`, id, userID)
		return err
	})
	return actor, err
}

type sessionRow struct {
	UserID    uuid.UUID
	FullName  string
	Email     string
	SessionID uuid.UUID
	ExpiresAt time.Time
	Stale     bool // not written to for a minute
	Hooked    json.RawMessage
}

// findActor reads the session that condition picks and the claims of its person in one query. Role comes out
// of the claims, so that what Go decides and what the policies decide cannot differ.
func (s *Store) findActor(ctx context.Context, tx pgx.Tx, portal Role, issuer string, used bool, condition string, args ...any) (Actor, error) {
	n := len(args)
	row, err := one[sessionRow](tx.Query(ctx, fmt.Sprintf(`
		SELECT
			s.user_id,
			u.full_name,
			u.email,
			s.id AS session_id,
			e.expires_at,
			s.last_used_at < clock_timestamp() - interval '1 minute' AS stale,
			public.custom_access_token_hook(jsonb_build_object('user_id', u.id, 'claims', jsonb_build_object(
				'iss', $%d::text,
				'aud', 'authenticated',
				'sub', u.id,
				'role', 'authenticated',
				'iat', floor(extract(epoch FROM s.created_at))::bigint,
				'exp', floor(extract(epoch FROM e.expires_at))::bigint,
				'aal', 'aal1',
				'session_id', s.id,
				'email', u.email,
				'phone', '',
				'is_anonymous', false,
				'app_metadata', jsonb_build_object('provider', 'email', 'providers', jsonb_build_array('email')),
				'user_metadata', jsonb_build_object('full_name', u.full_name)))) AS hooked
		FROM sessions s
		JOIN users u ON u.id = s.user_id
		CROSS JOIN LATERAL (SELECT least(s.expires_at, s.idle_expires_at) AS expires_at) e
		WHERE %s
			AND s.portal = $%d
			AND s.revoked_at IS NULL
			AND e.expires_at > clock_timestamp()
			AND u.active`, n+1, condition, n+2), append(args, issuer, portal)...))
	if err != nil {
		return Actor{}, err
	}
	claims, role, err := checkClaims(row.Hooked, issuer, row)
	if err != nil {
		return Actor{}, err
	}
	if used && row.Stale {
		if err := s.touch(ctx, tx, row); err != nil {
			return Actor{}, err
		}
	}
	return Actor{
		UserID: row.UserID, Role: role, Name: row.FullName, Email: row.Email,
		Portal: portal, SessionID: row.SessionID, ExpiresAt: row.ExpiresAt, Claims: claims,
	}, nil
}

// touch keeps a session from idling out and says when its person was last seen; findActor asks for it at most
// once a minute, so that reading pages does not become writing rows.
func (s *Store) touch(ctx context.Context, tx pgx.Tx, row sessionRow) error {
	_, err := tx.Exec(ctx, `
		WITH used AS (
			UPDATE sessions SET last_used_at = clock_timestamp(), idle_expires_at = clock_timestamp() + $2 WHERE id = $1)
		UPDATE users SET last_seen_at = clock_timestamp() WHERE id = $3`, row.SessionID, s.Limits.SessionIdle, row.UserID)
	return err
}

// checkClaims holds the hook's answer against what it was given: an operator may write a hook of their own,
// and it must not be able to make one person another, or a person the service.
func checkClaims(hooked json.RawMessage, issuer string, row sessionRow) (json.RawMessage, Role, error) {
	var answer struct {
		Error  json.RawMessage `json:"error"`
		Claims json.RawMessage `json:"claims"`
	}
	if err := json.Unmarshal(hooked, &answer); err != nil {
		return nil, "", fmt.Errorf("custom_access_token_hook: %w", err)
	}
	if len(answer.Error) > 0 && string(answer.Error) != "null" {
		return nil, "", fmt.Errorf("custom_access_token_hook refused: %s", excerpt(string(answer.Error), 200))
	}
	var claims struct {
		Issuer    string `json:"iss"`
		Audience  string `json:"aud"`
		Subject   string `json:"sub"`
		Role      string `json:"role"`
		SessionID string `json:"session_id"`
		Expires   int64  `json:"exp"`
		UserRole  Role   `json:"user_role"`
		App       struct {
			UserRole Role `json:"user_role"`
		} `json:"app_metadata"`
	}
	if err := json.Unmarshal(answer.Claims, &claims); err != nil {
		return nil, "", fmt.Errorf("custom_access_token_hook: claims: %w", err)
	}
	switch {
	case claims.Role != "authenticated", claims.Audience != "authenticated", claims.Issuer != issuer,
		claims.Subject != row.UserID.String(), claims.SessionID != row.SessionID.String(), claims.Expires != row.ExpiresAt.Unix():
		return nil, "", errors.New("custom_access_token_hook changed a claim it may not change: iss, aud, sub, role, session_id or exp")
	case !claims.UserRole.Valid(), claims.App.UserRole != claims.UserRole:
		return nil, "", errors.New("custom_access_token_hook gave no user_role, or app_metadata.user_role differs from it")
	}
	return answer.Claims, claims.UserRole, nil
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
