package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"
)

// Each person on each portal: their own opens, the others send them to a page that says where they belong.
func TestWhoeverIsOnTheWrongPortalIsToldTheRightOne(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	for _, is := range store.Roles {
		d.Person(t, is, string(is)+"@example.com")
		for _, at := range store.Roles {
			b := d.browser(t, at).signIn(t, string(is)+"@example.com")
			if is == at {
				b.get(t, "/auth/callback").want(t, http.StatusSeeOther, "/")
				b.get(t, "/unauthorized").want(t, http.StatusSeeOther, "/")
				b.get(t, "/live").want(t, http.StatusOK)
				continue
			}
			b.get(t, "/auth/callback?next=/account").want(t, http.StatusSeeOther, "/unauthorized")
			page := b.get(t, "/unauthorized").want(t, http.StatusForbidden).html(t)
			there := "https://" + string(is) + ".example.com"
			if page.Find(`a[href="`+there+`"]`).Length() == 0 || !strings.Contains(page.Find("main").Text(), "Your portal is "+there) {
				t.Errorf("%s at %s: %s", is, at, page.Find("main").Text())
			}
			if page.Find(`form[action="/sign-out"][method=post] button`).Text() == "" {
				t.Errorf("%s at %s: no way to sign out", is, at)
			}
			b.get(t, "/account").want(t, http.StatusSeeOther, "/unauthorized")
			b.get(t, "/account", "HX-Request", "true").want(t, http.StatusForbidden)
			b.get(t, "/live").want(t, http.StatusUnauthorized)
			b.get(t, "/live/poll").want(t, http.StatusUnauthorized)
			b.post(t, "/account/name", url.Values{"full_name": {"Eve"}}).want(t, http.StatusSeeOther, "/unauthorized")
			b.post(t, "/sign-out", nil).want(t, http.StatusSeeOther, "/sign-in")
		}
	}
	if n := number(t, d, `SELECT count(*) FROM users WHERE full_name = 'Eve'`); n != 0 {
		t.Error("a form of the wrong portal took effect")
	}
}

// A page that is left over from another session gets no news, whoever has signed in since.
func TestAPageOfAnotherSessionIsNotFed(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Agent, "ana@example.com")
	of := func(b *browser) string {
		return "?session=" + b.get(t, "/account").html(t).Find("html").AttrOr("data-session", "")
	}
	one, two := d.browser(t, store.Agent).signIn(t, "ana@example.com"), d.browser(t, store.Agent).signIn(t, "ana@example.com")
	for _, path := range []string{"/live", "/live/poll"} {
		one.get(t, path+of(one)).want(t, http.StatusOK)
		two.get(t, path+of(one)).want(t, http.StatusUnauthorized)
		two.get(t, path+"?session=forged").want(t, http.StatusUnauthorized)
	}
}

func TestWhatAnAdminTakesAwayIsGoneWithTheNextRequest(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Agent, "ana@example.com")
	for name, c := range map[string]struct{ change, back, location string }{
		"role":         {`UPDATE users SET user_role = 'client'`, `UPDATE users SET user_role = 'agent'`, "/unauthorized"},
		"deactivation": {`UPDATE users SET active = false`, `UPDATE users SET active = true`, "/sign-in?next=%2Faccount"},
		"revocation":   {`UPDATE sessions SET revoked_at = now()`, ``, "/sign-in?next=%2Faccount"},
		"idleness":     {`UPDATE sessions SET idle_expires_at = now()`, ``, "/sign-in?next=%2Faccount"},
		"age":          {`UPDATE sessions SET expires_at = now()`, ``, "/sign-in?next=%2Faccount"},
	} {
		b := d.browser(t, store.Agent).signIn(t, "ana@example.com")
		b.get(t, "/account").want(t, http.StatusOK)
		d.Exec(t, c.change)
		if got := b.get(t, "/account"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != c.location {
			t.Errorf("%s: %d to %q", name, got.StatusCode, got.Header.Get("Location"))
		}
		b.get(t, "/live").want(t, http.StatusUnauthorized)
		if c.back != "" {
			d.Exec(t, c.back)
		}
	}
	d.Exec(t, `UPDATE users SET active = false`)
	got := d.browser(t, store.Agent).post(t, "/sign-in", url.Values{"email": {"ana@example.com"}, "password": {storetest.Password}})
	got.want(t, http.StatusUnprocessableEntity)
	if !strings.Contains(got.body, "The email or the password is wrong.") {
		t.Error("a closed account is told from a wrong password")
	}
}

// Being looked at keeps a session alive, at most one write a minute; a stream that is merely open does not.
func TestUseKeepsASessionFromIdlingOut(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Agent, "ana@example.com")
	d.Exec(t, `DELETE FROM sessions`)
	b := d.browser(t, store.Agent).signIn(t, "ana@example.com")
	d.Exec(t, `UPDATE users SET last_seen_at = NULL`) // signing in is being seen, too
	d.Exec(t, `UPDATE sessions SET last_used_at = now() - interval '2 minutes', idle_expires_at = now() + interval '1 hour'`)
	late := `SELECT count(*) FROM sessions WHERE idle_expires_at > now() + interval '6 days' AND last_used_at > now() - interval '1 minute'`
	b.get(t, "/live").want(t, http.StatusOK)
	b.get(t, "/live/poll").want(t, http.StatusOK)
	if number(t, d, late) != 0 || number(t, d, `SELECT count(*) FROM users WHERE last_seen_at IS NOT NULL`) != 0 {
		t.Error("an open stream counts as use")
	}
	b.get(t, "/account").want(t, http.StatusOK)
	if number(t, d, late) != 1 || number(t, d, `SELECT count(*) FROM users WHERE last_seen_at > now() - interval '1 minute'`) != 1 {
		t.Error("use does not keep the session")
	}
	events := number(t, d, `SELECT count(*) FROM events`)
	before := number(t, d, `SELECT extract(epoch FROM last_used_at)::bigint FROM sessions`)
	d.Exec(t, `UPDATE sessions SET last_used_at = last_used_at - interval '30 seconds'`)
	b.get(t, "/account").want(t, http.StatusOK)
	if after := number(t, d, `SELECT extract(epoch FROM last_used_at)::bigint FROM sessions`); after != before-30 {
		t.Error("a session is written more than once a minute")
	}
	if number(t, d, `SELECT count(*) FROM events`) != events {
		t.Error("looking at pages makes events")
	}
}
