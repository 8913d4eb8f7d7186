package browser

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autocrm/store"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestCrossSiteForm: an agent who is signed in opens a page of somebody else, which sends forms to the portal in
// every way that a page can. Nothing happens, and the agent stays signed in.
func TestCrossSiteForm(t *testing.T) {
	t.Parallel()
	s := production(t)
	number := s.submit(t, "Printer")
	agent := s.signedIn(t, store.Agent, "ana@example.com")
	portal := s.urls[store.Agent]
	action := fmt.Sprintf("%s/tickets/%d", portal, number)
	evil := http.NewServeMux()
	evil.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<title>evil</title><iframe name=hidden></iframe>
			<form id=urlencoded method=post target=hidden action="%[1]s/replies"><input name=content value=forged></form>
			<form id=multipart method=post target=hidden enctype=multipart/form-data action="%[1]s/notes"><input name=content value=forged></form>
			<form id=plain method=post target=hidden enctype=text/plain action="%[1]s/status"><input name=status value=closed></form>
			<form id=out method=post target=hidden action="%[2]s/sign-out"></form>
			<form id=whole method=post action="%[1]s/replies"><input name=content value=forged></form>
			<form id=get action="%[1]s/status"><input name=status value=closed></form>`, action, portal)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: evil}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	before := s.said(t, number)
	// Another site altogether, and a neighbour of the portal's under the same domain.
	for _, site := range []string{"http://evil.localhost:" + port, "http://evil.autocrm.test:" + port} {
		agent.allow("frame-ancestors", "Refused to", "CORS", "ERR_", "X-Frame-Options", "Failed to load", "Mixed Content", "evil")
		agent.Open(site + "/")
		for _, form := range []string{"urlencoded", "multipart", "plain", "out"} {
			JS[any](agent, `new Promise((done) => { document.querySelector("iframe").onload = done; setTimeout(done, 3000); document.getElementById("`+form+`").submit(); })`)
		}
		got := JS[[]string](agent, fmt.Sprintf(`(async () => {
			const tried = [];
			for (const [path, options] of [
				["/replies", { method: "POST", mode: "no-cors", body: new URLSearchParams({ content: "forged" }) }],
				["/replies", { method: "POST", mode: "cors", headers: { "Content-Type": "application/json" }, body: "{}" }],
				["/notes", { method: "PUT", mode: "cors", body: "forged" }],
				["", { method: "GET", mode: "cors" }],
				["/timeline", { method: "GET", mode: "no-cors" }],
			]) {
				try {
					const answer = await fetch(%[1]q + path, { credentials: "include", ...options });
					tried.push(answer.type + " " + (await answer.text()).length);
				} catch (error) { tried.push("refused"); }
			}
			navigator.sendBeacon(%[1]q + "/replies", new URLSearchParams({ content: "forged" }));
			try { new EventSource(%[2]q + "/live", { withCredentials: true }); } catch {}
			return tried;
		})()`, action, portal))
		for _, answer := range got {
			if answer != "refused" && answer != "opaque 0" {
				t.Errorf("a page of %s reads %v", site, got)
			}
		}
		JS[any](agent, `document.getElementById("whole").submit()`)
		agent.Expect("This form came from elsewhere")
		agent.Open(site + "/")
		JS[any](agent, `document.getElementById("get").submit()`)
		agent.ExpectJS(`location.origin === `+quote(portal)+` && document.readyState === "complete"`, "back at the portal")
	}
	if after := s.said(t, number); after != before {
		t.Errorf("the ticket was %s and is %s", before, after)
	}
	agent.Open("/")
	agent.Expect("Sign out")
}

// said is all that can be changed of a ticket.
func (s *site) said(t testing.TB, number int64) (all string) {
	t.Helper()
	err := s.Owner.QueryRow(context.Background(), `
		SELECT concat(t.status, t.priority, t.agent_id, (SELECT count(*) FROM ticket_activities a WHERE a.ticket_id = t.id)) FROM tickets t WHERE number = $1`, number).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestFilesOpened opens hostile files as pages and loads them as scripts, in a browser that is signed in.
func TestFilesOpened(t *testing.T) {
	t.Parallel()
	s := production(t)
	cleo := s.signedIn(t, store.Client, "cleo@example.com")
	cleo.allow("nosniff", "MIME type", "ERR_ABORTED", "Refused to", "attachments")
	const run = "<script>window.pwned=1;parent.pwned=1;opener&&(opener.pwned=1)</script>"
	for name, content := range map[string]string{
		"page.html":    "<!doctype html>" + run,
		"bom.txt":      "\ufeff<html>" + run,
		"drawing.svg":  `<svg xmlns="http://www.w3.org/2000/svg" onload="pwned=1">` + run + `</svg>`,
		"page.png":     "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + run,
		"picture.gif":  "GIF89a=1;window.pwned=1//" + run,
		"script.js":    "window.pwned=1",
		"paper.pdf":    "%PDF-1.7 <</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>",
		"page.xhtml":   `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">` + run + `</html>`,
		"<b>name</b>'": "x",
	} {
		cleo.Open("/tickets/new")
		address := JS[string](cleo, fmt.Sprintf(`(async () => {
			const form = new FormData();
			for (const [name, value] of Object.entries({ subject: "File", description: "Text", priority: "low" })) form.append(name, value);
			form.append("files", new File([Uint8Array.from(%s, (c) => c.charCodeAt(0))], %s));
			const answer = await fetch("/tickets", { method: "POST", body: form });
			const page = new DOMParser().parseFromString(await answer.text(), "text/html");
			return page.querySelector(".attachment").getAttribute("href");
		})()`, quote(latin1(content)), quote(name)))
		// In place of a page: a download leaves the browser where it is.
		answer, err := chromedp.Call(cleo.ctx, page.Navigate, page.NavigateParams{URL: s.urls[store.Client] + address})
		if err != nil || answer.ErrorText != "" && answer.ErrorText != "net::ERR_ABORTED" {
			t.Errorf("%s: %v %s", name, err, answer.ErrorText)
		}
		cleo.ExpectJS(`document.readyState === "complete"`, name+" is opened or saved")
		where := JS[string](cleo, `location.pathname + " " + document.contentType + " " + document.scripts.length + " " + window.pwned`)
		if !strings.HasPrefix(where, "/tickets/new text/html") && !strings.HasPrefix(where, address+" image/") || !strings.HasSuffix(where, " undefined") {
			t.Errorf("%s opened is %s", name, where)
		}
		// And as whatever a page could make of it, had somebody got their markup into one.
		cleo.Open("/tickets/new")
		loaded := JS[string](cleo, fmt.Sprintf(`(async () => {
			const made = (tag, set) => new Promise((done) => {
				const e = document.createElement(tag);
				e.onload = () => done(tag + " loads;"); e.onerror = () => done("");
				set(e); document.head.append(e); setTimeout(() => done(""), 2000);
			});
			let all = await made("script", (e) => { e.src = %[1]q; });
			all += await made("link", (e) => { e.rel = "stylesheet"; e.href = %[1]q; });
			try { await new Worker(%[1]q); } catch {}
			try { await navigator.serviceWorker.register(%[1]q); all += "service worker;"; } catch {}
			return all + (window.pwned ? "ran" : "");
		})()`, address))
		if loaded != "" {
			t.Errorf("%s: %s", name, loaded)
		}
	}
}

// latin1 is content with a character for each byte.
func latin1(content string) string {
	runes := make([]rune, len(content))
	for i := range len(content) {
		runes[i] = rune(content[i])
	}
	return string(runes)
}

// TestHostileTexts shows what people with bad intentions can write in each portal. A script that ran, or was kept
// from running by the content security policy alone, is a fault that every test looks for.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	s := development(t)
	client := s.actor(t, store.Client, "cleo@example.com")
	s.exec(`UPDATE users SET full_name = '"><img src=x onerror=pwned()><script>pwned()</script>' WHERE email = 'cleo@example.com'`)
	var number int64 // of the ticket on which everything is said
	for _, text := range []string{
		`<script>pwned()</script>`, `"><img src=x onerror=pwned()>`, `[a](javascript:pwned())`, `<svg/onload=pwned()>`, `</textarea></title><script>pwned()</script>`,
		`' autofocus onfocus='pwned()`, `<p hx-get="/pwned" hx-trigger="load">`, `<iframe srcdoc="<script>parent.pwned()</script>">`, `<style>@import "/pwned.css"</style>`,
	} {
		err := s.Owner.QueryRow(context.Background(), `INSERT INTO tickets (client_id, subject, description) VALUES ($1, $2, $2) RETURNING number`,
			client.UserID, text).Scan(&number)
		if err != nil {
			t.Fatal(err)
		}
		s.exec(`INSERT INTO invitations (email, user_role, token_hash, created_by, expires_at) VALUES ('a@' || $1, 'agent', sha256(convert_to($1, 'UTF8')), NULL, now() + interval '1 hour')`, text)
	}
	s.exec(`INSERT INTO ticket_activities (ticket_id, user_id, activity_type, content)
		SELECT (SELECT id FROM tickets WHERE number = $1), client_id, 'comment', description FROM tickets`, number)
	for role, paths := range map[store.Role][]string{
		store.Client: {"/", "/tickets", "/account"},
		store.Agent:  {"/", "/queue", "/tickets", "/my-tickets"},
		store.Admin:  {"/", "/tickets", "/users", "/users?q=" + url.QueryEscape(`"><script>pwned()</script>`), "/invitations"},
	} {
		p := s.signedIn(t, role, map[store.Role]string{store.Client: "cleo@example.com", store.Agent: "ana@example.com", store.Admin: "ada@example.com"}[role])
		for _, path := range append(paths, fmt.Sprintf("/tickets/%d", number)) {
			p.Open(path)
			if found := JS[string](p, `[...document.querySelectorAll("script:not([src^='/static/']), iframe, style, img[src='x'], [onerror], [onload], [onfocus], [hx-get='/pwned']")].map((e) => e.outerHTML).join()`); found != "" {
				t.Errorf("%s at %s: %s", path, role, found)
			}
		}
		p.mu.Lock()
		for _, r := range p.order {
			if strings.Contains(r.path, "pwned") && !strings.HasPrefix(r.path, "/users") || r.path == "/x" {
				t.Errorf("%s asked for %s", role, r.path)
			}
		}
		p.mu.Unlock()
	}
}
