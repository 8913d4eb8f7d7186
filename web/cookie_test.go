package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"
)

func TestTheCookieIsKeptToItsPortal(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		d := deploy(t, scheme)
		for _, role := range store.Roles {
			email := string(role) + "@example.com"
			d.Person(t, role, email)
			b := d.browser(t, role)
			got := b.post(t, "/sign-in", url.Values{"email": {email}, "password": {storetest.Password}})
			want := "autocrm_" + string(role)
			if scheme == "https" {
				want = "__Host-" + want
			}
			cookie := got.Cookies()[0]
			if len(got.Cookies()) != 1 || cookie.Name != want || cookie.Secure != (scheme == "https") || !cookie.HttpOnly ||
				cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" || cookie.MaxAge <= 0 {
				t.Errorf("%s %s: %s", scheme, role, got.Header["Set-Cookie"])
			}
			if sent := len(cookie.Name) + 1 + len(cookie.Value); sent >= 200 {
				t.Errorf("the cookie takes %d bytes", sent)
			}
			if hsts := got.Header.Get("Strict-Transport-Security"); (hsts != "") != (scheme == "https") {
				t.Errorf("%s: Strict-Transport-Security %q", scheme, hsts)
			}
			gone := b.post(t, "/sign-out", nil).Cookies()
			if gone[0].Name != want && gone[1].Name != want {
				t.Errorf("sign-out leaves the cookie: %v", gone)
			}
		}
	}
}

// Whatever session id the browser comes with, signing in gives it another, and the old one is worth nothing.
func TestNoSessionIsFixed(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Client, "ana@example.com")
	d.Person(t, store.Client, "mallory@example.com")
	planted := sessionCookie(t, d.browser(t, store.Client).signIn(t, "mallory@example.com"))

	b := d.browser(t, store.Client)
	b.jar.SetCookies(b.base, []*http.Cookie{planted})
	b.signIn(t, "ana@example.com")
	own := sessionCookie(t, b)
	if own.Value == planted.Value {
		t.Fatal("the planted id was adopted")
	}
	account := b.get(t, "/account").want(t, http.StatusOK)
	if !strings.Contains(account.body, "ana@example.com") {
		t.Error("not signed in as the person who signed in")
	}
	with := func(cookie *http.Cookie) answer {
		return d.browser(t, store.Client).get(t, "/account", "Cookie", cookie.Name+"="+cookie.Value)
	}
	with(planted).want(t, http.StatusSeeOther, "/sign-in?next=%2Faccount")
	// The same person again: the id before is over too.
	b.signIn(t, "ana@example.com")
	with(own).want(t, http.StatusSeeOther, "/sign-in?next=%2Faccount")
	with(sessionCookie(t, b)).want(t, http.StatusOK)

	for _, made := range []string{"x", strings.Repeat("A", 44), own.Value[:len(own.Value)-4] + "AAAA", "", strings.Repeat("A", 5000)} {
		with(&http.Cookie{Name: own.Name, Value: made}).want(t, http.StatusSeeOther, "/sign-in?next=%2Faccount")
	}
	if n := number(t, d, `SELECT count(*) FROM sessions WHERE revoked_at IS NULL`); n != 3 {
		t.Errorf("%d sessions live on; want the two that Person made, and one", n)
	}
}

func TestTheDatabaseKeepsNoSessionId(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Client, "ana@example.com")
	cookie := sessionCookie(t, d.browser(t, store.Client).signIn(t, "ana@example.com"))
	// Every row of sessions as text, held against every stretch of the cookie.
	var rows string
	if err := d.Owner.QueryRow(t.Context(), `SELECT string_agg(s::text || encode(s.token_hash, 'base64'), ' ') FROM sessions s`).Scan(&rows); err != nil {
		t.Fatal(err)
	}
	for i := 0; i+12 <= len(cookie.Value); i++ {
		if strings.Contains(rows, cookie.Value[i:i+12]) {
			t.Fatalf("the row holds %q of the cookie", cookie.Value[i:i+12])
		}
	}
}

func TestASecretCanBeReplaced(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Client, "ana@example.com")
	b := d.browser(t, store.Client).signIn(t, "ana@example.com")
	old, next := d.config.SecretKeys[0], []byte("another secret of thirty-two bytes")
	restart := func(keys ...[]byte) {
		d.registry = newRegistry()
		d.config.SecretKeys = keys
		d.handler = d.open(t)
	}
	restart(next, old)
	b.get(t, "/account").want(t, http.StatusOK)
	restart(next)
	b.get(t, "/account").want(t, http.StatusSeeOther, "/sign-in?next=%2Faccount")
}

func TestNobodyElsePutsWordsOnAPage(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Client, "ana@example.com")
	b := d.browser(t, store.Client).signIn(t, "ana@example.com")
	b.post(t, "/sign-out", nil)
	if got := b.get(t, "/sign-in"); !strings.Contains(got.body, "You have signed out.") {
		t.Error("the notice is missing")
	}
	if got := b.get(t, "/sign-in"); strings.Contains(got.body, "You have signed out.") {
		t.Error("the notice is said twice")
	}
	got := d.browser(t, store.Client).get(t, "/sign-in", "Cookie", "autocrm_notice=Your+password+is+wanted+at+evil.example")
	if strings.Contains(got.body, "evil.example") {
		t.Error("a forged notice is shown")
	}
}
