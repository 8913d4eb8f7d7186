package web_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"

	"autocrm/realtime"
	"autocrm/store"
	"autocrm/store/storetest"
	"autocrm/web"

	"github.com/PuerkitoBio/goquery"
	"github.com/prometheus/client_golang/prometheus"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// deployment is the product's router on a test's own database, with what it logged.
type deployment struct {
	*storetest.DB
	handler  http.Handler
	config   web.Config
	log      *logBook
	registry *prometheus.Registry
}

// deploy serves the portals at scheme://client.example.com and so on.
func deploy(t testing.TB, scheme string, change ...func(*web.Config)) *deployment {
	t.Helper()
	d := &deployment{DB: storetest.New(t), log: &logBook{}, registry: newRegistry()}
	d.config = web.Config{
		Portals:        map[store.Role]*url.URL{},
		SecretKeys:     [][]byte{[]byte("a secret of thirty-two bytes or so")},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.9.0.0/16")},
		SignUpOpen:     true,
	}
	for _, role := range store.Roles {
		d.config.Portals[role] = &url.URL{Scheme: scheme, Host: string(role) + ".example.com"}
	}
	for _, f := range change {
		f(&d.config)
	}
	d.handler = d.open(t)
	return d
}

func (d *deployment) open(t testing.TB) http.Handler {
	t.Helper()
	handler, err := web.New(d.config, web.Deps{
		Store:   d.Store,
		Live:    stillHub{},
		Log:     slog.New(slog.NewJSONHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Metrics: d.registry,
	})
	if err != nil {
		t.Fatal(err)
	}
	return handler
}

func newRegistry() *prometheus.Registry { return prometheus.NewRegistry() }

// stillHub is a hub on which nothing happens.
type stillHub struct{}

func (stillHub) Cursor() string { return "cursor" }

func (stillHub) Carry(next http.Handler) http.Handler { return next }

func (stillHub) ServeStream(w http.ResponseWriter, _ *http.Request, actor store.Actor) error {
	_, err := io.WriteString(w, "stream of "+actor.Email)
	return err
}

func (stillHub) ServePoll(w http.ResponseWriter, _ *http.Request, actor store.Actor) error {
	_, err := io.WriteString(w, "poll of "+actor.Email)
	return err
}

func (stillHub) Status() realtime.Status {
	return realtime.Status{Ready: true, Listener: realtime.Connected}
}

// logBook collects log lines.
type logBook struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logBook) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(line)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.String()
}

// browser is somebody at a portal, with the cookies of it. It follows no redirect: a test wants to see them.
type browser struct {
	d    *deployment
	base *url.URL
	jar  *cookiejar.Jar
	peer string
}

func (d *deployment) browser(t testing.TB, portal store.Role) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{d: d, base: d.config.Portals[portal], jar: jar, peer: "192.0.2.7:4711"}
}

// answer is a response, read.
type answer struct {
	*http.Response
	body string
}

func (b *browser) do(t testing.TB, method, path string, form url.Values, header ...string) answer {
	t.Helper()
	if form != nil {
		header = append([]string{"Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin"}, header...)
	}
	return b.raw(t, method, path, form.Encode(), header...)
}

// raw sends body as it is.
func (b *browser) raw(t testing.TB, method, path, body string, header ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = b.base.Host
	r.RemoteAddr = b.peer
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	for _, cookie := range b.jar.Cookies(b.base) {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	b.d.handler.ServeHTTP(w, r)
	response := w.Result()
	b.jar.SetCookies(b.base, response.Cookies())
	return answer{response, w.Body.String()}
}

func (b *browser) get(t testing.TB, path string, header ...string) answer {
	t.Helper()
	return b.do(t, http.MethodGet, path, nil, header...)
}

func (b *browser) post(t testing.TB, path string, form url.Values, header ...string) answer {
	t.Helper()
	if form == nil {
		form = url.Values{}
	}
	return b.do(t, http.MethodPost, path, form, header...)
}

// signIn signs in as far as the session goes; who may enter is /auth/callback's to say.
func (b *browser) signIn(t testing.TB, email string) *browser {
	t.Helper()
	got := b.post(t, "/sign-in", url.Values{"email": {email}, "password": {storetest.Password}})
	if got.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign-in of %s: %d\n%s", email, got.StatusCode, got.body)
	}
	return b
}

func (a answer) html(t testing.TB) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// want ends the test unless the answer has the status, and the Location where one is given.
func (a answer) want(t testing.TB, status int, location ...string) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("status %d, want %d\n%s", a.StatusCode, status, a.body)
	}
	if len(location) == 1 && a.Header.Get("Location") != location[0] {
		t.Fatalf("Location %q, want %q", a.Header.Get("Location"), location[0])
	}
	return a
}
