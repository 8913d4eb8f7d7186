package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"
)

// thief is somebody elsewhere who has copied a cookie.
func (d *deployment) thief(t testing.TB, portal store.Role, stolen *http.Cookie) *browser {
	t.Helper()
	b := d.browser(t, portal)
	b.jar.SetCookies(b.base, []*http.Cookie{{Name: stolen.Name, Value: stolen.Value, Path: "/"}})
	return b
}

// signedIn says whether the browser is let in, to pages and to streams alike.
func (b *browser) signedIn(t testing.TB) bool {
	t.Helper()
	page, live := b.get(t, "/account").StatusCode == http.StatusOK, b.get(t, "/live").StatusCode == http.StatusOK
	if page != live {
		t.Errorf("the pages are open: %v, the stream: %v", page, live)
	}
	return page
}

// Whatever ends a session ends it for who copied its cookie, and what goes on goes on under another cookie.
func TestAStolenCookieIsWorthNothingAfter(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	ana := d.Person(t, store.Agent, "ana@example.com")
	d.Person(t, store.Admin, "root@example.com")
	admin := d.browser(t, store.Admin).signIn(t, "root@example.com")
	password := storetest.Password
	for _, c := range []struct {
		name string
		does func(ana *browser)
		stay bool // she is signed in afterwards
	}{
		{"she signs out", func(b *browser) { b.post(t, "/sign-out", nil).want(t, http.StatusSeeOther) }, false},
		{"she signs in again", func(b *browser) { b.signIn(t, "ana@example.com") }, true},
		{"she signs out elsewhere", func(*browser) {
			other := d.browser(t, store.Agent).signIn(t, "ana@example.com")
			other.post(t, "/account/sessions/revocation", nil).want(t, http.StatusSeeOther)
		}, false},
		{"she loses the role", func(*browser) {
			admin.post(t, "/users/"+ana.UserID.String()+"/role", url.Values{"role": {"client"}}).want(t, http.StatusSeeOther)
		}, false},
		{"she has the role again", func(*browser) { // with plain SQL
			d.Exec(t, `UPDATE users SET user_role = 'client' WHERE id = $1`, ana.UserID)
			d.Exec(t, `UPDATE users SET user_role = 'agent' WHERE id = $1`, ana.UserID)
		}, false},
		{"her account is closed and opened", func(b *browser) {
			admin.post(t, "/users/"+ana.UserID.String()+"/deactivation", nil).want(t, http.StatusSeeOther)
			b.get(t, "/account").want(t, http.StatusSeeOther)
		}, false},
		{"she changes her password", func(b *browser) {
			b.post(t, "/account/password", url.Values{"current_password": {password}, "new_password": {"a password of hers"}}).want(t, http.StatusSeeOther, "/account")
		}, true},
	} {
		d.Exec(t, `UPDATE users SET user_role = 'agent', active = true WHERE id = $1`, ana.UserID)
		b := d.browser(t, store.Agent).signIn(t, "ana@example.com")
		stolen := sessionCookie(t, b)
		thief := d.thief(t, store.Agent, stolen)
		if !thief.signedIn(t) {
			t.Fatal("a copied cookie opens nothing: the test proves nothing")
		}
		c.does(b)
		if thief.signedIn(t) {
			t.Errorf("%s, and the stolen cookie still opens the portal", c.name)
		}
		if b.signedIn(t) != c.stay {
			t.Errorf("%s: she is signed in: %v", c.name, !c.stay)
		}
		if c.stay && sessionCookie(t, b).Value == stolen.Value {
			t.Errorf("%s, and her cookie is the one from before", c.name)
		}
	}
	if n := number(t, d, `SELECT count(*) FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND portal = 'agent'`, ana.UserID); n != 1 {
		t.Errorf("%d sessions live on, want the one that changed the password", n)
	}
}

// A session that was made while somebody had no business at the portal does not open it once they have.
func TestASessionGainsNoRights(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	ana := d.Person(t, store.Client, "ana@example.com")
	d.Person(t, store.Admin, "root@example.com")
	admin := d.browser(t, store.Admin).signIn(t, "root@example.com")
	planted := d.browser(t, store.Agent).signIn(t, "ana@example.com") // to /unauthorized, but it is a session
	planted.get(t, "/account").want(t, http.StatusSeeOther, "/unauthorized")
	own := d.browser(t, store.Client).signIn(t, "ana@example.com")
	admin.post(t, "/users/"+ana.UserID.String()+"/role", url.Values{"role": {"agent"}}).want(t, http.StatusSeeOther)
	if planted.signedIn(t) {
		t.Error("a session from before the promotion is an agent's now")
	}
	own.get(t, "/account").want(t, http.StatusSeeOther, "/unauthorized") // which tells where she belongs
	if !d.browser(t, store.Agent).signIn(t, "ana@example.com").signedIn(t) {
		t.Error("she cannot sign in with her new role")
	}
}

// A token is no cookie and a cookie no token, whole or in parts, here and on the other portals.
func TestACookieAndATokenAreNotOneAnother(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	d.Person(t, store.Agent, "ana@example.com")
	b := d.browser(t, store.Agent).signIn(t, "ana@example.com")
	cookie := sessionCookie(t, b)
	made := token(t, d.browser(t, store.Agent), "ana@example.com")
	for _, value := range append(strings.Split(made, "."), made) {
		if d.thief(t, store.Agent, &http.Cookie{Name: cookie.Name, Value: value}).signedIn(t) {
			t.Errorf("the token, or %.20s… of it, is taken for a cookie", value)
		}
	}
	stranger := d.browser(t, store.Agent)
	for _, value := range []string{cookie.Value, cookie.Name + "=" + cookie.Value} {
		for _, path := range []string{"/live", "/live/poll", "/tickets"} {
			stranger.bearer(t, value, path, "Accept", "application/json").want(t, http.StatusUnauthorized)
		}
	}
	// Nor is it read from where logs, histories and other sites could have it from.
	for _, path := range []string{"/live?access_token=" + made, "/live?token=" + made, "/live?" + cookie.Name + "=" + cookie.Value} {
		stranger.get(t, path).want(t, http.StatusUnauthorized)
	}
	for _, header := range [][2]string{
		{"Authorization", "Basic " + made}, {"Authorization", made}, {"Authorization", "Bearer" + made},
		{"X-Access-Token", made}, {"X-Autocrm-Agent", cookie.Value}, {"Proxy-Authorization", "Bearer " + made},
	} {
		stranger.get(t, "/live", header[0], header[1]).want(t, http.StatusUnauthorized)
	}
}

// Browsers send several cookies of one name where a neighbour planted one; the planted one counts for nothing.
func TestAPlantedCookieBesideOnesOwn(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http") // over https the name's prefix keeps browsers from taking it at all
	d.Person(t, store.Client, "ana@example.com")
	d.Person(t, store.Client, "mallory@example.com")
	own := sessionCookie(t, d.browser(t, store.Client).signIn(t, "ana@example.com"))
	for _, planted := range []string{"x", "", strings.Repeat("A", 3000), "\"" + own.Value + "\"x", own.Value + ", " + own.Value} {
		for _, header := range []string{own.Name + "=" + planted + "; " + own.Name + "=" + own.Value, own.Name + "=" + own.Value + "; " + own.Name + "=" + planted} {
			got := d.browser(t, store.Client).get(t, "/account", "Cookie", header)
			if got.StatusCode == http.StatusOK && !strings.Contains(got.body, "ana@example.com") || got.StatusCode >= 400 {
				t.Errorf("%.60q: %d", header, got.StatusCode)
			}
		}
	}
}

// The cookie carries when it was made; one that a thief kept outlives neither the row nor its own age.
func TestAnOldCookieIsRefused(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	d.Person(t, store.Client, "ana@example.com")
	b := d.browser(t, store.Client).signIn(t, "ana@example.com")
	for _, end := range []string{"expires_at", "idle_expires_at"} {
		thief := d.thief(t, store.Client, sessionCookie(t, b))
		d.Exec(t, `UPDATE sessions SET `+end+` = $1`, time.Now().Add(-time.Second))
		if thief.signedIn(t) {
			t.Errorf("past its %s it still opens the portal", end)
		}
		b.signIn(t, "ana@example.com")
	}
}
