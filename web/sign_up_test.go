package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"
	"autocrm/web"
)

func person(name, email, password string) url.Values {
	return url.Values{"full_name": {name}, "email": {email}, "password": {password}}
}

func TestACustomerSignsUp(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	b := d.browser(t, store.Client)
	b.get(t, "/signup").want(t, http.StatusOK)
	b.post(t, "/signup", person(" Ana Ruiz ", " Ana@Example.com ", "a long password")).want(t, http.StatusSeeOther, "/auth/callback")
	b.get(t, "/auth/callback").want(t, http.StatusSeeOther, "/")
	b.get(t, "/").want(t, http.StatusOK)
	if n := number(t, d, `SELECT count(*) FROM users WHERE email = 'Ana@Example.com' AND full_name = 'Ana Ruiz' AND user_role = 'client'`); n != 1 {
		t.Error("the account is not as it was asked for")
	}
	for _, c := range []struct{ name, email, password, field string }{
		{"", "x@example.com", "a long password", "full_name"},
		{"X", "", "a long password", "email"},
		{"X", "x", "a long password", "email"},
		{"X", "X <x@example.com>", "a long password", "email"},
		{"X", "x@example.com", "short", "password"},
		{"X", "x@example.com", "", "password"},
		{"X", "ana@example.com", "another password", "email"},
	} {
		got := d.browser(t, store.Client).post(t, "/signup", person(c.name, c.email, c.password)).want(t, http.StatusUnprocessableEntity)
		doc := got.html(t)
		if doc.Find("#f-"+c.field+"-error").Text() == "" {
			t.Errorf("%+v: no error beside %s", c, c.field)
		}
		if doc.Find("[name=email]").AttrOr("value", "") != c.email || doc.Find("[name=full_name]").AttrOr("value", "") != c.name {
			t.Errorf("%+v: what was typed is gone", c)
		}
		if c.password != "" && strings.Contains(got.body, `value="`+c.password) {
			t.Errorf("%+v: the password came back", c)
		}
	}
	if n := number(t, d, `SELECT count(*) FROM users`); n != 1 {
		t.Errorf("%d accounts", n)
	}
}

// The same form ten times at once is one account and ten times signed in.
func TestTheSameSignUpTwiceIsOneAccount(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	var group sync.WaitGroup
	for range 5 { // no more than may guess at once
		b := d.browser(t, store.Client)
		group.Go(func() {
			if got := b.post(t, "/signup", person("Ana", "ana@example.com", "a long password")); got.StatusCode != http.StatusSeeOther {
				t.Errorf("%d", got.StatusCode)
			}
		})
	}
	group.Wait()
	if n := number(t, d, `SELECT count(*) FROM users`); n != 1 {
		t.Errorf("%d accounts", n)
	}
}

func TestAnInvitedAddressCannotBeTaken(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Exec(t, `INSERT INTO invitations (email, user_role, token_hash, expires_at)
		VALUES ('boss@example.com', 'admin', sha256('x'), now() + interval '1 day'), ('late@example.com', 'agent', sha256('y'), now() - interval '1 day')`)
	b := d.browser(t, store.Client)
	taken := b.post(t, "/signup", person("Eve", "BOSS@example.com", "a long password")).want(t, http.StatusUnprocessableEntity)
	b.post(t, "/signup", person("Eve", "late@example.com", "a long password")).want(t, http.StatusSeeOther)
	// The words are those for an address that has an account.
	known := d.browser(t, store.Client).post(t, "/signup", person("Eve", "late@example.com", "another password")).want(t, http.StatusUnprocessableEntity)
	if a, b := taken.html(t).Find("#f-email-error").Text(), known.html(t).Find("#f-email-error").Text(); a != b || a == "" {
		t.Errorf("an invited address is told from one with an account: %q and %q", a, b)
	}
}

func TestSignUpIsSlowedPerAddress(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Exec(t, `INSERT INTO sign_in_failures (key, failures, last_at) VALUES (sha256('sign-up'::bytea || '\x00'::bytea || '192.0.2.7'::bytea), 20, now())`)
	b := d.browser(t, store.Client)
	b.post(t, "/signup", person("Ana", "ana@example.com", "a long password")).want(t, http.StatusTooManyRequests)
	b.peer = "192.0.2.8:1"
	b.post(t, "/signup", person("Ana", "ana@example.com", "a long password")).want(t, http.StatusSeeOther)
}

func TestOnlyTheInvitedSignUpElsewhere(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http", func(c *web.Config) { c.SignUpOpen = false })
	for _, portal := range store.Roles {
		b := d.browser(t, portal)
		got := b.get(t, "/signup").want(t, http.StatusForbidden)
		if !strings.Contains(got.body, "by invitation") {
			t.Error(got.body)
		}
		b.post(t, "/signup", person("Eve", "eve@example.com", "a long password")).want(t, http.StatusForbidden)
		if strings.Contains(b.get(t, "/sign-in").body, "Create an account") {
			t.Errorf("%s: the sign-in page offers what is closed", portal)
		}
	}
	if n := number(t, d, `SELECT count(*) FROM users`); n != 0 {
		t.Errorf("%d accounts", n)
	}
}

// A link on every portal, in every state.
func TestAnInvitationsLink(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https", func(c *web.Config) { c.SignUpOpen = false })
	invite := func(email, token string, role store.Role, more string) {
		d.Exec(t, `INSERT INTO invitations (email, user_role, token_hash, expires_at, accepted_at, revoked_at)
			SELECT $1, $2, sha256($3::bytea), `+more, email, string(role), token)
	}
	for _, role := range store.Roles {
		invite(string(role)+"@example.com", "open-"+string(role), role, `now() + interval '1 day', NULL, NULL`)
		invite("late-"+string(role)+"@example.com", "late-"+string(role), role, `now() - interval '1 day', NULL, NULL`)
		invite("used-"+string(role)+"@example.com", "used-"+string(role), role, `now() + interval '1 day', now(), NULL`)
		invite("gone-"+string(role)+"@example.com", "gone-"+string(role), role, `now() + interval '1 day', NULL, now()`)
	}
	for _, of := range store.Roles {
		for _, on := range store.Roles {
			b := d.browser(t, on)
			for kind, c := range map[string]struct {
				status int
				words  string
			}{
				"late": {http.StatusGone, "has expired"}, "used": {http.StatusGone, "has been used"}, "gone": {http.StatusGone, "was revoked"},
				"none": {http.StatusNotFound, "is unknown"},
			} {
				link := kind + "-" + string(of)
				page := b.get(t, "/signup?token="+link).want(t, c.status)
				sent := b.post(t, "/signup", url.Values{"token": {link}, "full_name": {"Eve"}, "password": {"a long password"}}).want(t, c.status)
				if !strings.Contains(page.body, c.words) || !strings.Contains(sent.body, c.words) {
					t.Errorf("%s on %s does not say that it %s", link, on, c.words)
				}
			}
			if of == on {
				continue
			}
			link := "/signup?token=open-" + string(of)
			there := "https://" + string(of) + ".example.com"
			page := b.get(t, link).want(t, http.StatusForbidden).html(t)
			if page.Find(`a[href="`+there+link+`"]`).Length() != 1 || !strings.Contains(page.Find("main").Text(), "for the "+string(of)+" portal") ||
				!strings.Contains(page.Find("main").Text(), there) {
				t.Errorf("%s on %s: %s", of, on, page.Find("main").Text())
			}
			b.post(t, "/signup", url.Values{"token": {"open-" + string(of)}, "full_name": {"Eve"}, "password": {"a long password"}}).want(t, http.StatusForbidden)
		}
	}
	if n := number(t, d, `SELECT count(*) FROM users`); n != 0 {
		t.Fatalf("%d accounts by refused links", n)
	}
	for _, role := range store.Roles {
		b := d.browser(t, role)
		form := b.get(t, "/signup?token=open-"+string(role)).want(t, http.StatusOK).html(t)
		email := form.Find("[name=email]")
		if _, fixed := email.Attr("readonly"); !fixed || email.AttrOr("value", "") != string(role)+"@example.com" {
			t.Errorf("%s: the address is not shown, or not fixed", role)
		}
		fields := url.Values{"token": {form.Find("[name=token]").AttrOr("value", "")}, "full_name": {"Ana"}, "email": {"eve@example.com"}, "password": {"short"}}
		again := b.post(t, "/signup", fields).want(t, http.StatusUnprocessableEntity).html(t)
		if again.Find("#f-password-error").Text() == "" || again.Find("[name=full_name]").AttrOr("value", "") != "Ana" ||
			again.Find("[name=email]").AttrOr("value", "") != string(role)+"@example.com" {
			t.Errorf("%s: the form did not come back whole", role)
		}
		fields.Set("password", "a long password")
		b.post(t, "/signup", fields).want(t, http.StatusSeeOther, "/auth/callback")
		b.get(t, "/auth/callback").want(t, http.StatusSeeOther, "/")
		b.get(t, "/account").want(t, http.StatusOK)
		b.post(t, "/signup", fields).want(t, http.StatusGone)
	}
	if n := number(t, d, `SELECT count(*) FROM users WHERE email = user_role || '@example.com'`); n != 3 {
		t.Errorf("%d accounts, want one a role, of the invited address", n)
	}
}

// The link of an empty help desk asks for the address too.
func TestTheFirstAdminSaysTheirAddress(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	link, err := store.InviteFirstAdmin(t.Context(), d.OwnerURL, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := d.browser(t, store.Admin)
	form := b.get(t, "/signup?token="+link).want(t, http.StatusOK).html(t)
	if _, fixed := form.Find("[name=email]").Attr("readonly"); fixed || form.Find("[name=email]").AttrOr("value", "") != "" {
		t.Error("the address is fixed")
	}
	fields := url.Values{"token": {link}, "full_name": {"Ana"}, "email": {"nonsense"}, "password": {storetest.Password}}
	got := b.post(t, "/signup", fields).want(t, http.StatusUnprocessableEntity).html(t)
	if got.Find("#f-email-error").Text() == "" || got.Find("[name=email]").AttrOr("value", "") != "nonsense" {
		t.Error("no error beside the address, or what was typed is gone")
	}
	fields.Set("email", "ana@example.com")
	b.post(t, "/signup", fields).want(t, http.StatusSeeOther, "/auth/callback")
	b.get(t, "/auth/callback").want(t, http.StatusSeeOther, "/")
}
