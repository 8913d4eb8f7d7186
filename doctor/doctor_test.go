package doctor

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"autocrm/deploy/deploytest"
	"autocrm/store/storetest"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
)

// TestHealthy looks at three deployments with nothing wrong. The full time, heartbeat included, the test of the
// command takes.
func TestHealthy(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]setup{
		"direct":          {},
		"direct TLS":      {https: true},
		"TLS and a proxy": {https: true, proxy: deploytest.Faultless, trusted: "127.0.0.1/32"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newDesk(t, s).examine(t, s)
			for _, f := range r.Findings {
				if f.Level != OK {
					t.Errorf("%s, %s: %s", f.Subject, f.Check, f.Sentence)
				}
			}
			if r.Level != OK || len(r.Portals) != 3 || len(r.Findings) < 20 {
				t.Errorf("level %s, %d portals, %d findings", r.Level, len(r.Portals), len(r.Findings))
			}
			for _, p := range r.Portals {
				if p.Hello <= 0 || p.Change <= 0 || p.Poll <= 0 || p.Bye <= 0 || p.FirstByte <= 0 || p.Protocol == "" {
					t.Errorf("figures are missing: %+v", p)
				}
				if s.https && (p.Protocol != "HTTP/2.0" || p.DaysLeft != 60) {
					t.Errorf("%s, %d days", p.Protocol, p.DaysLeft)
				}
			}
		})
	}
}

// TestFaults sets each fault up and has the doctor name it: the check, its level, and words of the sentence, the
// cause or the cure. Nothing else may be found wrong.
func TestFaults(t *testing.T) {
	t.Parallel()
	// Where nothing is wrong behind the proxy they share a desk, and so show that doctors do not disturb each other.
	plain, secure := newDesk(t, setup{trusted: "127.0.0.1/32"}), newDesk(t, setup{https: true, trusted: "127.0.0.1/32"})
	page := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<p>Hello"))
	}
	type found struct {
		check string
		level Level
		words []string // none: it may be found, and need not
	}
	for name, c := range map[string]struct {
		setup
		found []found
	}{
		"buffers everything": {setup{proxy: deploytest.BuffersAll}, []found{
			{"stream", Error, []string{"holds the whole stream back until it ends", "proxy_ignore_headers X-Accel-Buffering"}}}},
		"buffers for a while": {setup{proxy: deploytest.BuffersFor(1100 * time.Millisecond)}, []found{
			{"stream", Error, []string{"holds the stream back for 1.", "nginx"}}}},
		"lets the first bytes through": {setup{proxy: deploytest.LetsThrough(2600)}, []found{
			{"stream", Error, []string{"a change does not arrive", "polling has it"}}}},
		"gzip": {setup{proxy: deploytest.Gzips(true)}, []found{
			{"stream", Warning, []string{"compressed on the way (gzip)", "gzip_types"}}}},
		"gzip that collects": {setup{proxy: deploytest.Gzips(false)}, []found{
			{"stream", Error, []string{"until it ends", "compressing it (gzip)"}}}},
		// On a desk of its own: what other doctors do would come on the admin's stream, and it would not be idle.
		"cuts idle streams": {setup{own: true, trusted: "127.0.0.1/32", proxy: deploytest.CutsIdle(700 * time.Millisecond), pace: pace{
			whole: 30 * time.Second, ask: 10 * time.Second, hello: 5 * time.Second, change: 3 * time.Second, heartbeat: 5 * time.Second, bye: 3 * time.Second}}, []found{
			{"stream", Error, []string{"is cut after", "in silence", "proxy_read_timeout"}}}},
		"no heartbeat": {setup{proxy: deploytest.Faultless, pace: pace{
			whole: 30 * time.Second, ask: 10 * time.Second, hello: 5 * time.Second, change: 3 * time.Second, heartbeat: 300 * time.Millisecond, bye: 3 * time.Second}}, []found{
			{"stream", Error, []string{"No heartbeat within 300 ms", "small pieces"}}}},
		"502 on the stream": {setup{proxy: deploytest.AnswersStream(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(502) })}, []found{
			{"stream", Error, []string{"answers 502 Bad Gateway on /live"}}}},
		"503 on the stream": {setup{proxy: deploytest.AnswersStream(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })}, []found{
			{"stream", Error, []string{"The proxy answers 503 Service Unavailable on /live instead of the app"}}}},
		"302 on the stream": {setup{proxy: deploytest.AnswersStream(http.RedirectHandler("/login", 302).ServeHTTP)}, []found{
			{"stream", Error, []string{"redirect to /login"}}}},
		"a page on the stream": {setup{proxy: deploytest.AnswersStream(page)}, []found{
			{"stream", Error, []string{"text/html and not a stream"}}}},
		"204 on the stream": {setup{proxy: deploytest.AnswersStream(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) })}, []found{
			{"stream", Error, []string{"204 No Content"}}}},
		"black hole on the stream": {setup{proxy: deploytest.AnswersStream(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })}, []found{
			{"stream", Error, []string{"Nothing arrives on the stream within 2.0 s", "swallows it"}}}},
		"reset on the stream": {setup{proxy: deploytest.AnswersStream(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })}, []found{
			{"stream", Error, []string{"gets no answer", "error log"}}}},
		"401 on the stream": {setup{proxy: deploytest.AnswersStream(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) })}, []found{
			{"stream", Error, []string{"answered with 401", "Something on the way"}}}},
		"cookies removed": {setup{proxy: func(r *http.Request, p *deploytest.Proxy) {
			p.Rewrite = func(_, out *http.Request) { out.Header.Del("Cookie") }
		}}, []found{{"headers", Error, []string{"Cookie does not arrive"}}, {"stream", Error, []string{"does not know the probe's session"}},
			{"polling", Error, []string{"401"}}}},
		"polling refused": {setup{proxy: func(r *http.Request, p *deploytest.Proxy) {
			if r.URL.Path == "/live/poll" {
				p.Instead = page
			}
		}}, []found{{"polling", Error, []string{"something else than JSON", "/live/poll"}}}},
		"502 everywhere": {setup{proxy: func(_ *http.Request, p *deploytest.Proxy) { p.Target = "127.0.0.1:1" }}, []found{
			{"request", Error, []string{"The proxy answers 502", "upstream"}}}},
		"503 everywhere": {setup{proxy: func(_ *http.Request, p *deploytest.Proxy) {
			p.Instead = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }
		}}, []found{{"request", Error, []string{"503"}}}},
		"401 everywhere": {setup{proxy: func(_ *http.Request, p *deploytest.Proxy) {
			p.Instead = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }
		}}, []found{{"request", Error, []string{"401"}}}},
		"302 everywhere": {setup{proxy: func(_ *http.Request, p *deploytest.Proxy) {
			p.Instead = http.RedirectHandler("/login", 302).ServeHTTP
		}}, []found{{"request", Error, []string{"/login"}}}},
		"204 everywhere": {setup{proxy: func(_ *http.Request, p *deploytest.Proxy) {
			p.Instead = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }
		}}, []found{{"request", Error, []string{"204"}}}},
		"reset everywhere": {setup{proxy: func(_ *http.Request, p *deploytest.Proxy) {
			p.Instead = func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}}, []found{{"request", Error, []string{"EOF"}}}},
		"another site": {setup{proxy: func(_ *http.Request, p *deploytest.Proxy) { p.Instead = page }}, []found{
			{"request", Error, []string{"Something other than the app answers", "text/html"}}}},
		"Host of the upstream": {setup{proxy: func(_ *http.Request, p *deploytest.Proxy) {
			p.Rewrite = func(_, out *http.Request) { out.Host = "127.0.0.1:3000" }
		}}, []found{{"host", Error, []string{`asked for "127.0.0.1:3000" and not for`, "proxy_set_header Host $http_host"}}}},
		"Host without port": {setup{proxy: func(_ *http.Request, p *deploytest.Proxy) {
			p.Rewrite = func(in, out *http.Request) { out.Host, _, _ = strings.Cut(in.Host, ":") }
		}}, []found{
			{"host", Error, []string{"keeps the port"}}, {"forms", Error, []string{"refused as another site's", "older browser"}}}},
		"Origin removed": {setup{proxy: func(_ *http.Request, p *deploytest.Proxy) {
			p.Rewrite = func(_, out *http.Request) { out.Header.Del("Origin"); out.Header.Del("Sec-Fetch-Site") }
		}}, []found{
			{"headers", Error, []string{"Origin, Sec-Fetch-Site does not arrive"}}, {"forms", Error, []string{"another site is let in"}}}},
		"headers of the answer": {setup{proxy: func(_ *http.Request, p *deploytest.Proxy) {
			p.Answer = func(a *http.Response) error { a.Header.Add("X-Frame-Options", "SAMEORIGIN"); return nil }
		}}, []found{{"headers", Warning, []string{"X-Frame-Options (DENY and SAMEORIGIN)", "add_header"}}}},
		"untrusted proxy": {setup{own: true, proxy: deploytest.Faultless}, []found{
			{"caller", Error, []string{"takes the proxy at 127.0.0.1 for the caller", "Set TRUSTED_PROXIES to 127.0.0.1"}}}},
		"silent proxy": {setup{https: true, proxy: func(_ *http.Request, p *deploytest.Proxy) {
			p.Rewrite = func(_, out *http.Request) { out.Header.Del("X-Forwarded-For") }
		}}, []found{{"caller", Error, []string{"does not say for whom", "proxy_add_x_forwarded_for"}}}},
		"forged caller": {setup{proxy: func(_ *http.Request, p *deploytest.Proxy) {
			p.Rewrite = func(in, out *http.Request) {
				if claimed := in.Header.Get("X-Forwarded-For"); claimed != "" {
					out.Header.Set("X-Forwarded-For", claimed)
				} else {
					out.Header.Set("X-Forwarded-For", "192.0.2.8")
				}
			}
		}}, []found{{"caller", Error, []string{"a forged X-Forwarded-For is believed"}}}},
		"cookies lose Secure": {setup{https: true, proxy: cookiesBecome(without("; Secure"))}, []found{
			{"cookies", Error, []string{"has lost Secure", "nobody can sign in"}}}},
		"cookies lose HttpOnly": {setup{proxy: cookiesBecome(without("; HttpOnly"))}, []found{
			{"cookies", Error, []string{"has lost HttpOnly", "rewrites cookies"}}}},
		"Secure cookies on http": {setup{proxy: cookiesBecome(func(s string) string { return s + "; Secure" })}, []found{
			{"cookies", Error, []string{"browsers do not take on http"}}}},
		"another certificate": {setup{https: true, names: []string{"www.example.com"}}, []found{
			{"certificate", Error, []string{"is for www.example.com, not for"}}, {"stream", Error, []string{"Nothing else was tried"}}}},
		"expired certificate": {setup{https: true, until: -time.Hour}, []found{
			{"certificate", Error, []string{"expired on", "Renew it"}}, {"stream", Error, []string{"Nothing else was tried"}}}},
		"unknown authority": {setup{https: true, spoil: func(t *testing.T, _ *storetest.DB, o *Options) {
			_, o.Roots = newCertificate(t, []string{"elsewhere"}, time.Now().Add(time.Hour))
		}}, []found{{"certificate", Error, []string{"nobody whom this machine trusts", "whole chain"}}, {"stream", Error, []string{"Nothing else was tried"}}}},
		"certificate about to end": {setup{https: true, until: 100 * time.Hour}, []found{
			{"name", Warning, []string{"4 days more", "renewal does not run"}}}},
		"HTTP/1.1 alone": {setup{https: true, http1: true}, []found{
			{"name", Warning, []string{"HTTP/1.1", "listen 443 ssl http2"}}}},
		"no redirect": {setup{https: true, plain: page}, []found{
			{"redirect", Warning, []string{"does not lead to https", "200 OK"}}}},
		"LISTEN elsewhere": {setup{listenURL: func(t *testing.T) string { return storetest.New(t).URL }}, []found{
			{"listen", Error, []string{"leads to another database", "once a second"}},
			{"stream", Warning, nil}, // where a change had to wait long for the next look
		}},
		"LISTEN through a pooler": {setup{spoil: func(t *testing.T, db *storetest.DB, o *Options) { o.ListenURL = startPooler(t, db) }}, []found{
			{"listen", Error, []string{"A NOTIFY is not heard at DATABASE_LISTEN_URL", "pooler in transaction mode", "past the pooler"}}}},
		"row security off": {setup{own: true, spoil: func(t *testing.T, db *storetest.DB, _ *Options) {
			db.Exec(t, `ALTER TABLE attachments NO FORCE ROW LEVEL SECURITY`)
		}}, []found{{"row security", Error, []string{"not in force on attachments", "FORCE ROW LEVEL SECURITY"}}}},
		"open policy": {setup{own: true, spoil: func(t *testing.T, db *storetest.DB, _ *Options) {
			db.Exec(t, `CREATE POLICY mistake ON users FOR SELECT TO authenticated USING (true)`)
		}}, []found{{"row security", Error, []string{"Rows of users are seen without saying who asks"}}}},
		"table of another owner": {setup{own: true, spoil: func(t *testing.T, db *storetest.DB, _ *Options) {
			db.Exec(t, `CREATE TABLE public.own (id int); ALTER TABLE public.own OWNER TO autocrm_web`)
		}}, []found{{"roles", Error, []string{"autocrm_web owns the table own"}}, {"row security", Error, []string{"not in force on own"}}}},
		"login above the policies": {setup{spoil: func(_ *testing.T, db *storetest.DB, o *Options) { o.DatabaseURL = db.OwnerURL }}, []found{
			{"roles", Warning, []string{"above row-level security", "DATABASE_OWNER_URL"}}}},
		"migration missing": {setup{own: true, spoil: func(t *testing.T, db *storetest.DB, _ *Options) {
			db.Exec(t, `DELETE FROM migrations.applied WHERE version_id = 3`)
		}}, []found{{"migrations", Error, []string{"The migration 3 is missing", "autocrm migrate"}}}},
		"newer database": {setup{own: true, spoil: func(t *testing.T, db *storetest.DB, _ *Options) {
			db.Exec(t, `INSERT INTO migrations.applied (version_id, is_applied) VALUES (900, true)`)
		}}, []found{{"migrations", Warning, []string{"the migration 900, which this program does not know"}}}},
		"migrations unreadable": {setup{spoil: func(_ *testing.T, db *storetest.DB, o *Options) { o.OwnerURL = o.DatabaseURL }}, []found{
			{"migrations", Warning, []string{"Set DATABASE_OWNER_URL"}}}},
		"nobody tidies": {setup{own: true, spoil: func(t *testing.T, db *storetest.DB, _ *Options) {
			db.Exec(t, `INSERT INTO event_commits (place, xid) VALUES ((extract(epoch FROM now() - interval '80 hours') * 1000000)::bigint, '1')`)
		}}, []found{{"event log", Warning, []string{"reaches back 80 hours"}}}},
		"files unwritable": {setup{spoil: func(t *testing.T, _ *storetest.DB, o *Options) { o.Files = noFolder(t) }}, []found{
			{"attachments", Error, []string{"cannot be written to", "BLOB_URL or DATA_DIR"}}}},
		"database down": {setup{spoil: func(_ *testing.T, _ *storetest.DB, o *Options) {
			o.DatabaseURL = "postgres://autocrm_web:geheim@127.0.0.1:1/autocrm"
		}}, []found{{"connection", Error, []string{"cannot be asked", "DATABASE_URL"}}, {"stream", Error, []string{"no probe to open it as"}}}},
		"another secret": {setup{spoil: func(_ *testing.T, _ *storetest.DB, o *Options) {
			o.Secrets = [][]byte{[]byte("another secret, long enough too")}
		}}, []found{{"request", Error, []string{"does not know the doctor's proof", "SECRET_KEY"}}}},
		"no such name": {setup{https: true, spoil: func(_ *testing.T, _ *storetest.DB, o *Options) { o.Resolve = nil }}, []found{
			{"name", Error, []string{"leads nowhere", "A or AAAA record"}}}},
		"nobody there": {setup{spoil: func(_ *testing.T, _ *storetest.DB, o *Options) {
			for _, address := range o.Portals {
				address.Host = address.Hostname() + ":1"
			}
		}}, []found{{"name", Error, []string{"Nothing answers at 127.0.0.1, port 1"}}}},
		"no admin yet": {setup{noAdmin: true}, []found{{"stream", Warning, []string{"There is no admin yet", "create-admin"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := plain
			switch {
			case c.own || c.noAdmin || c.listenURL != nil:
				d = newDesk(t, c.setup)
			case c.https:
				d = secure
			}
			r := d.examine(t, c.setup)
			worst := OK
			for _, want := range c.found {
				if want.words == nil {
					continue
				}
				worst = max(worst, want.level)
				i := slices.IndexFunc(r.Findings, func(f Finding) bool { return f.Check == want.check && f.Level == want.level })
				if i < 0 {
					t.Errorf("no %s of %s", want.level, want.check)
					continue
				}
				f := r.Findings[i]
				said := f.Sentence + " " + f.Cause + " " + f.Cure
				for _, words := range want.words {
					if !strings.Contains(said, words) {
						t.Errorf("it does not say %q: %s", words, said)
					}
				}
				if f.Sentence == "" || f.Cause == "" || f.Cure == "" || strings.Contains(said, "geheim") {
					t.Errorf("no sentence, cause or cure, or a secret: %+v", f)
				}
			}
			for _, f := range r.Findings {
				if f.Level != OK && !slices.ContainsFunc(c.found, func(want found) bool { return want.check == f.Check }) {
					t.Errorf("it finds wrong too: %s, %s: %s", f.Subject, f.Check, f.Sentence)
				}
			}
			for _, figures := range r.Portals {
				if (figures.Cut > 0) != (name == "cuts idle streams") {
					t.Errorf("cut after %.0f ms", figures.Cut)
				}
			}
			if r.Level != worst {
				t.Errorf("the level is %s", r.Level)
			}
		})
	}
}

// TestInterrupted ends an examination that is under way: its probes go all the same.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{}) // whose end finds what is left
	server := httptest.NewServer(d.handler)
	t.Cleanup(server.Close)
	o := d.options
	o.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan Report)
	go func() { ended <- Examine(ctx, o) }()
	for probes := 0; probes < 3; {
		if err := d.db.Owner.QueryRow(t.Context(), `SELECT count(*) FROM users WHERE email <> 'adam@example.com'`).Scan(&probes); err != nil {
			t.Fatal(err)
		}
	}
	began := time.Now()
	cancel()
	<-ended
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it ends %s after", took)
	}
}

// noFolder is a store of files whose folder has become a file.
func noFolder(t *testing.T) *blob.Bucket {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "files")
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{CreateDir: true, NoTempDir: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bucket.Close() })
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return bucket
}

// TestJSON holds the form that programs read.
func TestJSON(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	r := Report{Level: Warning, Findings: []Finding{{Subject: "files", Check: "attachments", Level: Warning, Sentence: "S.", Cause: "C.", Cure: "Do <this>."}}}
	if err := r.WriteJSON(&text); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Level    string
		Findings []map[string]string
	}
	if err := json.Unmarshal([]byte(text.String()), &got); err != nil {
		t.Fatal(err)
	}
	if got.Level != "warning" || got.Findings[0]["level"] != "warning" || got.Findings[0]["cure"] != "Do <this>." {
		t.Errorf("it is %s", text.String())
	}
}

func cookiesBecome(change func(string) string) func(*http.Request, *deploytest.Proxy) {
	return func(_ *http.Request, p *deploytest.Proxy) {
		p.Answer = func(a *http.Response) error {
			for i, cookie := range a.Header["Set-Cookie"] {
				a.Header["Set-Cookie"][i] = change(cookie)
			}
			return nil
		}
	}
}

func without(words string) func(string) string {
	return func(s string) string { return strings.ReplaceAll(s, words, "") }
}
