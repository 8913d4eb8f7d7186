package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"
)

func TestOnesOwnPage(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Admin, "ana@example.com")
	d.Person(t, store.Admin, "ben@example.com")
	d.Exec(t, `DELETE FROM sessions`)
	b := d.browser(t, store.Admin).signIn(t, "ana@example.com")
	phone := d.browser(t, store.Admin).signIn(t, "ana@example.com")
	ben := d.browser(t, store.Admin).signIn(t, "ben@example.com")

	b.post(t, "/account/name", url.Values{"full_name": {"  Ana Ruiz "}}).want(t, http.StatusSeeOther, "/account")
	page := b.get(t, "/account").want(t, http.StatusOK).html(t)
	if name := page.Find("[name=full_name]").AttrOr("value", ""); name != "Ana Ruiz" || !strings.Contains(page.Text(), "Your name is saved.") {
		t.Errorf("name %q", name)
	}
	// An admin may see everybody's sessions; their own page lists their own.
	if places := page.Find("tbody tr").Length(); places != 2 {
		t.Errorf("%d places, want 2", places)
	}
	for _, name := range []string{"", "   ", "A\u202eB", strings.Repeat("x", 121)} {
		got := b.post(t, "/account/name", url.Values{"full_name": {name}}).want(t, http.StatusUnprocessableEntity).html(t)
		if got.Find("#f-full_name-error").Text() == "" || got.Find("[name=full_name]").AttrOr("value", "") != name {
			t.Errorf("%q: no error beside the field, or what was typed is gone", name)
		}
	}

	// Ending another's session changes nothing, and does not tell that it exists.
	var benID string
	if err := d.Owner.QueryRow(t.Context(), `SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = 'ben@example.com'`).Scan(&benID); err != nil {
		t.Fatal(err)
	}
	b.post(t, "/account/sessions/"+benID+"/revocation", nil).want(t, http.StatusSeeOther)
	ben.get(t, "/account").want(t, http.StatusOK)
	b.post(t, "/account/sessions/x/revocation", nil).want(t, http.StatusNotFound)

	end := page.Find(`form[action^="/account/sessions/"][action$="/revocation"]`).Not(`[action="/account/sessions/revocation"]`)
	if end.Length() != 1 {
		t.Fatalf("%d sessions can be ended, want 1", end.Length())
	}
	b.post(t, end.AttrOr("action", ""), nil).want(t, http.StatusSeeOther, "/account")
	phone.get(t, "/account").want(t, http.StatusSeeOther)
	phone.signIn(t, "ana@example.com")
	b.post(t, "/account/sessions/revocation", nil).want(t, http.StatusSeeOther, "/account")
	phone.get(t, "/account").want(t, http.StatusSeeOther)
	b.get(t, "/account").want(t, http.StatusOK)
	ben.get(t, "/account").want(t, http.StatusOK)
}

func TestChangingThePassword(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Client, "ana@example.com")
	d.Person(t, store.Client, "ben@example.com")
	b := d.browser(t, store.Client).signIn(t, "ana@example.com")
	phone := d.browser(t, store.Client).signIn(t, "ana@example.com")
	ben := d.browser(t, store.Client).signIn(t, "ben@example.com")
	change := func(current, next string) answer {
		return b.post(t, "/account/password", url.Values{"current_password": {current}, "new_password": {next}})
	}
	for _, c := range []struct{ current, next, field string }{
		{"wrong", "a new password", "current_password"},
		{"", "a new password", "current_password"},
		{storetest.Password, "short", "new_password"},
		{storetest.Password, strings.Repeat("x", 201), "new_password"},
	} {
		got := change(c.current, c.next).want(t, http.StatusUnprocessableEntity)
		if got.html(t).Find("#f-"+c.field+"-error").Text() == "" || strings.Contains(got.body, `value="`+c.next) {
			t.Errorf("%+v: %s", c, got.html(t).Find(".field__error").Text())
		}
	}
	phone.get(t, "/account").want(t, http.StatusOK)
	change(storetest.Password, "a new password").want(t, http.StatusSeeOther, "/account")
	b.get(t, "/account").want(t, http.StatusOK)
	phone.get(t, "/account").want(t, http.StatusSeeOther)
	ben.get(t, "/account").want(t, http.StatusOK)
	signIn := func(password string) answer {
		return phone.post(t, "/sign-in", url.Values{"email": {"ana@example.com"}, "password": {password}})
	}
	signIn(storetest.Password).want(t, http.StatusUnprocessableEntity)
	signIn("a new password").want(t, http.StatusSeeOther)
	// An unlocked screen is no place to try passwords at.
	for range 5 {
		change("wrong", "another password")
	}
	change("wrong", "another password").want(t, http.StatusTooManyRequests)
}

func TestTheDisplayIsKeptWithoutScripts(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Client, "ana@example.com")
	b := d.browser(t, store.Client).signIn(t, "ana@example.com")
	b.post(t, "/account/display", url.Values{"theme": {"dark"}, "density": {"compact"}, "keys": {"off"}}).want(t, http.StatusSeeOther, "/account")
	html := b.get(t, "/account").html(t).Find("html")
	if html.AttrOr("data-theme", "") != "dark" || html.AttrOr("data-density", "") != "compact" || html.AttrOr("data-keys", "") != "off" {
		t.Error("not kept")
	}
	b.post(t, "/account/display", url.Values{"theme": {`dark"><script>`}}).want(t, http.StatusSeeOther, "/account")
	html = b.get(t, "/account").html(t).Find("html")
	if _, set := html.Attr("data-theme"); set {
		t.Error("not taken back")
	}
	got := b.get(t, "/account", "Cookie", `theme=x"y; density=<b>`)
	if _, set := got.html(t).Find("html").Attr("data-theme"); set {
		t.Error("a made-up choice is believed")
	}
}
