package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autocrm/store"
	"autocrm/web"

	"github.com/PuerkitoBio/goquery"
)

// payloads are markup that would run, fetch or lead away. What they would make is called pwned, so that it is
// found wherever it comes out as an element, an attribute or an address.
var payloads = []string{
	`<script>pwned()</script>`,
	`</script><script>pwned()</script>`,
	`<img src=pwned onerror=pwned()>`,
	`"><img src=pwned onerror=pwned()>`,
	`'><svg/onload=pwned()>`,
	`" onmouseover="pwned()" autofocus onfocus="pwned()" pwned="`,
	`' onmouseover='pwned()' pwned='`,
	"` onmouseover=pwned() pwned=`",
	` onload=pwned() pwned=1`,
	`</textarea><pwned-a onclick=pwned()>`,
	`</title><pwned-b>`,
	`--><pwned-c>`,
	`<!--><pwned-d>-->`,
	`]]><pwned-e>`,
	`</style><style>@import "//pwned.example"</style>`,
	`<style>@import "//pwned.example"</style>`,
	`javascript:pwned()`,
	`[a](javascript:pwned())`,
	`[a](java&#115;cript:pwned())`,
	`[a](data:text/html,<script>pwned()</script>)`,
	`![a](https://pwned.example/p.png" onerror="pwned())`,
	`<a href="javascript:pwned()">a</a>`,
	`<a href="vbscript:pwned()">a</a>`,
	`<javascript:pwned()>`,
	`<iframe srcdoc="<script>pwned()</script>">`,
	`<object data="data:text/html,pwned">`,
	`<base href="//pwned.example/">`,
	`<meta http-equiv="refresh" content="0;url=//pwned.example">`,
	`<form action="//pwned.example"><button formaction="javascript:pwned()">`,
	`<p hx-get="/pwned" hx-trigger="load" hx-on:load="pwned()" data-hx-get="/pwned">`,
	`<math><mtext></form><form><mglyph><style></math><img src=pwned onerror=pwned()>`,
	`<svg><animate xlink:href=#pwned attributeName=href values=javascript:pwned() /></svg>`,
	`<pwned-f id=timeline name=submit class=pwned style="position:fixed">`,
	`&lt;script&gt;pwned()&lt;/script&gt;`,
	`{{constructor.constructor('pwned()')()}}`,
	"<scr\u200dipt>pwned()</scr\u200dipt>",
	"\ufeff<pwned-g>\u2028pwned()\u2029",
	`<img src="pwned"/onerror=pwned()//`,
	`%3Cscript%3Epwned()%3C/script%3E`,
	`\u003cscript\u003epwned()\u003c/script\u003e`,
}

// hostile fills every text of the database that a page may show, past every check of a form.
func hostile(t testing.TB, d *deployment) {
	t.Helper()
	for i, p := range payloads {
		d.Exec(t, `
			WITH person AS (
				INSERT INTO users (email, full_name, user_role) VALUES (btrim($2 || $1) , btrim($1), (ARRAY['client', 'agent', 'admin'])[$3 % 3 + 1]) RETURNING id
			), agent AS (
				INSERT INTO users (email, full_name, user_role) VALUES ('a' || $2 || $1 || '.', btrim($1), 'agent') RETURNING id
			), ticket AS (
				INSERT INTO tickets (client_id, agent_id, subject, description, priority)
				SELECT CASE $3 % 2 WHEN 0 THEN (SELECT id FROM users WHERE email = 'client@example.com') ELSE person.id END, CASE $3 % 3 WHEN 0 THEN NULL ELSE agent.id END, $1, $1, (ARRAY['low','high'])[$3 % 2 + 1] FROM person, agent RETURNING id
			), said AS (
				INSERT INTO ticket_activities (ticket_id, user_id, activity_type, content, metadata)
				SELECT ticket.id, agent.id, kind, $1, jsonb_build_object('from', CASE kind WHEN 'assignment' THEN NULL ELSE $1 END, 'to', CASE kind WHEN 'assignment' THEN to_jsonb(agent.id) ELSE to_jsonb($1::text) END, $1, $1)
				FROM ticket, agent, unnest(ARRAY['comment', 'internal_note', 'status_change', 'priority_change', 'assignment']) kind RETURNING id, ticket_id, user_id
			), file AS (
				INSERT INTO attachments (ticket_id, activity_id, uploader_id, file_name, content_type, size, sha256, storage_key)
				SELECT ticket_id, id, user_id, $1, (ARRAY[$1, 'image/png'])[$3 % 2 + 1], 7, sha256(convert_to($1, 'UTF8')), id::text || $1 FROM said
			), place AS (
				INSERT INTO sessions (token_hash, user_id, portal, user_agent, address, idle_expires_at, expires_at)
				SELECT sha256(convert_to(id || $1, 'UTF8')), id, user_role, $1, $1, now() + interval '1 hour', now() + interval '1 hour'
				FROM users WHERE email LIKE '%@example.com'
			)
			INSERT INTO invitations (email, user_role, token_hash, created_by, expires_at)
			SELECT btrim('i' || $2 || $1), 'agent', sha256(convert_to($2 || 'i', 'UTF8')), agent.id, now() + ($3 % 2 * 10 - 5) * interval '1 hour' FROM agent`,
			p, fmt.Sprint(i), i)
	}
}

// Every page, region and JSON of every portal, found by following the links from its first page, over a database
// in which every text is hostile.
func TestNoTextBecomesMarkup(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	for _, role := range store.Roles {
		d.Person(t, role, string(role)+"@example.com")
	}
	hostile(t, d)
	seen := 0
	for _, role := range store.Roles {
		b := d.browser(t, role).signIn(t, string(role)+"@example.com")
		b.post(t, "/account/name", url.Values{"full_name": {payloads[5]}}).want(t, http.StatusSeeOther)
		queue, found := []string{"/"}, map[string]bool{"/": true}
		for _, route := range web.Routes(d.handler, string(role)+".example.com") {
			if route.Method == http.MethodGet && !strings.ContainsAny(route.Path, ":*") && !strings.HasPrefix(route.Path, "/live") {
				queue = append(queue, route.Path)
			}
		}
		for len(queue) > 0 { // files are not pages, and these are not there
			path := queue[0]
			queue = queue[1:]
			got := b.get(t, path)
			if got.StatusCode >= 500 {
				t.Errorf("%s %s: %d", role, path, got.StatusCode)
			}
			seen++
			if strings.HasPrefix(path, "/tickets") && got.StatusCode == http.StatusOK {
				asJSON(t, string(role)+path, b.get(t, path, "Accept", "application/json"))
			}
			if !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
				continue
			}
			doc := got.html(t)
			injected(t, string(role)+" "+path, doc)
			doc.Find("[href], [hx-get]").Each(func(_ int, s *goquery.Selection) {
				to := s.AttrOr("href", s.AttrOr("hx-get", ""))
				if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "/static/") || strings.HasPrefix(to, "/attachments/") || strings.Contains(to, "sort=") || strings.Contains(to, "before=") || found[to] {
					return
				}
				found[to] = true
				queue = append(queue, to)
			})
		}
	}
	t.Logf("%d pages", seen)
	if seen < 500 {
		t.Errorf("only %d pages were found", seen)
	}
}

// What comes with the request is shown too: in forms that come back, in filters, in errors.
func TestNothingSentBecomesMarkup(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	people := map[store.Role]*browser{}
	for _, role := range store.Roles {
		people[role] = d.person(t, role, string(role)+"@example.com")
	}
	ticket := people[store.Client].submit(t, "One", "Text")
	for i, p := range payloads {
		check := func(where string, got answer) {
			if got.StatusCode >= 500 {
				t.Errorf("%s with %q: %d", where, p, got.StatusCode)
			}
			switch kind := got.Header.Get("Content-Type"); {
			case strings.HasPrefix(kind, "text/html"):
				injected(t, where, got.html(t))
			case strings.HasPrefix(kind, "application/json"):
				asJSON(t, where, got)
			case got.body != "" && (!strings.HasPrefix(kind, "text/plain") || got.Header.Get("X-Content-Type-Options") != "nosniff"):
				t.Errorf("%s answers as %q", where, kind)
			}
		}
		q := url.QueryEscape(p)
		role := store.Roles[i%3]
		b, stranger := people[role], d.browser(t, role)
		for _, path := range []string{"/tickets?status=" + q, "/tickets?priority=" + q, "/tickets?sort=" + q + "&after=" + q, "/tickets?assignee=" + q + "&age=" + q, "/tickets/rows?before=" + q,
			"/queue?sort=" + q, "/my-tickets?status=" + q, "/users?q=" + q + "&role=" + q, "/users?after=" + q, "/users/list?q=" + q, "/invitations?q=" + q + "&state=" + q,
			"/" + url.PathEscape(p), "/tickets/" + url.PathEscape(p), "/users/" + url.PathEscape(p), ticket + "?before=" + q, "/signup?token=" + q, "/sign-in?next=" + q, "/auth/callback?next=/" + q} {
			check("GET "+path, b.get(t, path))
			if strings.HasPrefix(path, "/sign") || strings.HasPrefix(path, "/auth/") {
				check("GET signed out "+path, stranger.get(t, path))
			}
		}
		check("JSON", b.get(t, "/tickets?status="+q, "Accept", "application/json"))
		check("fragment", b.get(t, "/tickets/"+url.PathEscape(p), "HX-Request", "true"))
		check("cookies", stranger.get(t, "/sign-in", "Cookie", "theme="+p+"; density="+p+"; keys="+p+"; __Host-autocrm_notice="+p))
		check("Origin", stranger.post(t, "/sign-in", nil, "Origin", p, "Sec-Fetch-Site", "cross-site"))
		check("Host", stranger.get(t, "/sign-in", "Host", p))
		check("sign in", stranger.post(t, "/sign-in", url.Values{"email": {p}, "next": {"/" + p}}))
		check("sign up", stranger.post(t, "/signup", url.Values{"email": {p}, "full_name": {p}, "password": {"x"}}))
		check("sign up by token", stranger.post(t, "/signup", url.Values{"token": {p}, "full_name": {p}}))
		check("token", stranger.post(t, "/api/token", url.Values{"email": {p}}))
		check("name", b.post(t, "/account/name", url.Values{"full_name": {p + "\u202e"}}))
		check("password", b.post(t, "/account/password", url.Values{"current_password": {p}, "new_password": {p[:5]}}))
		check("reply", b.post(t, ticket+"/replies", url.Values{"content": {strings.Repeat(p+" ", 50000)[:50001]}, "id": {p}}))
		check("file", b.multi(t, ticket+"/replies", []part{{"files", p, ""}, {field: "content", content: p}}))
		check("status", b.post(t, ticket+"/status", url.Values{"status": {p}, "seen": {p}}))
		check("priority", b.post(t, ticket+"/priority", url.Values{"priority": {p}, "seen": {p}}))
		check("assignment", b.post(t, ticket+"/assignment", url.Values{"assignee": {p}, "seen": {p}}))
		check("new ticket", people[store.Client].post(t, "/tickets", url.Values{"subject": {p}, "priority": {p}, "id": {p}}))
		check("invitation", people[store.Admin].post(t, "/invitations?q="+q, url.Values{"email": {p}, "role": {p}}))
		d.Exec(t, `DELETE FROM sign_in_failures`)
	}
}

// injected looks for what a payload would have made of the page.
func injected(t testing.TB, where string, doc *goquery.Document) {
	t.Helper()
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		node := s.Nodes[0]
		report := func(what string) { t.Errorf("%s: <%s> %s", where, node.Data, what) }
		switch node.Data {
		case "script":
			if !strings.HasPrefix(s.AttrOr("src", ""), "/static/") || s.Text() != "" {
				report("is not ours: " + s.AttrOr("src", s.Text()))
			}
		case "iframe", "object", "embed", "applet", "base", "style", "math", "foreignobject", "animate", "set", "frame", "frameset", "portal", "plaintext", "marquee":
			report("is there")
		case "meta":
			if s.AttrOr("http-equiv", "") != "" {
				report("redirects")
			}
		}
		if strings.Contains(node.Data, "pwned") {
			report("is there")
		}
		for _, a := range node.Attr {
			value := strings.ToLower(strings.Map(func(r rune) rune {
				if r <= ' ' {
					return -1
				}
				return r
			}, a.Val))
			switch {
			case strings.Contains(a.Key, "pwned"), strings.HasPrefix(a.Key, "on"), strings.HasPrefix(a.Key, "hx-on"), a.Key == "style", a.Key == "srcdoc",
				a.Key == "formaction", a.Key == "ping", strings.HasPrefix(a.Key, "data-hx"), strings.Contains(a.Key, ":"):
				report(fmt.Sprintf("has %s=%q", a.Key, a.Val))
			case a.Key == "href" || a.Key == "src" || a.Key == "action" || a.Key == "hx-get" || a.Key == "hx-post" || a.Key == "data" || a.Key == "poster" || a.Key == "srcset":
				inText := a.Key == "href" && s.Closest(".message__body").Length() == 1
				ours := strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "//") && !strings.HasPrefix(value, `/\`) || strings.HasPrefix(value, "#") ||
					strings.HasPrefix(value, "https://client.example.com") || strings.HasPrefix(value, "https://agent.example.com") || strings.HasPrefix(value, "https://admin.example.com") || value == ""
				if !ours && !(inText && (strings.HasPrefix(value, "https://") || strings.HasPrefix(value, "http://") || strings.HasPrefix(value, "mailto:"))) {
					report(fmt.Sprintf("leads to %s=%q", a.Key, a.Val))
				}
			case a.Key == "class" || a.Key == "id" || a.Key == "name" || strings.HasPrefix(a.Key, "hx-"):
				if strings.Contains(value, "pwned") {
					report(fmt.Sprintf("is called %s=%q", a.Key, a.Val))
				}
			}
		}
	})
}

// asJSON: no browser takes the answer for a page, whatever it is told that it is.
func asJSON(t testing.TB, where string, got answer) {
	t.Helper()
	if !strings.HasPrefix(got.Header.Get("Content-Type"), "application/json") || got.Header.Get("X-Content-Type-Options") != "nosniff" {
		return // a page that has no JSON form
	}
	if !json.Valid([]byte(got.body)) || strings.ContainsAny(got.body, "<>\u2028") {
		t.Errorf("%s: %.300s", where, got.body)
	}
}
