package auth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"autocrm/store"

	"github.com/google/uuid"
	"github.com/gorilla/securecookie"
)

func testGate(f *testing.F, portal store.Role) *Gate {
	f.Helper()
	address := &url.URL{Scheme: "https", Host: string(portal) + ".example.com"}
	return NewGate(&store.Store{Limits: store.DefaultLimits}, portal, address, [][]byte{[]byte("a secret of thirty-two bytes or so"), []byte("an older secret of thirty-two bytes")})
}

// Of all cookies only one that this portal signed names a session, and only it.
func FuzzCookie(f *testing.F) {
	g, other := testGate(f, store.Agent), testGate(f, store.Client)
	token := []byte("thirty-two bytes for a session id")[:32]
	genuine, err := g.Cookie(token)
	if err != nil {
		f.Fatal(err)
	}
	foreign, _ := other.Cookie(token)
	short, _ := securecookie.EncodeMulti(g.session.name, token[:31], g.cookies...)
	for _, seed := range []string{genuine, foreign, strings.Replace(foreign, "client", "agent", 1), g.session.name + "=" + short, genuine + "; " + genuine, genuine + "x", g.session.name + "=", g.session.name, "=", ";", "\x00", "a=b; c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Cookie"] = []string{header}
		if got, ok := g.session.token(r, g.session.name); ok && string(got) != string(token) {
			t.Errorf("the cookie %q names the session %q", header, got)
		}
		if said := g.Said(httptest.NewRecorder(), r); said != "" {
			t.Errorf("the cookie %q says %q", header, said)
		}
	})
}

// Of all tokens only one that this portal signed passes, whatever stands in it.
func FuzzToken(f *testing.F) {
	g, other := testGate(f, store.Agent), testGate(f, store.Client)
	made := func(g *Gate, claims string) string {
		token, _, err := g.Token(store.Session{Actor: store.Actor{Claims: []byte(claims), ExpiresAt: time.Now().Add(time.Hour)}})
		if err != nil {
			f.Fatal(err)
		}
		return token
	}
	const claims = `{"iss":"https://agent.example.com","aud":"authenticated","sub":"11111111-1111-4111-8111-111111111111","exp":4000000000,"role":"service_role"}`
	parts := strings.Split(made(g, claims), ".")
	for _, seed := range []string{made(g, claims), made(other, claims), parts[0] + "." + parts[1] + ".", "eyJhbGciOiJub25lIn0." + parts[1] + ".", made(g, `{}`), made(g, `{"exp":"x","aud":[1],"sub":7}`), "..", "", "a.b.c", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		r := httptest.NewRequest("GET", "/live", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		given, ok := bearer(r)
		if !ok {
			t.Skip()
		}
		// A good token would ask the store, which is not there: the seeds are signed and all wrong in themselves.
		if actor, err := g.actorByBearer(r, given); err == nil || actor.UserID != uuid.Nil {
			t.Errorf("the token %q is %v", token, actor)
		}
	})
}

// Nothing is read as a token but what stands behind the word, on the paths that take one.
func FuzzAuthorization(f *testing.F) {
	for _, seed := range [][2]string{{"/live", "Bearer x"}, {"/tickets", "bearer x"}, {"/tickets/1/replies", "Bearer x"}, {"/live/", "Bearer  x "}, {"/tickets/1%00", "Bearer"}, {"//live", "Basic x"}, {"/LIVE", "Bearer x"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, path, header string) {
		for _, method := range []string{"GET", "POST"} {
			r := &http.Request{Method: method, URL: &url.URL{Path: path}, Header: http.Header{"Authorization": {header}, "Accept": {"application/json"}}}
			token, takes := bearer(r)
			if takes && (method != "GET" || !strings.EqualFold(header[:min(len(header), 7)], "bearer ") || !strings.Contains(header, token) ||
				path != "/live" && path != "/live/poll" && path != "/tickets" && strings.Trim(strings.TrimPrefix(path, "/tickets/"), "0123456789") != "") {
				t.Errorf("%s %q with %q: token %q", method, path, header, token)
			}
		}
	})
}

// A proof that nobody made proves nothing.
func FuzzProof(f *testing.F) {
	g := testGate(f, store.Agent)
	f.Add(Proof([]byte("another secret, of somebody else"), time.Now()))
	f.Add(Proof(g.secrets[0], time.Now().Add(-time.Hour)))
	f.Add(Proof(g.secrets[1], time.Now().Add(time.Hour)))
	f.Add("")
	f.Add(strings.Repeat("A", 75))
	f.Fuzz(func(t *testing.T, proof string) {
		r := httptest.NewRequest("GET", "/healthz", nil)
		r.Header[http.CanonicalHeaderKey(ProbeHeader)] = []string{proof}
		if g.Proven(r) {
			t.Errorf("%q proves that the caller has the secret", proof)
		}
	})
}
