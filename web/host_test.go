package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autocrm/store"
	"autocrm/web"
)

func TestTheHostNameChoosesThePortal(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http", func(c *web.Config) { c.Portals[store.Agent].Host = "Agent.Example.com:3000" })
	for host, portal := range map[string]string{
		"client.example.com":       "client",
		"CLIENT.Example.COM":       "client",
		"client.example.com:80":    "client",
		"client.example.com.":      "client",
		"client.example.com.:8443": "client",
		"agent.example.com":        "agent",
		"agent.example.com:3000":   "agent",
		"agent.example.com:9":      "agent",
		"admin.example.com":        "admin",
		"":                         "",
		".":                        "",
		":":                        "",
		"example.com":              "",
		"x.client.example.com":     "",
		"client.example.com.evil":  "",
		"client.example.com..":     "",
		"xclient.example.com":      "",
		"127.0.0.1":                "",
		"127.0.0.1:3000":           "",
		"[::1]:3000":               "",
		"[::1]":                    "",
		"localhost":                "",
		"client.example.com/x":     "",
		"client.example.com:80:80": "",
		"agent.example.com,x":      "",
		"client.example.com\x00":   "",
	} {
		got := d.browser(t, store.Client).get(t, "/sign-in", "Host", host)
		if portal == "" {
			if got.StatusCode != http.StatusMisdirectedRequest || !strings.Contains(got.body, "no portal at") ||
				!strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") {
				t.Errorf("host %q: %d %q", host, got.StatusCode, got.body)
			}
		} else if seen := got.html(t).Find("html").AttrOr("data-portal", ""); seen != portal {
			t.Errorf("host %q: portal %q, want %q", host, seen, portal)
		}
	}
}

// What is on every portal; all else is of one portal alone, unless it is listed for more.
func TestARouteOfOnePortalIsNotOnAnother(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	routes := map[store.Role]map[web.Route]bool{}
	for _, role := range store.Roles {
		d.Person(t, role, string(role)+"@example.com")
		routes[role] = map[web.Route]bool{}
		for _, route := range web.Routes(d.handler, string(role)+".example.com") {
			routes[role][route] = true
		}
		for _, path := range []string{"/", "/sign-in", "/auth/callback", "/unauthorized", "/signup", "/live", "/live/poll", "/healthz", "/readyz", "/account"} {
			if !routes[role][web.Route{Method: http.MethodGet, Path: path}] {
				t.Errorf("%s has no %s", role, path)
			}
		}
	}
	for _, of := range store.Roles {
		for _, on := range store.Roles {
			if on == of {
				continue
			}
			signedIn := d.browser(t, on).signIn(t, string(on)+"@example.com")
			signedOut := d.browser(t, on)
			for route := range routes[of] {
				if routes[on][route] || matched(route.Path, routes[on]) {
					continue
				}
				for _, b := range []*browser{signedIn, signedOut} {
					var form url.Values
					if route.Method == http.MethodPost {
						form = url.Values{}
					}
					if got := b.do(t, route.Method, filled(route.Path), form); got.StatusCode != http.StatusNotFound && got.StatusCode != http.StatusMethodNotAllowed {
						t.Errorf("%s %s of %s on %s: %d", route.Method, route.Path, of, on, got.StatusCode)
					}
				}
			}
		}
	}
}

// filled puts something into the parameters of a route.
func filled(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, ":") {
			parts[i] = "1001"
		}
	}
	return strings.Join(parts, "/")
}

// matched says whether another route of the portal answers for path, such as /tickets/:number for /tickets/new.
func matched(path string, routes map[web.Route]bool) bool {
	want := strings.Split(filled(path), "/")
next:
	for route := range routes {
		have := strings.Split(route.Path, "/")
		if len(have) != len(want) {
			continue
		}
		for i := range have {
			if have[i] != want[i] && !strings.HasPrefix(have[i], ":") {
				continue next
			}
		}
		return true
	}
	return false
}

// Every route of every portal, asked with every other portal's cookie, under its own name and under this
// portal's: it is as good as none.
func TestAnotherPortalsCookieOpensNothing(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"http", "https"} {
		d := deploy(t, scheme)
		cookies := map[store.Role]*http.Cookie{}
		for _, role := range store.Roles {
			b := d.browser(t, role)
			d.Person(t, role, string(role)+"@example.com")
			cookies[role] = sessionCookie(t, b.signIn(t, string(role)+"@example.com"))
		}
		for _, of := range store.Roles {
			for _, on := range store.Roles {
				if on == of {
					continue
				}
				own := strings.Replace(cookies[of].Name, string(of), string(on), 1)
				for _, name := range []string{cookies[of].Name, own} {
					for _, route := range web.Routes(d.handler, string(on)+".example.com") {
						refusesCookie(t, d.browser(t, on), route, name+"="+cookies[of].Value)
					}
				}
			}
		}
	}
}

func refusesCookie(t *testing.T, b *browser, route web.Route, cookie string) {
	t.Helper()
	path := filled(route.Path)
	switch path {
	case "/sign-in", "/signup", "/api/token", "/sign-out", "/healthz", "/readyz", "/static/*":
		return // for everybody
	}
	var form url.Values
	if route.Method == http.MethodPost {
		form = url.Values{}
	}
	got := b.do(t, route.Method, path, form, "Cookie", cookie)
	switch {
	case strings.HasPrefix(path, "/live") && got.StatusCode == http.StatusUnauthorized:
	case !strings.HasPrefix(path, "/live") && got.StatusCode == http.StatusSeeOther && strings.HasPrefix(got.Header.Get("Location"), "/sign-in"):
	default:
		t.Errorf("%s %s with cookie %.30s…: %d to %q", route.Method, path, cookie, got.StatusCode, got.Header.Get("Location"))
	}
}

func sessionCookie(t testing.TB, b *browser) *http.Cookie {
	t.Helper()
	for _, cookie := range b.jar.Cookies(b.base) {
		if strings.Contains(cookie.Name, "autocrm_") && !strings.Contains(cookie.Name, "notice") {
			return cookie
		}
	}
	t.Fatal("no session cookie")
	return nil
}

func TestForwardedHeadersOfAStrangerChangeNothing(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	d.Person(t, store.Client, "ana@example.com")
	forged := []string{
		"X-Forwarded-For", "203.0.113.9", "X-Real-IP", "203.0.113.9", "Forwarded", "for=203.0.113.9;host=admin.example.com;proto=http",
		"X-Forwarded-Host", "admin.example.com", "X-Forwarded-Proto", "http", "X-Forwarded-Port", "80", "X-Original-Host", "admin.example.com",
	}
	for peer, address := range map[string]string{
		"192.0.2.7:1":     "192.0.2.7",   // a stranger
		"10.8.0.1:1":      "10.8.0.1",    // a private address is not a trusted one
		"127.0.0.1:1":     "127.0.0.1",   // nor is loopback
		"[::1]:1":         "::1",         //
		"10.9.1.2:1":      "203.0.113.9", // the proxy of the configuration
		"[2001:db8::1]:1": "2001:db8::1",
	} {
		b := d.browser(t, store.Client)
		b.peer = peer
		got := b.post(t, "/sign-in", url.Values{"email": {"ana@example.com"}, "password": {"autocrm-demo"}}, forged...)
		got.want(t, http.StatusSeeOther, "/auth/callback")
		var seen string
		err := d.Owner.QueryRow(t.Context(), `SELECT address FROM sessions ORDER BY created_at DESC LIMIT 1`).Scan(&seen)
		if err != nil || seen != address {
			t.Errorf("peer %s: address %q, want %q (%v)", peer, seen, address, err)
		}
		if got.Header.Get("Strict-Transport-Security") == "" || !got.Cookies()[0].Secure {
			t.Errorf("peer %s: a forged scheme was believed", peer)
		}
		home := b.get(t, "/", forged...).want(t, http.StatusOK)
		if portal := home.html(t).Find("html").AttrOr("data-portal", ""); portal != "client" {
			t.Errorf("peer %s: portal %q", peer, portal)
		}
	}
	// The proxy passes on a chain that the stranger began: the entry that the proxy itself added counts.
	b := d.browser(t, store.Client)
	b.peer = "10.9.1.2:1"
	b.get(t, "/sign-in", "X-Forwarded-For", "1.1.1.1, 198.51.100.4")
	if !strings.Contains(d.log.String(), `"address":"198.51.100.4"`) || strings.Contains(d.log.String(), `"address":"1.1.1.1"`) {
		t.Error("the leftmost entry of X-Forwarded-For was believed")
	}
}

func TestAWrongConfigurationIsNamed(t *testing.T) {
	t.Parallel()
	address := func(s string) *url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	good := func() web.Config {
		return web.Config{SecretKeys: [][]byte{[]byte("a secret of thirty-two bytes or so")}, Portals: map[store.Role]*url.URL{
			store.Client: address("http://c.test"), store.Agent: address("http://a.test"), store.Admin: address("http://b.test")}}
	}
	for name, change := range map[string]func(*web.Config){
		"CLIENT_URL": func(c *web.Config) { c.Portals[store.Client] = nil },
		"AGENT_URL":  func(c *web.Config) { c.Portals[store.Agent] = address("http://a.test/agent") },
		"ADMIN_URL":  func(c *web.Config) { c.Portals[store.Admin] = address("http://A.test.:3001") },
		"SECRET_KEY": func(c *web.Config) { c.SecretKeys = [][]byte{[]byte("short")} },
	} {
		config := good()
		change(&config)
		if _, err := web.New(config, web.Deps{}); err == nil || !strings.HasPrefix(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
