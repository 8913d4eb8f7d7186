package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"autocrm/static"
	"autocrm/store"
	"autocrm/web"
)

// disguises spell a path otherwise.
var disguises = map[string]func(path string) string{
	"%2F for /":              func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "%2F") },
	"%2F first":              func(p string) string { return "/%2F" + p[1:] },
	"%5C for /":              func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "%5C") },
	"..":                     func(p string) string { return "/static/.." + p },
	"%2e%2e":                 func(p string) string { return "/static/%2e%2e" + p },
	"%252e%252e":             func(p string) string { return "/static/%252e%252e" + p },
	"..;":                    func(p string) string { return "/static/..;" + p },
	"..%2f":                  func(p string) string { return "/static/..%2f" + p[1:] },
	"..%5c":                  func(p string) string { return "/static/..%5c" + p[1:] },
	"a dot":                  func(p string) string { return "/." + p },
	"a double slash":         func(p string) string { return "/" + p },
	"a double slash inside":  func(p string) string { return strings.ReplaceAll(p, "/", "//") },
	"a slash behind":         func(p string) string { return p + "/" },
	"a dot behind":           func(p string) string { return p + "." },
	"dots behind":            func(p string) string { return p + "/.." + p },
	"%2e behind":             func(p string) string { return p + "%2e" },
	"a semicolon":            func(p string) string { return p + ";x=y" },
	"%3b":                    func(p string) string { return p + "%3b.css" },
	"an ending":              func(p string) string { return p + ".json" },
	"%00":                    func(p string) string { return p + "%00" },
	"%00 and an ending":      func(p string) string { return p + "%00.css" },
	"%0d%0a":                 func(p string) string { return p + "%0d%0aSet-Cookie:x=y" },
	"%20":                    func(p string) string { return p + "%20" },
	"%09":                    func(p string) string { return p + "%09" },
	"capitals":               strings.ToUpper,
	"an overlong /":          func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "%c0%af") },
	"an overlong .":          func(p string) string { return "/static/%c0%ae%c0%ae" + p },
	"a wide /":               func(p string) string { return "/" + strings.ReplaceAll(p[1:], "/", "%ef%bc%8f") },
	"broken UTF-8":           func(p string) string { return p + "%ff" },
	"a fragment":             func(p string) string { return p + "%23" },
	"a question mark":        func(p string) string { return p + "%3fx" },
	"an address in the path": func(p string) string { return "/https://admin.example.com" + p },
}

// Whatever the spelling, a path that needs somebody signed in shows a stranger nothing, a path of another portal
// is not there, and no answer is a failure of ours or leads away.
func TestNoSpellingOfAPathOpensIt(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	file := client.see(t, client.submit(t, "KEEP-THIS-SECRET", "KEEP-THIS-SECRET", part{"files", "a.txt", "KEEP-THIS-SECRET"})).
		html(t).Find(".attachment").AttrOr("href", "")
	for _, role := range store.Roles {
		stranger, neighbour := d.browser(t, role), d.person(t, role, "other-"+string(role)+"@example.com")
		paths := []string{"/", "/tickets/1001", file, "/admin", "/etc/passwd", "/.git/config", "/.autocrm/secret.key", "/metrics", "/debug/pprof/"}
		for _, of := range store.Roles {
			for _, route := range web.Routes(d.handler, string(of)+".example.com") {
				if route.Method == http.MethodGet {
					paths = append(paths, strings.NewReplacer(":number", "1001", ":id", "1001", "*", "x").Replace(route.Path))
				}
			}
		}
		for _, path := range paths {
			for name, disguise := range disguises {
				spelled := disguise(path)
				for who, b := range map[string]*browser{"a stranger": stranger, "a " + string(role): neighbour} {
					got, ok := b.spelled(t, spelled)
					if !ok {
						continue // no server reads such a request line
					}
					where := who + " at " + string(role) + spelled + " (" + name + ")"
					if got.StatusCode >= 500 {
						t.Errorf("%s: %d", where, got.StatusCode)
					}
					if (role == store.Client || who == "a stranger") && strings.Contains(got.body, "KEEP-THIS-SECRET") {
						t.Errorf("%s reads the ticket", where)
					}
					if who == "a stranger" && got.StatusCode == http.StatusOK && strings.Contains(got.body, "<main") &&
						!strings.Contains(got.body, `action="/sign-in"`) && !strings.Contains(got.body, `action="/signup"`) {
						t.Errorf("%s sees a page for people who are signed in", where)
					}
					if to := got.Header.Get("Location"); to != "" {
						if u, err := url.Parse(to); err != nil || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\r\n\\") {
							t.Errorf("%s leads to %q", where, to)
						}
					}
					if len(got.Header.Values("Set-Cookie")) > 0 && strings.Contains(got.Header.Get("Set-Cookie"), "x=y") {
						t.Errorf("%s sets a cookie of the caller's", where)
					}
				}
			}
		}
	}
}

// spelled asks for a path exactly as it is written; ok is false where no request can be.
func (b *browser) spelled(t testing.TB, path string) (got answer, ok bool) {
	t.Helper()
	u, err := url.ParseRequestURI(path)
	if err != nil {
		return answer{}, false
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL, r.RequestURI = u, path
	r.Host, r.RemoteAddr = b.base.Host, b.peer
	for _, cookie := range b.jar.Cookies(b.base) {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	b.d.handler.ServeHTTP(w, r)
	return answer{w.Result(), w.Body.String()}, true
}

// Of the files beside the program only the embedded tree is served, and of that no folder is listed.
func TestStaticServesItsTreeAlone(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	b := d.browser(t, store.Client)
	script := static.Path("js/app.js")
	b.get(t, script).want(t, http.StatusOK)
	folder := strings.TrimSuffix(script, "js/app.js")
	for _, path := range []string{
		"/static", "/static/", folder, folder + "js", folder + "js/", folder + "js/../../../go.mod", folder + "js/%2e%2e/static.go", folder + "../../web.go",
		folder + "js/app.js/", folder + "js/app.js%00", folder + "js/app.js%20", folder + "js/app.js.", folder + "js//app.js", folder + "JS/APP.JS", folder + "js%2Fapp.js%2F..",
		folder + "%2Fetc/passwd", folder + "..%2f..%2f..%2f..%2fetc%2fpasswd", folder + "js/app.js::$DATA", "/static/../../../../etc/passwd", folder + "static.go",
		"/static/" + strings.Repeat("../", 50) + "etc/passwd", "/static/" + strings.Repeat("a/", 2000),
	} {
		got, ok := b.spelled(t, path)
		if ok && (got.StatusCode < 400 || got.StatusCode >= 500 || strings.Contains(got.body, "package ") || strings.Contains(got.body, "root:")) {
			t.Errorf("%.80s: %d %.80q", path, got.StatusCode, got.body)
		}
	}
}
