package browser

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"autocrm/deploy/deploytest"
	"autocrm/store"
	"autocrm/store/storetest"
)

// site is one deployment: a database, the binary, and what stands before it.
type site struct {
	*storetest.DB
	t      testing.TB
	server *deploytest.Process
	listen string
	urls   map[store.Role]string
	actors map[string]store.Actor

	absences []absence
}

// absence is a time in which a test had taken the server away.
type absence struct{ from, to time.Time }

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
	return behind(t, "nginx", settings...)
}

// behind is production with one of the proxies of deploy/.
func behind(t testing.TB, proxy string, settings ...string) *site {
	t.Helper()
	public := freePort(t)
	s := serveAs(t, freePort(t), "https://%s.autocrm.test:"+public, append(settings, "TRUSTED_PROXIES=127.0.0.1"))
	deploytest.Start(t, proxy, deploytest.Setup{
		Upstream: s.listen, Secure: "127.0.0.1:" + public, CertFile: identity.certFile, KeyFile: identity.keyFile})
	return s
}

// secure is the binary with a certificate of its own, reached directly.
func secure(t testing.TB) *site {
	t.Helper()
	port := freePort(t)
	return serveAs(t, port, "https://%s.autocrm.test:"+port, []string{"TLS_CERT=" + identity.certFile, "TLS_KEY=" + identity.keyFile})
}

// serveAs serves at addresses that the server has to be told; %s in them is the portal.
func serveAs(t testing.TB, port, address string, settings []string) *site {
	t.Helper()
	for _, role := range store.Roles {
		settings = append(settings, strings.ToUpper(string(role))+"_URL="+fmt.Sprintf(address, role))
	}
	return serve(t, port, func(role store.Role, _ string) string { return fmt.Sprintf(address, role) }, settings)
}

// at is the same deployment at other addresses, through something else that stands before it.
func (s *site) at(address string) *site {
	other := *s
	other.urls = map[store.Role]string{}
	for _, role := range store.Roles {
		other.urls[role] = fmt.Sprintf(address, role)
	}
	return &other
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
	s.server = &deploytest.Process{T: t, Path: binary, Args: args, Log: filepath.Join(dir, "log"), Patience: 10 * time.Second, Env: append([]string{
		"HOME=" + dir, "PATH=" + os.Getenv("PATH"),
		"DATA_DIR=" + filepath.Join(dir, "data"),
		"LISTEN_ADDR=" + s.listen,
		"DATABASE_URL=" + s.URL, "DATABASE_OWNER_URL=" + s.OwnerURL,
		"LOG_LEVEL=debug",
	}, settings...)}
	s.start()
	t.Cleanup(func() {
		if said := s.server.Said(); strings.Contains(said, "DATA RACE") || strings.Contains(said, "panic") {
			t.Errorf("the server raced or panicked:\n%s", s.server.Tail(200))
		} else if t.Failed() {
			t.Logf("---- the server:\n%s", s.server.Tail(40))
		}
	})
	return s
}

// start starts the server, again on the same port if it ran before, and waits until it says that it runs.
func (s *site) start() {
	s.t.Helper()
	before := len(s.server.Said())
	s.server.Start()
	until(s.t, "the server runs", 20*time.Second, func() bool {
		if s.server.Ended() {
			s.t.Fatalf("the server ended:\n%s", s.server.Tail(20))
		}
		return strings.Contains(s.server.Said()[before:], "Ctrl-C stops it")
	})
}

// takeAway ends the server with signal; back starts it again.
func (s *site) takeAway(signal os.Signal) (back func()) {
	s.t.Helper()
	from := time.Now()
	s.server.End(signal)
	return func() {
		s.t.Helper()
		s.start()
		s.absences = append(s.absences, absence{from, time.Now()})
	}
}

// restart ends the server with signal and starts it again; meanwhile runs while it is down.
func (s *site) restart(signal os.Signal, meanwhile func()) {
	s.t.Helper()
	back := s.takeAway(signal)
	meanwhile()
	back()
}

// exec runs SQL as somebody in psql would.
func (s *site) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.Owner.Exec(context.Background(), sql, args...); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}
