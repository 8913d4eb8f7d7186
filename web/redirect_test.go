package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"
)

// Through every step of signing in, a link somebody else wrote leads nowhere but here.
func TestSigningInNeverLeadsAway(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Client, "ana@example.com")
	for _, next := range []string{
		"//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example", "javascript:alert(1)", "/\r\nX: y", "\x00", "\xff",
	} {
		b := d.browser(t, store.Client)
		page := b.get(t, "/sign-in?next="+url.QueryEscape(next))
		if strings.Contains(page.body, "evil") {
			t.Errorf("%q stands on the page", next)
		}
		form := url.Values{"email": {"ana@example.com"}, "password": {storetest.Password}, "next": {next}}
		b.post(t, "/sign-in", form).want(t, http.StatusSeeOther, "/auth/callback")
		got := b.get(t, "/auth/callback?next="+url.QueryEscape(next))
		if got.StatusCode != http.StatusBadRequest { // a broken address is refused before it is looked at
			got.want(t, http.StatusSeeOther, "/")
		}
		got = b.get(t, "/sign-in?next="+url.QueryEscape(next))
		if got.StatusCode != http.StatusBadRequest {
			got.want(t, http.StatusSeeOther, "/auth/callback")
		}
	}
	b := d.browser(t, store.Client)
	b.get(t, "/account?x=%2F%2Fy").want(t, http.StatusSeeOther, "/sign-in?next=%2Faccount%3Fx%3D%252F%252Fy")
	b.get(t, "/account", "HX-Request", "true").want(t, http.StatusUnauthorized)
	b.get(t, "/account", "Accept", "application/json").want(t, http.StatusUnauthorized)
	b.post(t, "/account/name", nil).want(t, http.StatusSeeOther, "/sign-in")
}

// As a browser reads a Location: tabs and line breaks are dropped, a backslash is a slash.
func TestEveryRedirectStaysHere(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	d.Person(t, store.Client, "ana@example.com")
	read := func(location string) string {
		location = strings.NewReplacer("\t", "", "\r", "", "\n", "", `\`, "/").Replace(strings.TrimFunc(location, func(r rune) bool { return r <= ' ' }))
		to, err := url.Parse(location)
		if err != nil {
			return err.Error()
		}
		return (&url.URL{Scheme: "https", Host: "client.example.com"}).ResolveReference(to).Host
	}
	var hostile []string
	for _, slash := range []string{"/", `\`, "%2f", "%5c", "\t", "/.", "/;", "/%09", "/\u2044", "/\uff0f", "//", `/\`, `\/`, "///", "/x/..//", "/%2e//", ""} {
		for _, to := range []string{"/evil.example", `\evil.example`, "//evil.example", "https://evil.example", "https:evil.example", "https:/evil.example", "HTTPS:%2f%2fevil.example",
			"@evil.example", "client.example.com@evil.example", "evil.example", "javascript:alert(1)", "data:text/html,x", ":80/x", "?next=//evil.example", "#//evil.example"} {
			hostile = append(hostile, slash+to)
		}
	}
	hostile = append(hostile, "/"+strings.Repeat("a", 100_000), strings.Repeat("/", 3000), " //evil.example", "/%2fevil.example/ x", "\u00a0//evil.example", "/\x00/evil.example", "https://client.example.com.evil.example/")
	for _, next := range hostile {
		b := d.browser(t, store.Client)
		got := []answer{b.post(t, "/sign-in", url.Values{"email": {"ana@example.com"}, "password": {storetest.Password}, "next": {next}}).want(t, http.StatusSeeOther)}
		for range 3 { // to /auth/callback, and from there on
			if at := got[len(got)-1].Header.Get("Location"); strings.HasPrefix(at, "/auth/callback") {
				got = append(got, b.get(t, at))
			}
		}
		for _, page := range []string{"/auth/callback", "/sign-in"} {
			if len(next) < 10_000 {
				got = append(got, b.get(t, page+"?next="+url.QueryEscape(next)))
			}
		}
		for _, answer := range got {
			if to := answer.Header.Get("Location"); to != "" && read(to) != "client.example.com" || len(to) > 8000 {
				t.Errorf("%.80q leads to %.80q", next, to)
			}
		}
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	d.Person(t, store.Client, "ana@example.com")
	for name, c := range map[string]struct {
		header  []string
		refused bool
	}{
		"same origin":                 {[]string{"Sec-Fetch-Site", "same-origin", "Origin", "https://client.example.com"}, false},
		"typed by the person":         {[]string{"Sec-Fetch-Site", "none"}, false},
		"no browser":                  {[]string{"Sec-Fetch-Site", ""}, false},
		"old browser, same host":      {[]string{"Sec-Fetch-Site", "", "Origin", "https://client.example.com"}, false},
		"another site":                {[]string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, true},
		"another portal":              {[]string{"Sec-Fetch-Site", "same-site", "Origin", "https://agent.example.com"}, true},
		"another site, its own word":  {[]string{"Sec-Fetch-Site", "cross-site"}, true},
		"old browser, another site":   {[]string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, true},
		"old browser, another portal": {[]string{"Sec-Fetch-Site", "", "Origin", "https://admin.example.com"}, true},
		"old browser, sandboxed":      {[]string{"Sec-Fetch-Site", "", "Origin", "null"}, true},
		"host rewritten by a proxy":   {[]string{"Sec-Fetch-Site", "", "Origin", "https://help.example.com"}, true},
	} {
		b := d.browser(t, store.Client)
		got := b.post(t, "/sign-in", url.Values{"email": {"ana@example.com"}, "password": {storetest.Password}}, c.header...)
		if !c.refused {
			if got.StatusCode != http.StatusSeeOther {
				t.Errorf("%s: %d", name, got.StatusCode)
			}
			continue
		}
		if got.StatusCode != http.StatusForbidden || len(got.Cookies()) > 0 {
			t.Errorf("%s: %d %v", name, got.StatusCode, got.Cookies())
		}
		if text := got.html(t).Find("main").Text(); !strings.Contains(text, "client.example.com") ||
			!strings.Contains(text, strings.TrimPrefix(header(c.header, "Origin"), "null")) {
			t.Errorf("%s: the page does not name what was seen: %s", name, text)
		}
	}
}

func header(pairs []string, name string) string {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == name {
			return pairs[i+1]
		}
	}
	return ""
}
