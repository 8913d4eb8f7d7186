package web_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"autocrm/store"
	"autocrm/web"

	"github.com/PuerkitoBio/goquery"
)

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Every page that can be asked for without knowing an id, signed in and out, found or not.
func TestNoPageHasAnythingInline(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https", func(c *web.Config) { c.Development = true })
	for _, role := range store.Roles {
		d.Person(t, role, string(role)+"@example.com")
		paths := []string{"/nowhere", "/signup?token=x", "/sign-in?next=/account", "/users/7", "/tickets/1", "/_style?page=sign-in", "/_style?page=error"}
		for _, route := range web.Routes(d.handler, string(role)+".example.com") {
			if route.Method == http.MethodGet && !strings.ContainsAny(route.Path, ":*") {
				paths = append(paths, route.Path)
			}
		}
		for _, b := range []*browser{d.browser(t, role), d.browser(t, role).signIn(t, string(role)+"@example.com")} {
			for _, path := range paths {
				got := b.get(t, path)
				if seen := got.Header.Get("Content-Security-Policy"); seen != policy {
					t.Errorf("%s: Content-Security-Policy %q", path, seen)
				}
				for _, name := range []string{"X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "AutoCRM-Portal", "X-Request-Id"} {
					if got.Header.Get(name) == "" {
						t.Errorf("%s: no %s", path, name)
					}
				}
				if !strings.HasPrefix(path, "/static/") && got.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%s: Cache-Control %q", path, got.Header.Get("Cache-Control"))
				}
				if strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
					for _, found := range inline(got.html(t)) {
						t.Errorf("%s %s: %s", role, path, found)
					}
				}
			}
		}
	}
}

func inline(doc *goquery.Document) (found []string) {
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		node := s.Get(0)
		if (node.Data == "script" && strings.TrimSpace(s.Text()) != "") || node.Data == "style" || node.Data == "base" {
			found = append(found, "inline <"+node.Data+">")
		}
		for _, attr := range node.Attr {
			value := strings.ToLower(strings.TrimSpace(attr.Val))
			if attr.Key == "style" || strings.HasPrefix(attr.Key, "on") || strings.HasPrefix(attr.Key, "hx-on") ||
				strings.HasPrefix(value, "javascript:") || strings.HasPrefix(value, "js:") {
				found = append(found, fmt.Sprintf("<%s %s=%q>", node.Data, attr.Key, attr.Val))
			}
			if (attr.Key == "src" || attr.Key == "action") && strings.Contains(value, "//") {
				found = append(found, fmt.Sprintf("<%s> from elsewhere: %s", node.Data, attr.Val))
			}
		}
	})
	return found
}

func TestAnErrorTellsWhatAPersonMayKnow(t *testing.T) {
	t.Parallel()
	secret := errors.New(`pq: relation "secret_table" does not exist`)
	for _, c := range []struct {
		err    error
		status int
	}{
		{fmt.Errorf("Ticket(7): %w", store.ErrNotFound), 404},
		{fmt.Errorf("x: %w", store.ErrForbidden), 403},
		{fmt.Errorf("x: %w", store.ErrConflict), 409},
		{fmt.Errorf("x: %w", &store.Invalid{Fields: map[string]string{"subject": "Say what it is about."}}), 422},
		{fmt.Errorf("x: %w", &store.SlowDown{}), 429},
		{fmt.Errorf("x: %w", &http.MaxBytesError{Limit: 1}), 413},
		{errors.Join(secret, store.ErrForbidden), 403},
		{secret, 500},
		{fmt.Errorf("x: %w", secret), 500},
	} {
		status, message := web.Explain(c.err)
		if status != c.status || strings.Contains(message, "secret") || message == "" {
			t.Errorf("%v: %d %q", c.err, status, message)
		}
	}
	if _, message := web.Explain(&store.Invalid{Fields: map[string]string{"subject": "Say what it is about."}}); message != "Say what it is about." {
		t.Errorf("an Invalid's words are lost: %q", message)
	}
}

// A failure inside has a page, a fragment or JSON, with an id that the log line has too, and no detail.
func TestAFailureInsideHasAnIdAndNoDetail(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Client, "ana@example.com")
	b := d.browser(t, store.Client).signIn(t, "ana@example.com")
	d.Exec(t, `ALTER TABLE sessions RENAME TO lost_table`)
	for kind, header := range map[string][]string{
		"page": nil, "fragment": {"HX-Request", "true"}, "json": {"Accept", "application/json"},
	} {
		got := b.get(t, "/account?token=of-an-invitation", header...).want(t, http.StatusInternalServerError)
		id := got.Header.Get("X-Request-Id")
		if !regexp.MustCompile(`^[2-9A-HJKMNP-Z]{7}$`).MatchString(id) || !strings.Contains(got.body, id) {
			t.Errorf("%s: id %q is not on %s", kind, id, got.body)
		}
		if strings.Contains(got.body, "sessions") || strings.Contains(got.body, "SQLSTATE") {
			t.Errorf("%s tells details: %s", kind, got.body)
		}
		if isPage := strings.Contains(strings.ToLower(got.body), "<!doctype"); isPage != (kind == "page") {
			t.Errorf("%s: whole page: %v", kind, isPage)
		}
		lines := 0
		for _, line := range strings.Split(d.log.String(), "\n") {
			if strings.Contains(line, id) {
				lines++
				if !strings.Contains(line, "sessions") || !strings.Contains(line, `"status":500`) || !strings.Contains(line, `"level":"ERROR"`) {
					t.Errorf("the log line lacks the cause: %s", line)
				}
			}
		}
		if lines != 1 {
			t.Errorf("%s: %d log lines", kind, lines)
		}
	}
	if strings.Contains(d.log.String(), "of-an-invitation") {
		t.Error("the query is in the log")
	}
}

func TestSecretsAreNotInTheLog(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	ana := d.Person(t, store.Agent, "ana@example.com")
	b := d.browser(t, store.Agent)
	b.get(t, "/signup?token=INVITATION-TOKEN")
	b.post(t, "/signup", url.Values{"token": {"INVITATION-TOKEN"}, "full_name": {"A"}, "password": {"SECRET-PASSWORD"}})
	b.post(t, "/sign-in", url.Values{"email": {"ana@example.com"}, "password": {"SECRET-PASSWORD"}})
	made := token(t, b, "ana@example.com")
	b.bearer(t, made, "/live")
	b.bearer(t, made+"x", "/live")
	b.signIn(t, "ana@example.com")
	b.get(t, "/account")
	b.post(t, "/account/password", url.Values{"current_password": {"SECRET-PASSWORD"}, "new_password": {"SECRET-PASSWORD-2"}})
	b.get(t, "/live?after=SEALED-CURSOR")
	log := d.log.String()
	parts := strings.Split(made, ".")
	for _, secret := range []string{"INVITATION-TOKEN", "SECRET-PASSWORD", "autocrm-demo", parts[1], parts[2], sessionCookie(t, b).Value, "SEALED-CURSOR"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %q", secret)
		}
	}
	for _, want := range []string{`"path":"/account"`, `"portal":"agent"`, `"user":"` + ana.UserID.String() + `"`, `"method":"POST"`, `"ms":`, `"bytes":`, `"id":"`} {
		if !strings.Contains(log, want) {
			t.Errorf("the log lacks %s", want)
		}
	}
}

// Wrong, missing, huge, doubled and hostile: each address answers with a 4xx page and changes nothing.
func TestBadInputIsAnsweredInWords(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Admin, "ana@example.com")
	signedIn, signedOut := d.browser(t, store.Admin).signIn(t, "ana@example.com"), d.browser(t, store.Admin)
	hostile := []string{"", "\x00", "\xff\xfe", "<script>alert(1)</script>", "' OR 1=1 --", strings.Repeat("x", 300000), "\u202e\u0000", "-1", "9223372036854775808"}
	for _, route := range web.Routes(d.handler, "admin.example.com") {
		for _, value := range hostile {
			path := strings.NewReplacer(":id", url.PathEscape(value), ":number", url.PathEscape(value), "*", "x").Replace(route.Path)
			if len(value) > 1000 && path != route.Path {
				continue // no server takes such an address
			}
			for _, b := range []*browser{signedIn, signedOut} {
				var got answer
				if route.Method == http.MethodPost {
					form := url.Values{}
					for _, name := range []string{"email", "password", "full_name", "current_password", "new_password", "theme", "next", "role", "subject", "q", "id", "token", "name"} {
						form[name] = []string{value, value}
					}
					got = b.post(t, path, form)
				} else {
					if len(value) > 1000 {
						value = value[:1000]
					}
					got = b.do(t, route.Method, path+"?q="+url.QueryEscape(value)+"&next="+url.QueryEscape(value)+"&after="+url.QueryEscape(value), nil)
				}
				if got.StatusCode >= 500 || strings.Contains(got.body, "<script>alert") {
					t.Errorf("%s %s with %.20q: %d", route.Method, route.Path, value, got.StatusCode)
				}
			}
		}
		if route.Path == "/sign-out" {
			continue
		}
	}
	d.browser(t, store.Admin).raw(t, http.MethodPost, "/sign-in", "email=%zz&password=x", "Content-Type", "application/x-www-form-urlencoded").want(t, http.StatusBadRequest)
	d.browser(t, store.Admin).raw(t, http.MethodPost, "/sign-in", strings.Repeat("a", 3<<20), "Content-Type", "application/x-www-form-urlencoded").want(t, http.StatusRequestEntityTooLarge)
	d.browser(t, store.Admin).get(t, "/%00").want(t, http.StatusBadRequest)
	d.browser(t, store.Admin).get(t, "/sign-in?next=%ff").want(t, http.StatusBadRequest)
	d.browser(t, store.Admin).do(t, http.MethodDelete, "/sign-in", nil).want(t, http.StatusMethodNotAllowed)
	d.browser(t, store.Admin).get(t, "/nowhere").want(t, http.StatusNotFound)
}
