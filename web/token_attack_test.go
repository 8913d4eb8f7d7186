package web_test

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/web"

	"github.com/golang-jwt/jwt/v5"
)

// signingKey is the key of a secret and the name it goes by, derived here anew.
func signingKey(t testing.TB, secret []byte) (key ed25519.PrivateKey, kid string) {
	t.Helper()
	seed, err := hkdf.Key(sha256.New, secret, nil, "autocrm token", 32)
	if err != nil {
		t.Fatal(err)
	}
	key = ed25519.NewKeyFromSeed(seed)
	sum := sha256.Sum256(key.Public().(ed25519.PublicKey))
	return key, hex.EncodeToString(sum[:8])
}

// The header of a token is the attacker's to write: nothing in it chooses how, or by what key, it is checked.
func TestATokensHeaderDecidesNothing(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https", func(c *web.Config) {
		c.SecretKeys = append(c.SecretKeys, []byte("the secret that was in use before"))
	})
	d.Person(t, store.Agent, "ana@example.com")
	b := d.browser(t, store.Agent)
	good := token(t, b, "ana@example.com")
	key, kid := signingKey(t, d.config.SecretKeys[0])
	oldKey, oldKid := signingKey(t, d.config.SecretKeys[1])
	_, stranger, _ := ed25519.GenerateKey(nil)
	strangers := base64.RawURLEncoding.EncodeToString(stranger.Public().(ed25519.PublicKey))
	// signed makes the token by hand: a library might refuse to write some of these.
	signed := func(header map[string]any, claims string, key ed25519.PrivateKey) string {
		text, err := json.Marshal(header)
		if err != nil {
			t.Fatal(err)
		}
		signing := base64.RawURLEncoding.EncodeToString(text) + "." + claims
		return signing + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(signing)))
	}
	claims := strings.Split(good, ".")[1]
	with := func(name string, value any) map[string]any {
		header := map[string]any{"alg": "EdDSA", "typ": "JWT", "kid": kid}
		if header[name] = value; value == nil {
			delete(header, name)
		}
		return header
	}
	b.bearer(t, signed(with("", nil), claims, key), "/live").want(t, http.StatusOK)
	b.bearer(t, signed(with("kid", oldKid), claims, oldKey), "/live").want(t, http.StatusOK) // it verifies until it is removed

	var changed jwt.MapClaims = claimsOf(t, good)
	changed["user_role"] = "admin"
	promoted, _ := json.Marshal(changed)
	for name, forged := range map[string]string{
		"alg none":               signed(with("alg", "none"), claims, key),
		"alg None":               signed(with("alg", "None"), claims, key),
		"alg HS256":              signed(with("alg", "HS256"), claims, key),
		"alg RS256":              signed(with("alg", "RS256"), claims, key),
		"alg ES256":              signed(with("alg", "ES256"), claims, key),
		"alg in small letters":   signed(with("alg", "eddsa"), claims, key),
		"no alg":                 signed(with("alg", nil), claims, key),
		"alg a list":             signed(with("alg", []string{"EdDSA", "none"}), claims, key),
		"kid empty":              signed(with("kid", ""), claims, key),
		"kid a path":             signed(with("kid", "../../../../dev/null"), claims, stranger),
		"kid SQL":                signed(with("kid", kid+"' OR '1'='1"), claims, stranger),
		"kid in capitals":        signed(with("kid", strings.ToUpper(kid)), claims, key),
		"kid with a NUL":         signed(with("kid", kid+"\x00"), claims, key),
		"kid a list":             signed(with("kid", []string{kid}), claims, key),
		"kid an object":          signed(with("kid", map[string]string{"$ne": ""}), claims, key),
		"kid of the other key":   signed(with("kid", oldKid), claims, key),
		"the key beside it":      signed(map[string]any{"alg": "EdDSA", "jwk": map[string]string{"kty": "OKP", "crv": "Ed25519", "x": strangers}}, claims, stranger),
		"the key beside the kid": signed(with("jwk", map[string]string{"kty": "OKP", "crv": "Ed25519", "x": strangers}), claims, stranger),
		"a key from elsewhere":   signed(with("jku", "https://evil.example/keys.json"), claims, stranger),
		"promoted by a stranger": signed(with("", nil), base64.RawURLEncoding.EncodeToString(promoted), stranger),
		"a zero signature":       strings.Join(strings.Split(good, ".")[:2], ".") + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"padded":                 good + "=",
		"with a fourth part":     good + ".x",
		"with a line break":      strings.Replace(good, ".", ".\n", 1),
		"twice":                  good + ", " + good,
	} {
		for _, path := range []string{"/live", "/live/poll", "/tickets"} {
			if got := b.bearer(t, forged, path, "Accept", "application/json"); got.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s on %s: %d %s", name, path, got.StatusCode, got.body)
			}
		}
	}
	if strings.Contains(d.log.String(), "panic") {
		t.Error("a forged token makes the server panic")
	}
}

// However long a token says that it lives, it is over with its session; whoever it names, the database says what
// they may do now.
func TestATokenOutlivesNothing(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	d.Person(t, store.Agent, "ana@example.com")
	b := d.browser(t, store.Agent)
	key, kid := signingKey(t, d.config.SecretKeys[0])
	for name, end := range map[string]string{
		"its session is over":       `UPDATE sessions SET expires_at = now() - interval '1 second'`,
		"its session is revoked":    `UPDATE sessions SET revoked_at = now()`,
		"its person is deactivated": `UPDATE users SET active = false`,
		"its person is a client":    `UPDATE users SET user_role = 'client'`,
	} {
		d.Exec(t, `UPDATE users SET user_role = 'agent', active = true`)
		claims := claimsOf(t, token(t, b, "ana@example.com"))
		claims["exp"] = time.Now().Add(50 * 365 * 24 * time.Hour).Unix()
		claims["user_role"] = "agent"
		unsigned := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
		unsigned.Header["kid"] = kid
		eternal, err := unsigned.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		b.bearer(t, eternal, "/tickets", "Accept", "application/json").want(t, http.StatusOK)
		d.Exec(t, end)
		for _, path := range []string{"/live", "/live/poll", "/tickets"} {
			got := b.bearer(t, eternal, path, "Accept", "application/json")
			if got.StatusCode != http.StatusUnauthorized && got.StatusCode != http.StatusForbidden {
				t.Errorf("%s, and %s answers %d", name, path, got.StatusCode)
			}
		}
	}
	// And no later than its key.
	d.Exec(t, `UPDATE users SET user_role = 'agent', active = true`)
	made := token(t, b, "ana@example.com")
	d.registry, d.config.SecretKeys = newRegistry(), [][]byte{[]byte("another secret of thirty-two bytes")}
	d.handler = d.open(t)
	b.bearer(t, made, "/live").want(t, http.StatusUnauthorized)
}
