package web_test

import (
	"net/http"
	"net/url"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"
)

func TestSigningInLeadsToThePortal(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	for _, role := range store.Roles {
		email := string(role) + "@example.com"
		d.Person(t, role, email)
		b := d.browser(t, role)
		b.get(t, "/").want(t, http.StatusSeeOther, "/sign-in")
		b.get(t, "/sign-in?next=/tickets").want(t, http.StatusOK)
		form := url.Values{"email": {email}, "password": {storetest.Password}, "next": {"/tickets?page=2"}}
		b.post(t, "/sign-in", form).want(t, http.StatusSeeOther, "/auth/callback?next=%2Ftickets%3Fpage%3D2")
		b.get(t, "/auth/callback?next=%2Ftickets%3Fpage%3D2").want(t, http.StatusSeeOther, "/tickets?page=2")
		home := b.get(t, "/").want(t, http.StatusOK).html(t)
		if got := home.Find("html").AttrOr("data-cursor", ""); got != "cursor" {
			t.Errorf("%s: data-cursor %q", role, got)
		}
		b.post(t, "/sign-out", nil).want(t, http.StatusSeeOther, "/sign-in")
		b.get(t, "/").want(t, http.StatusSeeOther, "/sign-in")
	}
}
