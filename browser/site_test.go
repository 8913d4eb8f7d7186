package browser

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"
)

// site is one deployment: a database, the binary, and what stands before it.
type site struct {
	*storetest.DB
	t      testing.TB
	server *process
	listen string
	urls   map[store.Role]string
	plain  string // where nginx answers http
	actors map[string]store.Actor
}

// deployments are the two ways the six cells are run in.
var deployments = map[string]func(testing.TB, ...string) *site{"development": development, "production": production}

// development is `autocrm serve` as on a desk, reached directly at http://client.localhost:PORT and so on.
// settings are further variables, NAME=value, and at most one flag.
func development(t testing.TB, settings ...string) *site {
	t.Helper()
	return serve(t, freePort(t), func(role store.Role, port string) string {
		return fmt.Sprintf("http://%s.localhost:%s", role, port)
	}, settings)
}

// production is the same binary behind nginx with deploy/nginx.conf, TLS and three names.
func production(t testing.TB, settings ...string) *site {
	t.Helper()
	public := freePort(t)
	address := func(role store.Role, _ string) string { return fmt.Sprintf("https://%s.autocrm.test:%s", role, public) }
	settings = append(settings, "TRUSTED_PROXIES=127.0.0.1")
	for _, role := range store.Roles {
		settings = append(settings, strings.ToUpper(string(role))+"_URL="+address(role, ""))
	}
	s := serve(t, freePort(t), address, settings)
	startNginx(s, public)
	return s
}

func serve(t testing.TB, port string, address func(store.Role, string) string, settings []string) *site {
	t.Helper()
	s := &site{DB: storetest.New(t), t: t, listen: "127.0.0.1:" + port, urls: map[store.Role]string{}}
	for _, role := range store.Roles {
		s.urls[role] = address(role, port)
	}
	dir := t.TempDir()
	args := []string{"serve"}
	for i, setting := range settings {
		if strings.HasPrefix(setting, "--") {
			args, settings = append(args, setting), slices.Delete(slices.Clone(settings), i, i+1)
			break
		}
	}
	s.server = &process{t: t, path: binary, args: args, log: filepath.Join(dir, "log"), env: append([]string{
		"HOME=" + dir, "PATH=" + os.Getenv("PATH"),
		"DATA_DIR=" + filepath.Join(dir, "data"),
		"LISTEN_ADDR=" + s.listen,
		"DATABASE_URL=" + s.URL, "DATABASE_OWNER_URL=" + s.OwnerURL,
		"LOG_LEVEL=debug",
	}, settings...)}
	s.start()
	t.Cleanup(func() {
		if said := s.server.said(); strings.Contains(said, "DATA RACE") || strings.Contains(said, "panic") {
			t.Errorf("the server raced or panicked:\n%s", s.server.tail(200))
		} else if t.Failed() {
			t.Logf("---- the server:\n%s", s.server.tail(40))
		}
	})
	return s
}

// start starts the server, again on the same port if it ran before, and waits until it says that it runs.
func (s *site) start() {
	s.t.Helper()
	before := len(s.server.said())
	s.server.start()
	gone := s.server.gone
	until(s.t, "the server runs", 20*time.Second, func() bool {
		select {
		case <-gone:
			s.t.Fatalf("the server ended:\n%s", s.server.tail(20))
		default:
		}
		return strings.Contains(s.server.said()[before:], "Ctrl-C stops it")
	})
}

// restart ends the server with signal and starts it again; meanwhile runs while it is down.
func (s *site) restart(signal os.Signal, meanwhile func()) {
	s.t.Helper()
	s.server.end(signal)
	meanwhile()
	s.start()
}

// startNginx runs deploy/nginx.conf with addresses, ports and paths replaced and nothing else; around it is
// what nginx.conf has on every system.
func startNginx(s *site, public string) {
	t := s.t
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // an ordinary user's PATH often lacks it
	}
	shipped, err := os.ReadFile("../deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	plain := freePort(t)
	conf := string(shipped)
	for _, change := range [][2]string{
		{"server 127.0.0.1:3000;", "server " + s.listen + ";"},
		{"listen 80;", "listen 127.0.0.1:" + plain + ";"},
		{"listen [::]:80;", ""}, // not every machine has IPv6
		{"listen 443 ssl http2;", "listen 127.0.0.1:" + public + " ssl http2;"},
		{"listen [::]:443 ssl http2;", ""},
		{".example.com", ".autocrm.test"},
		{"/etc/ssl/autocrm/fullchain.pem", identity.certFile},
		{"/etc/ssl/autocrm/privkey.pem", identity.keyFile},
	} {
		if !strings.Contains(conf, change[0]) {
			t.Fatalf("deploy/nginx.conf has no %q any more", change[0])
		}
		conf = strings.ReplaceAll(conf, change[0], change[1])
	}
	dir := t.TempDir()
	user := ""
	if os.Getuid() == 0 { // else its workers could not reach the test's folder
		user = "user root;"
	}
	main := fmt.Sprintf(`%s
pid %s/pid;
error_log stderr info;
events {}
http {
	access_log off;
	client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi; uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
	include %[2]s/autocrm.conf;
}
`, user, dir)
	for name, text := range map[string]string{"nginx.conf": main, "autocrm.conf": conf} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	nginx := &process{t: t, path: path, log: filepath.Join(dir, "log"),
		args: []string{"-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf"), "-g", "daemon off;"}}
	nginx.start()
	client := identity.client()
	until(t, "nginx answers", 10*time.Second, func() bool {
		select {
		case <-nginx.gone:
			t.Fatalf("nginx ended:\n%s", nginx.tail(20))
		default:
		}
		answer, err := client.Get(s.urls[store.Client] + "/healthz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	s.plain = "http://127.0.0.1:" + plain
}

// exec runs SQL as somebody in psql would.
func (s *site) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.Owner.Exec(context.Background(), sql, args...); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}
