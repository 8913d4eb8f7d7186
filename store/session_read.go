package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// ActorByToken says who a cookie speaks for on portal, now: their present role, or ErrNotFound where the
// session is over, revoked or of another portal, or the person was deactivated. used says that a person does
// something, which keeps the session from idling out; a stream that is merely open must not.
func (s *Store) ActorByToken(ctx context.Context, token []byte, portal Role, issuer string, used bool) (actor Actor, err error) {
	defer wrap(&err, "ActorByToken")
	actor, stale, err := s.sessions.read(ctx, sessionKey{hash: secretHash(token), portal: portal, issuer: issuer}, s.readByToken)
	if err != nil || !used || !stale {
		return actor, err
	}
	return actor, s.signingIn(ctx, func(tx pgx.Tx) error { return s.touch(ctx, tx, actor) })
}

func (s *Store) readByToken(ctx context.Context, keys []sessionKey) (found sessionRows, err error) {
	err = s.signingIn(ctx, func(tx pgx.Tx) error {
		found, err = readSessions(ctx, tx, byToken, keys)
		return err
	})
	return found, err
}

// ActorBySession is ActorByToken for an API token, which names its session and whose it is.
func (s *Store) ActorBySession(ctx context.Context, id, userID uuid.UUID, portal Role, issuer string) (actor Actor, err error) {
	defer wrap(&err, "ActorBySession(%s)", id)
	err = s.signingIn(ctx, func(tx pgx.Tx) error {
		rows, err := readSessions(ctx, tx, byID, []sessionKey{{id: id, userID: userID, portal: portal, issuer: issuer}})
		if err == nil {
			actor, _, err = rows.actor(0)
		}
		return err
	})
	return actor, err
}

// sessionKey is what a caller shows of a session: the hash of its token, or its id and whose it is.
type sessionKey struct {
	hash       []byte
	id, userID uuid.UUID
	portal     Role
	issuer     string
}

type sessionRow struct {
	N         int // which key it is of
	UserID    uuid.UUID
	FullName  string
	Email     string
	Portal    Role
	Issuer    string
	SessionID uuid.UUID
	ExpiresAt time.Time
	Stale     bool // not written to for a minute
	Hooked    json.RawMessage
}

// How a key finds its session.
const (
	byToken = `s.token_hash = k.hash`
	byID    = `s.id = k.id AND s.user_id = k.user_id`
)

// sessionRows are the sessions found, by the number of their key; a key that found none has no row.
type sessionRows map[int]sessionRow

// readSessions reads the sessions of keys and the claims of their people in one query.
func readSessions(ctx context.Context, tx pgx.Tx, how string, keys []sessionKey) (sessionRows, error) {
	var hashes [][]byte
	var ids, users []uuid.UUID
	var portals, issuers []string
	for _, key := range keys {
		hashes, ids, users = append(hashes, key.hash), append(ids, key.id), append(users, key.userID)
		portals, issuers = append(portals, string(key.portal)), append(issuers, key.issuer)
	}
	rows, err := all[sessionRow](tx.Query(ctx, `
		SELECT
			k.n::int,
			s.user_id,
			u.full_name,
			u.email,
			k.portal,
			k.issuer,
			s.id AS session_id,
			e.expires_at,
			s.last_used_at < clock_timestamp() - interval '1 minute' AS stale,
			public.custom_access_token_hook(jsonb_build_object('user_id', u.id, 'claims', jsonb_build_object(
				'iss', k.issuer,
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
		FROM unnest($1::bytea[], $2::uuid[], $3::uuid[], $4::text[], $5::text[]) WITH ORDINALITY k (hash, id, user_id, portal, issuer, n)
		JOIN sessions s ON `+how+` AND s.portal = k.portal
		JOIN users u ON u.id = s.user_id
		CROSS JOIN LATERAL (SELECT least(s.expires_at, s.idle_expires_at) AS expires_at) e
		WHERE s.revoked_at IS NULL
			AND e.expires_at > clock_timestamp()
			AND u.active`, hashes, ids, users, portals, issuers))
	if err != nil {
		return nil, err
	}
	found := sessionRows{}
	for _, row := range rows {
		found[row.N-1] = row
	}
	return found, nil
}

// actor is whom the session of key n speaks for; ErrNotFound where there is none. Role comes out of the claims, so
// that what Go decides and what the policies decide cannot differ.
func (rows sessionRows) actor(n int) (actor Actor, stale bool, err error) {
	row, ok := rows[n]
	if !ok {
		return Actor{}, false, ErrNotFound
	}
	claims, role, err := checkClaims(row)
	if err != nil {
		return Actor{}, false, err
	}
	return Actor{
		UserID: row.UserID, Role: role, Name: row.FullName, Email: row.Email,
		Portal: row.Portal, SessionID: row.SessionID, ExpiresAt: row.ExpiresAt, Claims: claims,
	}, row.Stale, nil
}

// touch keeps a session from idling out and says when its person was last seen; it is asked for at most
// once a minute, so that reading pages does not become writing rows.
func (s *Store) touch(ctx context.Context, tx pgx.Tx, actor Actor) error {
	_, err := tx.Exec(ctx, `
		WITH used AS (
			UPDATE sessions SET last_used_at = clock_timestamp(), idle_expires_at = clock_timestamp() + $2 WHERE id = $1)
		UPDATE users SET last_seen_at = clock_timestamp() WHERE id = $3`, actor.SessionID, s.Limits.SessionIdle, actor.UserID)
	return err
}

// checkClaims holds the hook's answer against what it was given: an operator may write a hook of their own,
// and it must not be able to make one person another, or a person the service.
func checkClaims(row sessionRow) (json.RawMessage, Role, error) {
	var answer struct {
		Error  json.RawMessage `json:"error"`
		Claims json.RawMessage `json:"claims"`
	}
	if err := json.Unmarshal(row.Hooked, &answer); err != nil {
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
	case claims.Role != "authenticated", claims.Audience != "authenticated", claims.Issuer != row.Issuer,
		claims.Subject != row.UserID.String(), claims.SessionID != row.SessionID.String(), claims.Expires != row.ExpiresAt.Unix():
		return nil, "", errors.New("custom_access_token_hook changed a claim it may not change: iss, aud, sub, role, session_id or exp")
	case !claims.UserRole.Valid(), claims.App.UserRole != claims.UserRole:
		return nil, "", errors.New("custom_access_token_hook gave no user_role, or app_metadata.user_role differs from it")
	}
	return answer.Claims, claims.UserRole, nil
}
