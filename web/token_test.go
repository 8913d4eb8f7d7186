package web_test

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/golang-jwt/jwt/v5"
)

// bearer is a client that has a token and no cookie.
func (b *browser) bearer(t testing.TB, token, path string, header ...string) answer {
	t.Helper()
	return b.get(t, path, append(header, "Authorization", "Bearer "+token)...)
}

func token(t testing.TB, b *browser, email string) string {
	t.Helper()
	got := b.post(t, "/api/token", url.Values{"email": {email}, "password": {storetest.Password}}).want(t, http.StatusOK)
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int    `json:"expires_in"`
	}
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil || answer.AccessToken == "" ||
		!strings.EqualFold(answer.TokenType, "bearer") || answer.ExpiresIn != 300 || got.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%v %s", err, got.body)
	}
	if len(got.Cookies()) > 0 {
		t.Error("a token comes with a cookie")
	}
	return answer.AccessToken
}

// claimsOf reads a token without checking it.
func claimsOf(t testing.TB, token string) jwt.MapClaims {
	t.Helper()
	claims := jwt.MapClaims{}
	if _, _, err := jwt.NewParser().ParseUnverified(token, claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestATokenOpensTheStream(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	ana := d.Person(t, store.Agent, "ana@example.com")
	b := d.browser(t, store.Agent)
	made := token(t, b, "ana@example.com")
	if got := b.bearer(t, made, "/live").want(t, http.StatusOK); got.body != "stream of ana@example.com" {
		t.Error(got.body)
	}
	b.bearer(t, made, "/live/poll").want(t, http.StatusOK)
	// Anywhere else the header is as good as absent.
	b.bearer(t, made, "/account").want(t, http.StatusSeeOther, "/sign-in?next=%2Faccount")
	b.bearer(t, made, "/account", "Accept", "application/json").want(t, http.StatusUnauthorized)
	b.bearer(t, made, "/").want(t, http.StatusSeeOther, "/sign-in")
	b.post(t, "/account/name", url.Values{"full_name": {"Eve"}}, "Authorization", "Bearer "+made).want(t, http.StatusSeeOther, "/sign-in")

	claims := claimsOf(t, made)
	for name, want := range map[string]any{
		"iss": "https://agent.example.com", "aud": "authenticated", "role": "authenticated", "sub": ana.UserID.String(),
		"email": "ana@example.com", "user_role": "agent", "aal": "aal1", "is_anonymous": false, "phone": "",
	} {
		if claims[name] != want {
			t.Errorf("claim %s is %v, want %v", name, claims[name], want)
		}
	}
	if app, _ := claims["app_metadata"].(map[string]any); app["user_role"] != "agent" || claims["session_id"] == "" || claims["exp"] == nil {
		t.Errorf("claims: %v", claims)
	}
}

func TestATokenIsGivenToThePortalsPeopleAlone(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Client, "ana@example.com")
	d.Person(t, store.Agent, "ben@example.com")
	b := d.browser(t, store.Agent)
	sent := func(body string) answer {
		return b.raw(t, http.MethodPost, "/api/token", body, "Content-Type", "application/json; charset=utf-8")
	}
	sent(`{"email":"ben@example.com","password":"autocrm-demo","more":1}`).want(t, http.StatusOK)
	for body, status := range map[string]int{
		``: http.StatusBadRequest, `{`: http.StatusBadRequest, `[]`: http.StatusBadRequest, `{"email":7}`: http.StatusBadRequest,
		`{}`: http.StatusUnprocessableEntity, `null`: http.StatusUnprocessableEntity,
		`{"email":"ben@example.com\u0000","password":"` + strings.Repeat("x", 3<<20) + `"}`: http.StatusRequestEntityTooLarge,
	} {
		got := sent(body)
		if got.StatusCode != status || !strings.HasPrefix(got.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%.40s: %d %s", body, got.StatusCode, got.body)
		}
	}
	post := func(form url.Values) answer { return b.post(t, "/api/token", form) }
	got := post(url.Values{"email": {"ana@example.com"}, "password": {storetest.Password}}).want(t, http.StatusForbidden)
	if !strings.Contains(got.body, "http://client.example.com") || !strings.HasPrefix(got.Header.Get("Content-Type"), "application/json") {
		t.Errorf("%s", got.body)
	}
	post(url.Values{"email": {"ben@example.com"}, "password": {"wrong"}}).want(t, http.StatusUnauthorized)
	post(url.Values{"email": {"ben@example.com"}}).want(t, http.StatusUnprocessableEntity)
	post(nil).want(t, http.StatusUnprocessableEntity)
	for range 5 {
		post(url.Values{"email": {"ben@example.com"}, "password": {"wrong"}})
	}
	if slowed := post(url.Values{"email": {"ben@example.com"}, "password": {storetest.Password}}).want(t, http.StatusTooManyRequests); slowed.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if n := number(t, d, `SELECT count(*) FROM sessions WHERE revoked_at IS NULL`); n != 3 {
		t.Errorf("%d sessions, want the two that Person made, and the one that was asked for as JSON", n)
	}
}

func TestATokenEndsWithItsSessionAndFollowsTheRole(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Agent, "ana@example.com")
	b := d.browser(t, store.Agent)
	for name, end := range map[string]string{
		"revoked":     `UPDATE sessions SET revoked_at = now()`,
		"expired":     `UPDATE sessions SET expires_at = now() - interval '1 second'`,
		"role":        `UPDATE users SET user_role = 'client'`,
		"deactivated": `UPDATE users SET active = false`,
		"gone":        `DELETE FROM sessions`,
	} {
		d.Exec(t, `UPDATE users SET user_role = 'agent', active = true`)
		made := token(t, b, "ana@example.com")
		b.bearer(t, made, "/live").want(t, http.StatusOK)
		d.Exec(t, end)
		if got := b.bearer(t, made, "/live"); got.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
}

// The key is derived here anew from the secret, so that the forgeries differ from a good token in one thing each.
func TestForgedTokensOpenNothing(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	d.Person(t, store.Agent, "ana@example.com")
	d.Person(t, store.Client, "cleo@example.com")
	b := d.browser(t, store.Agent)
	good := token(t, b, "ana@example.com")
	foreign := token(t, d.browser(t, store.Client), "cleo@example.com")
	seed, err := hkdf.Key(sha256.New, d.config.SecretKeys[0], nil, "autocrm token", 32)
	if err != nil {
		t.Fatal(err)
	}
	key := ed25519.NewKeyFromSeed(seed)
	public := key.Public().(ed25519.PublicKey)
	_, stranger, _ := ed25519.GenerateKey(nil)
	parsed, _, _ := jwt.NewParser().ParseUnverified(good, jwt.MapClaims{})
	kid := parsed.Header["kid"]
	sign := func(method jwt.SigningMethod, kid, key any, change jwt.MapClaims) string {
		claims := claimsOf(t, good)
		maps.Copy(claims, change)
		maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
		token := jwt.NewWithClaims(method, claims)
		if kid != nil {
			token.Header["kid"] = kid
		}
		signed, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	eddsa := func(change jwt.MapClaims) string { return sign(jwt.SigningMethodEdDSA, kid, key, change) }
	b.bearer(t, eddsa(nil), "/live").want(t, http.StatusOK) // or the table would prove nothing
	b.bearer(t, good, "/live").want(t, http.StatusOK)

	parts := strings.Split(good, ".")
	for name, forged := range map[string]string{
		"alg none":                sign(jwt.SigningMethodNone, kid, jwt.UnsafeAllowNoneSignatureType, nil),
		"HS256 by the public key": sign(jwt.SigningMethodHS256, kid, []byte(public), nil),
		"HS256 by the secret":     sign(jwt.SigningMethodHS256, kid, d.config.SecretKeys[0], nil),
		"another key":             sign(jwt.SigningMethodEdDSA, kid, stranger, nil),
		"unknown kid":             sign(jwt.SigningMethodEdDSA, "0123456789abcdef", key, nil),
		"no kid":                  sign(jwt.SigningMethodEdDSA, nil, key, nil),
		"numeric kid":             sign(jwt.SigningMethodEdDSA, 7, key, nil),
		"other issuer":            eddsa(jwt.MapClaims{"iss": "https://client.example.com"}),
		"issuer over http":        eddsa(jwt.MapClaims{"iss": "http://agent.example.com"}),
		"no issuer":               eddsa(jwt.MapClaims{"iss": nil}),
		"other audience":          eddsa(jwt.MapClaims{"aud": "anon"}),
		"no audience":             eddsa(jwt.MapClaims{"aud": nil}),
		"no expiry":               eddsa(jwt.MapClaims{"exp": nil}),
		"expired":                 eddsa(jwt.MapClaims{"exp": time.Now().Add(-time.Minute).Unix()}),
		"issued tomorrow":         eddsa(jwt.MapClaims{"iat": time.Now().Add(24 * time.Hour).Unix()}),
		"not before tomorrow":     eddsa(jwt.MapClaims{"nbf": time.Now().Add(24 * time.Hour).Unix()}),
		"role service_role":       eddsa(jwt.MapClaims{"role": "service_role"}),
		"role anon":               eddsa(jwt.MapClaims{"role": "anon"}),
		"no role":                 eddsa(jwt.MapClaims{"role": nil}),
		"no session":              eddsa(jwt.MapClaims{"session_id": nil}),
		"made-up session":         eddsa(jwt.MapClaims{"session_id": "11111111-1111-4111-8111-111111111111"}),
		"session not an id":       eddsa(jwt.MapClaims{"session_id": "x"}),
		"another's session":       eddsa(jwt.MapClaims{"session_id": claimsOf(t, foreign)["session_id"]}),
		"another subject":         eddsa(jwt.MapClaims{"sub": claimsOf(t, foreign)["sub"]}),
		"another person":          eddsa(jwt.MapClaims{"sub": claimsOf(t, foreign)["sub"], "session_id": claimsOf(t, foreign)["session_id"]}),
		"no subject":              eddsa(jwt.MapClaims{"sub": nil}),
		"another portal's":        foreign,
		"without signature":       parts[0] + "." + parts[1] + ".",
		"claims exchanged":        parts[0] + "." + strings.Split(foreign, ".")[1] + "." + parts[2],
		"empty":                   "",
		"rubbish":                 "a.b.c",
		"huge":                    strings.Repeat("a", 50000),
	} {
		for _, path := range []string{"/live", "/live/poll", "/tickets", "/tickets/1001"} {
			if got := b.bearer(t, forged, path, "Accept", "application/json"); got.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s on %s: %d %s", name, path, got.StatusCode, got.body)
			}
		}
	}
	// A user_role of one's own choosing changes nothing: the role is read from the database.
	got := b.bearer(t, eddsa(jwt.MapClaims{"user_role": "admin"}), "/live").want(t, http.StatusOK)
	if got.body != "stream of ana@example.com" {
		t.Error(got.body)
	}
	// A good token beside another portal's cookie, or a bad one beside a good cookie: the header decides.
	d.browser(t, store.Agent).signIn(t, "ana@example.com").bearer(t, "a.b.c", "/live").want(t, http.StatusUnauthorized)
}

func TestATokenReadsTheTicketPagesAsJSON(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	ana := d.Person(t, store.Client, "ana@example.com")
	d.Exec(t, `INSERT INTO tickets (client_id, subject, description) VALUES ($1, 'It is broken', 'Quite.')`, ana.UserID)
	b := d.browser(t, store.Client)
	made := token(t, b, "ana@example.com")
	for _, path := range []string{"/tickets", "/tickets/1001"} {
		got := b.bearer(t, made, path, "Accept", "application/json").want(t, http.StatusOK)
		if !json.Valid([]byte(got.body)) || !strings.Contains(got.body, "It is broken") || !strings.HasPrefix(got.Header.Get("Content-Type"), "application/json") {
			t.Errorf("%s: %s", path, got.body)
		}
		// The pages are for people: without the header the token is not looked at.
		b.bearer(t, made, path, "Accept", "text/html").want(t, http.StatusSeeOther)
	}
	got := b.bearer(t, made, "/tickets/9999", "Accept", "application/json").want(t, http.StatusNotFound)
	if !json.Valid([]byte(got.body)) {
		t.Errorf("%s", got.body)
	}
	b.bearer(t, "a.b.c", "/tickets", "Accept", "application/json").want(t, http.StatusUnauthorized)
}
