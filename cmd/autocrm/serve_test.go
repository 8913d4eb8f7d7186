package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"autocrm/deploy/deploytest"
	"autocrm/store"
	"autocrm/store/storetest"
)

// The times promised are 10 s and 2 s on a quiet machine; this one may be busy.
const (
	startAnew  = 30 * time.Second
	startAgain = 10 * time.Second
)

// TestOwnPostgreSQL is `autocrm serve` without a DATABASE_URL through all its ends: Ctrl-C leaves no process and
// keeps the data, a second copy is told so in a sentence, and kill -9 does no harm.
func TestOwnPostgreSQL(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	env := []string{"DATA_DIR=" + dir, "LISTEN_ADDR=" + deploytest.FreeAddress(t)}
	p := start(t, env, "serve", "--demo")
	took := p.ready()
	t.Logf("ready %d ms after the start on an empty DATA_DIR, with demo data", took.Milliseconds())
	if took > startAnew {
		t.Errorf("that is more than %s", startAnew)
	}
	for _, words := range []string{"http://client.localhost:", "http://agent.localhost:", "http://admin.localhost:", "client@example.com", "autocrm-demo"} {
		if !strings.Contains(p.said.String(), words) {
			t.Errorf("it does not say %s", words)
		}
	}
	token(t, p, "client", "client@example.com")

	second := start(t, []string{"DATA_DIR=" + dir, "LISTEN_ADDR=" + deploytest.FreeAddress(t)}, "serve")
	if said := second.refuses(); !strings.Contains(said, dir) {
		t.Errorf("a second copy says %q", said)
	}
	third := start(t, []string{"DATA_DIR=" + dataDir(t), "LISTEN_ADDR=" + p.listen}, "serve")
	if said := third.refuses(); !strings.Contains(said, "LISTEN_ADDR") {
		t.Errorf("a copy on the same port says %q", said)
	}

	t.Logf("gone %d ms after Ctrl-C", p.end(os.Interrupt).Milliseconds())
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("it ended with code %d", code)
	}
	if left := running(dir); len(left) > 0 {
		t.Errorf("left behind: %s", strings.Join(left, "\n"))
	}

	p = start(t, env, "serve")
	took = p.ready()
	t.Logf("ready %d ms after the start on a used DATA_DIR", took.Milliseconds())
	if took > startAgain {
		t.Errorf("that is more than %s", startAgain)
	}
	token(t, p, "client", "client@example.com")

	p.end(syscall.SIGKILL)
	p = start(t, env, "serve")
	t.Logf("ready %d ms after the start that follows kill -9", p.ready().Milliseconds())
	token(t, p, "client", "client@example.com")
	p.end(syscall.SIGTERM)
	if left := running(dir); len(left) > 0 {
		t.Errorf("left behind: %s", strings.Join(left, "\n"))
	}
}

// token signs in as an API client.
func token(t *testing.T, p *program, portal, email string) string {
	t.Helper()
	request := p.request("POST", portal, "/api/token")
	form := url.Values{"email": {email}, "password": {storetest.Password}}.Encode()
	request.Body = io.NopCloser(strings.NewReader(form))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var got struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || got.AccessToken == "" {
		t.Fatalf("a token for %s: %s, %v", email, answer.Status, err)
	}
	return got.AccessToken
}

// onDatabase is the environment for a database of storetest's.
func onDatabase(t *testing.T, db *storetest.DB, more ...string) []string {
	return append([]string{"DATABASE_URL=" + db.URL, "DATABASE_OWNER_URL=" + db.OwnerURL,
		"DATA_DIR=" + t.TempDir(), "LISTEN_ADDR=" + deploytest.FreeAddress(t)}, more...)
}

// TestStopWithStreams ends the server while 200 streams are open: each is told goodbye, and the whole is over
// within 2 s.
func TestStopWithStreams(t *testing.T) {
	t.Parallel()
	for name, setting := range map[string]string{"alone": "TRUSTED_PROXIES=", "behind a proxy": "TRUSTED_PROXIES=127.0.0.1"} {
		t.Run(name, func(t *testing.T) { stopWithStreams(t, setting) })
	}
}

func stopWithStreams(t *testing.T, setting string) {
	db := storetest.New(t)
	for _, role := range store.Roles {
		db.Person(t, role, string(role)+"@example.com")
	}
	// The race detector would otherwise add a second of its own.
	p := start(t, onDatabase(t, db, setting, "GORACE=atexit_sleep_ms=0"), "serve")
	p.ready()
	const streams = 200
	var opened, ended sync.WaitGroup
	var mu sync.Mutex
	goodbyes := 0
	for _, role := range store.Roles {
		bearer := "Bearer " + token(t, p, string(role), string(role)+"@example.com")
		// A connection for each stream, as over HTTP/1.1.
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		for range streams/len(store.Roles) + 1 {
			opened.Add(1)
			ended.Go(func() {
				once := sync.OnceFunc(opened.Done)
				defer once()
				request := p.request("GET", string(role), "/live")
				request.Header.Set("Authorization", bearer)
				answer, err := client.Do(request)
				if err != nil {
					t.Error(err)
					return
				}
				defer answer.Body.Close()
				lines := bufio.NewScanner(answer.Body)
				for lines.Scan() {
					switch lines.Text() {
					case "event: hello":
						once()
					case "event: bye":
						mu.Lock()
						goodbyes++
						mu.Unlock()
					}
				}
			})
		}
	}
	opened.Wait()
	took := p.end(syscall.SIGTERM)
	ended.Wait()
	t.Logf("gone %d ms after SIGTERM with %d streams open", took.Milliseconds(), goodbyes)
	if goodbyes < streams {
		t.Errorf("%d of more than %d streams were told goodbye", goodbyes, streams)
	}
	if took > 2*time.Second {
		t.Error("that is more than 2 s")
	}
}

// TestTLS serves TLS by itself: HTTP/2, and the portals by name.
func TestTLS(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	cert, key, pool := testCertificate(t, "*.autocrm.test")
	metrics := deploytest.FreeAddress(t)
	env := onDatabase(t, db, "TLS_CERT="+cert, "TLS_KEY="+key, "METRICS_ADDR="+metrics,
		"CLIENT_URL=https://client.autocrm.test", "AGENT_URL=https://agent.autocrm.test", "ADMIN_URL=https://admin.autocrm.test")
	p := start(t, env, "serve")
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "client.autocrm.test"}}}
	var answer *http.Response
	for {
		request, _ := http.NewRequest("GET", "https://"+p.listen+"/readyz", nil)
		request.Host = "client.autocrm.test"
		var err error
		if answer, err = client.Do(request); err == nil {
			if answer.StatusCode == http.StatusOK {
				break
			}
			answer.Body.Close() // it has not read the log yet
		}
		select {
		case <-p.gone:
			t.Fatal("it ended")
		case <-time.After(20 * time.Millisecond):
		}
		if time.Since(p.began) > time.Minute {
			t.Fatal(err)
		}
	}
	answer.Body.Close()
	if answer.ProtoMajor != 2 || answer.StatusCode != http.StatusOK {
		t.Errorf("it answers %s over %s", answer.Status, answer.Proto)
	}
	if answer.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no Strict-Transport-Security")
	}

	measured, err := http.Get("http://" + metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer measured.Body.Close()
	text, _ := io.ReadAll(measured.Body)
	for _, name := range []string{"autocrm_live_listener_connected 1", "autocrm_http_request_seconds", "go_goroutines"} {
		if !strings.Contains(string(text), name) {
			t.Errorf("METRICS_ADDR does not tell %s", name)
		}
	}
}

// TestSecretsFromFiles gives each secret by the path of a file.
func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.Person(t, store.Client, "cora@example.com")
	dir := t.TempDir()
	env := []string{"DATA_DIR=" + filepath.Join(dir, "data"), "LISTEN_ADDR=" + deploytest.FreeAddress(t)}
	for name, value := range map[string]string{"DATABASE_URL": db.URL, "DATABASE_OWNER_URL": db.OwnerURL, "DATABASE_LISTEN_URL": db.URL,
		"SECRET_KEY": "a-key-that-is-long-enough-for-this", "BLOB_URL": "file://" + filepath.Join(dir, "files")} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"_FILE="+path)
	}
	p := start(t, env, "serve")
	p.ready()
	token(t, p, "client", "cora@example.com")
	if _, err := os.Stat(filepath.Join(dir, "data", "secret.key")); err == nil {
		t.Error("a secret was made although one was given")
	}
	p.end(syscall.SIGTERM)
}
