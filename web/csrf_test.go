package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"autocrm/store"
	"autocrm/web"
)

// everything is all that people can change, as text.
func (d *deployment) everything(t testing.TB) (all string) {
	t.Helper()
	err := d.Owner.QueryRow(t.Context(), `
		SELECT (SELECT count(*) FROM sessions)::text || (SELECT string_agg(s.id::text || coalesce(revoked_at::text, ''), '|' ORDER BY id) FROM sessions s)
		    || (SELECT string_agg(u.id::text || email || full_name || user_role || coalesce(password_hash, '') || active, '|' ORDER BY id) FROM users u)
		    || coalesce((SELECT string_agg(i::text, '|' ORDER BY id) FROM invitations i), '')`).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all + d.fingerprint(t)
}

// crossSite is every way in which a browser says where a request comes from, and whether a form may pass.
var crossSite = []struct {
	site, origin string // Sec-Fetch-Site, Origin; "" is no header
	passes       bool
}{
	{"", "", true}, // no browser: it has nobody's cookie unless somebody gave it
	{"same-origin", "", true},
	{"same-origin", "{own}", true},
	{"none", "", true}, // typed into the address bar, or a bookmark
	{"", "{own}", true},
	{"same-site", "", false},
	{"same-site", "{other}", false},
	{"same-site", "{own}", false}, // the two disagree: the one that no script can set counts
	{"cross-site", "", false},
	{"cross-site", "null", false},
	{"cross-site", "{own}", false},
	{"cross-site", "https://evil.example", false},
	{"", "null", false},
	{"", "https://evil.example", false},
	{"", "{other}", false},
	{"", "{own}.evil.example", false},
	{"", "https://evil.example/{own}", false},
	{"", "{own}:8443", false},
	{"", "https://x@evil.example", false},
	{"", "file://", false},
	{"", "chrome-extension://abcdef", false},
	{"", "not an origin", false},
	{"SAME-ORIGIN", "https://evil.example", false},
	{"same-origin, cross-site", "https://evil.example", false},
	{"unheard-of", "", false},
}

// Every form of every portal, with its own people's cookie, from every kind of place: where the browser does not
// say that it is of this very portal, nothing happens.
func TestNoFormOfAnotherSiteDoesAnything(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "client@example.com")
	ticket := client.submit(t, "Printer", "It smokes")
	var victim string
	if err := d.Owner.QueryRow(t.Context(), `SELECT id FROM users WHERE email = 'client@example.com'`).Scan(&victim); err != nil {
		t.Fatal(err)
	}
	people := map[store.Role]*browser{store.Client: client, store.Agent: d.person(t, store.Agent, "agent@example.com"),
		store.Admin: d.person(t, store.Admin, "admin@example.com")}
	form := url.Values{"content": {"forged"}, "subject": {"forged"}, "description": {"forged"}, "priority": {"urgent"}, "status": {"closed"},
		"seen": {"new"}, "assignee": {victim}, "full_name": {"forged"}, "email": {"forged@example.com"}, "role": {"admin"}, "password": {"autocrm-demo"},
		"current_password": {"autocrm-demo"}, "new_password": {"forged password"}, "theme": {"dark"}}
	before := d.everything(t)
	forms := 0
	for role, b := range people {
		own, other := "https://"+string(role)+".example.com", "https://agent.example.com"
		if role == store.Agent {
			other = "https://client.example.com"
		}
		for _, route := range web.Routes(d.handler, string(role)+".example.com") {
			if route.Method != http.MethodPost {
				continue
			}
			forms++
			path := strings.NewReplacer(":number", strings.TrimPrefix(ticket, "/tickets/"), ":id", victim).Replace(route.Path)
			for _, c := range crossSite {
				if c.passes {
					continue
				}
				header := []string{"Sec-Fetch-Site", c.site, "Origin", strings.NewReplacer("{own}", own, "{other}", other).Replace(c.origin)}
				for _, kind := range []string{"application/x-www-form-urlencoded", "text/plain", "application/json"} {
					got := b.raw(t, http.MethodPost, path, form.Encode(), append(slices.Clone(header), "Content-Type", kind)...)
					if got.StatusCode != http.StatusForbidden || len(got.Cookies()) > 0 {
						t.Errorf("%s %s from %q, %q as %s: %d %v", role, path, c.site, c.origin, kind, got.StatusCode, got.Cookies())
					}
				}
			}
		}
	}
	if forms < 40 {
		t.Errorf("only %d forms were tried", forms)
	}
	if d.everything(t) != before {
		t.Error("a form of another site changed something")
	}
}

// The table once more with each method: what changes nothing may come from anywhere, everything else may not,
// whatever it calls itself.
func TestWhereEachMethodMayComeFrom(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	b := d.person(t, store.Agent, "agent@example.com")
	for _, c := range crossSite {
		header := []string{"Sec-Fetch-Site", c.site, "Origin", strings.NewReplacer("{own}", "https://agent.example.com", "{other}", "https://admin.example.com").Replace(c.origin)}
		for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "post", "PROPFIND"} {
			got := b.raw(t, method, "/account/name", "full_name=Ana", append(header, "Content-Type", "application/x-www-form-urlencoded")...)
			safe := method == "GET" || method == "HEAD" || method == "OPTIONS"
			switch {
			case !safe && !c.passes && got.StatusCode != http.StatusForbidden,
				method == "POST" && c.passes && got.StatusCode != http.StatusSeeOther,
				safe && got.StatusCode == http.StatusForbidden:
				t.Errorf("%s from %q, %q: %d", method, c.site, c.origin, got.StatusCode)
			case got.StatusCode >= 500 || got.Header.Get("Access-Control-Allow-Origin") != "" || got.Header.Get("Access-Control-Allow-Credentials") != "":
				t.Errorf("%s from %q, %q: %d, allows %v", method, c.site, c.origin, got.StatusCode, got.Header)
			}
		}
	}
}

// What a link or a picture can send changes nothing, whatever the request says that it means.
func TestLookingChangesNothing(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "client@example.com")
	ticket := strings.TrimPrefix(client.submit(t, "Printer", "It smokes"), "/tickets/")
	people := map[store.Role]*browser{store.Client: client, store.Agent: d.person(t, store.Agent, "agent@example.com"),
		store.Admin: d.person(t, store.Admin, "admin@example.com")}
	var victim string
	if err := d.Owner.QueryRow(t.Context(), `SELECT id FROM users WHERE email = 'agent@example.com'`).Scan(&victim); err != nil {
		t.Fatal(err)
	}
	before := d.everything(t)
	for role, b := range people {
		for _, route := range web.Routes(d.handler, string(role)+".example.com") {
			path := strings.NewReplacer(":number", ticket, ":id", victim, "*", "x").Replace(route.Path)
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				got := b.do(t, method, path+"?_method=POST&method=delete&content=forged&status=closed&role=admin&full_name=forged", nil,
					"Sec-Fetch-Site", "cross-site", "X-HTTP-Method-Override", "POST", "X-HTTP-Method", "DELETE", "X-Method-Override", "PUT")
				if got.StatusCode >= 500 {
					t.Errorf("%s %s: %d", method, path, got.StatusCode)
				}
			}
		}
	}
	if after := d.everything(t); after != before {
		t.Errorf("looking changed something:\n%s\n%s", before, after)
	}
}
