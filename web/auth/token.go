package auth

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"autocrm/store"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
)

// tokenKey signs and verifies; id, the hash of its public half, finds it again.
type tokenKey struct {
	id      string
	private ed25519.PrivateKey
	public  ed25519.PublicKey
}

func newTokenKey(seed []byte) tokenKey {
	private := ed25519.NewKeyFromSeed(seed)
	public := private.Public().(ed25519.PublicKey)
	sum := sha256.Sum256(public)
	return tokenKey{id: hex.EncodeToString(sum[:8]), private: private, public: public}
}

// Token makes the bearer token of a session: the claims that the hook made, signed.
func (g *Gate) Token(session store.Session) (token string, life time.Duration, err error) {
	var claims jwt.MapClaims
	if err := json.Unmarshal(session.Actor.Claims, &claims); err != nil {
		return "", 0, err
	}
	unsigned := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	unsigned.Header["kid"] = g.tokens[0].id
	token, err = unsigned.SignedString(g.tokens[0].private)
	return token, time.Until(session.Actor.ExpiresAt).Round(time.Second), err
}

// tokenClaims are the claims that lead to the session. What the person may do is read from the database by
// them, never taken from the token: a role in a token is as old as the token.
type tokenClaims struct {
	jwt.RegisteredClaims
	Role      string    `json:"role"`
	SessionID uuid.UUID `json:"session_id"`
}

// actorByBearer checks the token, and then its session as a cookie's. Whatever is wrong with a token,
// the answer is store.ErrNotFound: nobody is signed in.
func (g *Gate) actorByBearer(r *http.Request, token string) (store.Actor, error) {
	var claims tokenClaims
	_, err := jwt.ParseWithClaims(token, &claims, g.verifyingKey,
		// Without the list, the token's own header would choose how it is checked.
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithIssuer(g.issuer),
		jwt.WithAudience("authenticated"),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(30*time.Second))
	if err != nil {
		return store.Actor{}, fmt.Errorf("%w: bearer token: %w", store.ErrNotFound, err)
	}
	userID, err := uuid.Parse(claims.Subject)
	if err != nil || claims.Role != "authenticated" {
		return store.Actor{}, fmt.Errorf("%w: bearer token of role %q", store.ErrNotFound, claims.Role)
	}
	return g.store.ActorBySession(r.Context(), claims.SessionID, userID, g.portal, g.issuer)
}

func (g *Gate) verifyingKey(token *jwt.Token) (any, error) {
	for _, key := range g.tokens {
		if token.Header["kid"] == key.id {
			return key.public, nil
		}
	}
	return nil, errors.New("signed with an unknown key")
}
