package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autocrm/store"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"
)

// adminAt is a deployment with one admin, at the admin portal.
func adminAt(t testing.TB) (*deployment, *browser, store.Actor) {
	t.Helper()
	d := deploy(t, "https")
	admin := d.Person(t, store.Admin, "root@example.com")
	return d, d.browser(t, store.Admin).signIn(t, admin.Email), admin
}

func number(t testing.TB, d *deployment, sql string, args ...any) (n int) {
	t.Helper()
	if err := d.Owner.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// row is the row of the list that shows text.
func row(t testing.TB, doc *goquery.Document, text string) *goquery.Selection {
	t.Helper()
	found := doc.Find("[data-row]").FilterFunction(func(_ int, s *goquery.Selection) bool { return strings.Contains(s.Text(), text) })
	if found.Length() != 1 {
		t.Fatalf("%d rows show %q", found.Length(), text)
	}
	return found
}

// press posts the form whose button says label, with its hidden fields.
func press(t testing.TB, b *browser, within *goquery.Selection, label string, more url.Values) answer {
	t.Helper()
	button := within.Find("button").FilterFunction(func(_ int, s *goquery.Selection) bool { return strings.TrimSpace(s.Text()) == label })
	form := button.Closest("form")
	if form.Length() != 1 || form.AttrOr("method", "") != "post" {
		t.Fatalf("%d forms with a button %q", form.Length(), label)
	}
	fields := url.Values{}
	form.Find("input[type=hidden]").Each(func(_ int, s *goquery.Selection) { fields.Set(s.AttrOr("name", ""), s.AttrOr("value", "")) })
	for name, values := range more {
		fields[name] = values
	}
	return b.post(t, form.AttrOr("action", ""), fields)
}

func TestAnInvitationShowsItsLinkOnceAndForTheRightPortal(t *testing.T) {
	t.Parallel()
	d, b, _ := adminAt(t)
	if empty := b.get(t, "/invitations").want(t, 200).html(t); empty.Find(".empty__title").Text() != "Nobody has been invited yet" {
		t.Errorf("the empty page says %q", empty.Find(".empty").Text())
	}
	for _, role := range store.Roles {
		email := string(role) + "@invited.example"
		doc := b.post(t, "/invitations", url.Values{"email": {email}, "role": {string(role)}}).want(t, http.StatusCreated).html(t)
		link := doc.Find("#invitation-link").AttrOr("value", "")
		prefix := "https://" + string(role) + ".example.com/signup?token="
		if !strings.HasPrefix(link, prefix) {
			t.Fatalf("%s: the link is %q", role, link)
		}
		token := strings.TrimPrefix(link, prefix)
		if _, err := d.Store.CheckInvitation(t.Context(), token, role); err != nil {
			t.Errorf("%s: %v", role, err)
		}
		if row(t, doc, email).Find(".tag").Text() != "Open" {
			t.Errorf("%s: the list does not show it open", role)
		}
		if doc.Find(`form[action="/invitations"] [name=email]`).AttrOr("value", "") != "" {
			t.Error("the form still holds the address")
		}
		if again := b.get(t, "/invitations").want(t, 200); strings.Contains(again.body, token) {
			t.Error("the link stands on a second page")
		}
	}
	if strings.Contains(d.log.String(), "token=") {
		t.Error("a link stands in the log")
	}
}

func TestNewLinkAndRevokeFromTheList(t *testing.T) {
	t.Parallel()
	d, b, _ := adminAt(t)
	first := b.post(t, "/invitations", url.Values{"email": {"ana@example.com"}, "role": {"agent"}}).want(t, 201).html(t)
	old := first.Find("#invitation-link").AttrOr("value", "")
	second := press(t, b, row(t, b.get(t, "/invitations?state=open").html(t), "ana@"), "New link", nil).want(t, 201).html(t)
	link := second.Find("#invitation-link").AttrOr("value", "")
	if link == "" || link == old {
		t.Fatalf("the new link is %q", link)
	}
	list := row(t, b.get(t, "/invitations?state=open&q=ana").html(t), "ana@")
	press(t, b, list, "Revoke", nil).want(t, http.StatusSeeOther, "/invitations?q=ana&state=open")
	after := b.get(t, "/invitations").want(t, 200).html(t)
	if !strings.Contains(after.Find(".notice").Text(), "ana@example.com is revoked") {
		t.Errorf("it says %q", after.Find(".notice").Text())
	}
	revoked := row(t, after, "ana@")
	if revoked.Find(".tag").Text() != "Revoked" || revoked.Find("button").Length() != 0 {
		t.Errorf("the row: %s", revoked.Text())
	}
	// A stale page of another admin must not bring it back.
	id := number(t, d, `SELECT count(*) FROM invitations WHERE revoked_at IS NOT NULL`)
	again := press(t, b, list, "New link", nil).want(t, http.StatusUnprocessableEntity).html(t)
	if !strings.Contains(again.Find(".notice").Text(), "was revoked") || again.Find("#invitation-link").Length() != 0 || id != 1 {
		t.Errorf("it says %q", again.Find(".notice").Text())
	}
	// By its address such an answer leads back to the list.
	b.get(t, "/invitations/"+uuid.NewString()+"/link?state=open").want(t, http.StatusSeeOther, "/invitations?state=open")
}

func TestBadInvitationsSayWhatIsWrongAndKeepWhatWasTyped(t *testing.T) {
	t.Parallel()
	d, b, _ := adminAt(t)
	d.Person(t, store.Client, "taken@example.com")
	b.post(t, "/invitations", url.Values{"email": {"open@example.com"}, "role": {"agent"}}).want(t, 201)
	for _, c := range []struct {
		email, role, field, words string
	}{
		{"", "agent", "email", "Enter an email address"},
		{"not an address", "admin", "email", "not an email address"},
		{`"><script>alert(1)</script>@example.com`, "agent", "email", "not an email address"},
		{strings.Repeat("a", 100000) + "@example.com", "agent", "email", "at most 254"},
		{"ana@example.com", "", "role", "Choose a role"},
		{"ana@example.com", "owner", "role", "Choose a role"},
		{"Taken@example.com", "agent", "email", "has an account already, as a client"},
		{"OPEN@example.com", "client", "email", "has an open invitation"},
	} {
		doc := b.post(t, "/invitations", url.Values{"email": {c.email}, "role": {c.role}}).want(t, http.StatusUnprocessableEntity).html(t)
		if said := doc.Find("#f-" + c.field + "-error").Text(); !strings.Contains(said, c.words) {
			t.Errorf("%.40q as %q: beside %s it says %q", c.email, c.role, c.field, said)
		}
		if kept := doc.Find("#f-email").AttrOr("value", ""); kept != c.email {
			t.Errorf("%.40q came back as %.40q", c.email, kept)
		}
		if kept := doc.Find("#f-role option[selected]").AttrOr("value", ""); store.Role(c.role).Valid() && kept != c.role {
			t.Errorf("the role %q came back as %q", c.role, kept)
		}
		if doc.Find("script:not([src])").Length() != 0 {
			t.Error("a script came in")
		}
	}
	if n := number(t, d, `SELECT count(*) FROM invitations`); n != 1 {
		t.Errorf("%d invitations", n)
	}
	// The way on from an open invitation: its own button, beside the form that stays as it was typed.
	doc := b.post(t, "/invitations", url.Values{"email": {"open@example.com"}, "role": {"agent"}}).html(t)
	if doc.Find(`button[form=already]`).Length() != 1 {
		t.Fatal("no New link beside the form")
	}
	b.post(t, doc.Find("form#already").AttrOr("action", ""), nil).want(t, http.StatusCreated)
}

func TestBadAddressesOfTheAdminPages(t *testing.T) {
	t.Parallel()
	_, b, _ := adminAt(t)
	nobody := uuid.NewString()
	for path, status := range map[string]int{
		"/users/x": 404, "/users/" + nobody: 404, "/users/" + nobody + "/facts": 404, "/users/" + nobody + "/deactivation": 404,
		"/users?role=owner": 422, "/users?after=x": 422, "/users?before=%ff": 422, "/invitations?state=lost": 422, "/invitations?after=%00": 422,
		"/users?q=%25_%27": 200, "/invitations?q=" + strings.Repeat("a", 5000): 200,
	} {
		got := b.get(t, path)
		if got.StatusCode != status && !(status == 422 && got.StatusCode == 400) {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	for _, path := range []string{"/users/x/role", "/users/" + nobody + "/role", "/users/" + nobody + "/deactivation", "/users/" + nobody + "/reactivation",
		"/invitations/x/link", "/invitations/" + nobody + "/link", "/invitations/" + nobody + "/revocation"} {
		b.post(t, path, url.Values{"role": {"agent"}}).want(t, http.StatusNotFound)
	}
}

func TestAnAdminChangesARole(t *testing.T) {
	t.Parallel()
	d, b, _ := adminAt(t)
	ana := d.Person(t, store.Agent, "ana@example.com")
	path := "/users/" + ana.UserID.String()
	stale := b.get(t, path).want(t, 200).html(t)
	press(t, b, stale.Selection, "Change role", url.Values{"role": {"admin"}}).want(t, http.StatusSeeOther, path)
	doc := b.get(t, path).want(t, 200).html(t)
	if said := doc.Find(".notice").Text(); !strings.Contains(said, "Ana is now an admin") {
		t.Errorf("it says %q", said)
	}
	if doc.Find("#f-role option[selected]").AttrOr("value", "") != "admin" {
		t.Error("the select shows another role")
	}
	// The page from before: what was seen is not so any more.
	again := press(t, b, stale.Selection, "Change role", url.Values{"role": {"client"}}).want(t, http.StatusConflict).html(t)
	if said := again.Find("#f-role-error").Text(); !strings.Contains(said, "is an admin meanwhile") {
		t.Errorf("it says %q", said)
	}
	if again.Find("#f-role option[selected]").AttrOr("value", "") != "client" {
		t.Error("the choice was lost")
	}
	b.post(t, path+"/role", url.Values{"role": {"owner"}}).want(t, http.StatusUnprocessableEntity)
	if n := number(t, d, `SELECT count(*) FROM users WHERE id = $1 AND user_role = 'admin'`, ana.UserID); n != 1 {
		t.Error("the role changed all the same")
	}
	b.get(t, path+"/role").want(t, http.StatusSeeOther, path)
}

func TestDeactivatingAsksFirstAndTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	d, b, admin := adminAt(t)
	ana := d.Person(t, store.Agent, "ana@example.com")
	hers := d.browser(t, store.Agent).signIn(t, ana.Email)
	hers.get(t, "/").want(t, http.StatusOK)

	list := row(t, b.get(t, "/users").want(t, 200).html(t), "ana@")
	ask := list.Find("a").FilterFunction(func(_ int, s *goquery.Selection) bool { return strings.TrimSpace(s.Text()) == "Deactivate" })
	doc := b.get(t, ask.AttrOr("href", "")).want(t, 200).html(t)
	if n := number(t, d, `SELECT count(*) FROM users WHERE NOT active`); n != 0 {
		t.Fatal("asking alone deactivated somebody")
	}
	press(t, b, doc.Find("main"), "Deactivate", nil).want(t, http.StatusSeeOther, "/users/"+ana.UserID.String())
	if got := hers.get(t, "/"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("her next request: %d", got.StatusCode)
	}
	list = row(t, b.get(t, "/users?state=inactive").want(t, 200).html(t), "ana@")
	press(t, b, list, "Reactivate", nil).want(t, http.StatusSeeOther, "/users/"+ana.UserID.String())
	if n := number(t, d, `SELECT count(*) FROM users WHERE active`); n != 2 {
		t.Errorf("%d active people", n)
	}

	// The last admin.
	self := "/users/" + admin.UserID.String()
	if said := b.post(t, self+"/deactivation", nil).want(t, 422).html(t).Find(".notice").Text(); !strings.Contains(said, "last active admin") {
		t.Errorf("it says %q", said)
	}
	if said := b.post(t, self+"/role", url.Values{"role": {"agent"}}).want(t, 422).html(t).Find("#f-role-error").Text(); !strings.Contains(said, "last active admin") {
		t.Errorf("it says %q", said)
	}
	b.get(t, "/users").want(t, http.StatusOK)
}

func TestLiveRegionsOfTheAdminPages(t *testing.T) {
	t.Parallel()
	d, b, _ := adminAt(t)
	ana := d.Person(t, store.Agent, "ana@example.com")
	b.post(t, "/invitations", url.Values{"email": {"x@example.com"}, "role": {"agent"}}).want(t, 201)
	for path, id := range map[string]string{"/users?role=agent": "users", "/users/" + ana.UserID.String(): "user-" + ana.UserID.String(), "/invitations?q=x": "invitations"} {
		page := b.get(t, path).want(t, 200).html(t)
		region := page.Find("#" + id)
		src := region.AttrOr("hx-get", "")
		part := b.get(t, src, "HX-Request", "true").want(t, 200)
		again := part.html(t).Find("body > *")
		if again.Length() != 1 || again.AttrOr("id", "") != id {
			t.Errorf("%s: the fragment is %d elements, the first #%s", path, again.Length(), again.AttrOr("id", ""))
		}
		for _, name := range []string{"data-topic", "data-version", "hx-get", "hx-trigger", "hx-swap"} {
			if region.AttrOr(name, "-") != again.AttrOr(name, "+") {
				t.Errorf("%s: %s is %q on the page and %q in the fragment", path, name, region.AttrOr(name, "-"), again.AttrOr(name, "+"))
			}
		}
		b.get(t, src, "HX-Request", "true", "If-None-Match", part.Header.Get("ETag")).want(t, http.StatusNotModified)
		if region.Find("select, textarea, input:not([type=hidden])").Length() != 0 {
			t.Errorf("%s: a field stands in the live region", path)
		}
	}
	if version := b.get(t, "/users").html(t).Find("#users").AttrOr("data-version", ""); version == "" || version == "0" {
		t.Errorf("the version is %q", version)
	}
}
