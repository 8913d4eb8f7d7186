// Package deploytest runs the proxies of deploy/ before a server, for tests: each with the very file that is
// shipped, in which addresses, ports and paths are replaced and nothing else, and around it what every system has.
package deploytest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Front is a proxy that runs.
type Front struct {
	Secure, Plain string // the addresses it listens at
	Log           string // the file of what it says
	dir           string
}

// Setup is what stands behind a proxy, and what it shows of itself.
type Setup struct {
	Upstream          string // the server's address
	Secure            string // where to listen; empty: wherever is free
	CertFile, KeyFile string // for *.autocrm.test
	From, To          string // a further change, by which a test does something wrong
}

// kind is how one proxy is run.
type kind struct {
	shipped string // its file in deploy/
	changes func(*Front, Setup) [][2]string
	system  func(*Front) string // what is around the shipped file, if that is not the whole
	command func(t testing.TB, dir, shipped, system string) *exec.Cmd
}

var kinds = map[string]kind{"nginx": nginx, "haproxy": haproxy, "apache": apache, "caddy": caddy}

// Names are the proxies there are, as Start takes them.
var Names = []string{"nginx", "haproxy", "apache", "caddy"}

// Start runs a proxy until the test ends, and returns when it can be reached.
func Start(t testing.TB, name string, setup Setup) *Front {
	t.Helper()
	k := kinds[name]
	f := &Front{Secure: setup.Secure, Plain: FreeAddress(t), dir: t.TempDir()}
	if f.Secure == "" {
		f.Secure = FreeAddress(t)
	}
	f.Log = filepath.Join(f.dir, "log")
	text, err := os.ReadFile(filepath.Join("..", "deploy", k.shipped))
	if err != nil {
		t.Fatal(err)
	}
	conf := Replace(t, "deploy/"+k.shipped, string(text), append(k.changes(f, setup), [2]string{setup.From, setup.To}))
	shipped, system := filepath.Join(f.dir, k.shipped), filepath.Join(f.dir, "system.conf")
	write(t, shipped, conf)
	if k.system != nil {
		write(t, system, k.system(f))
	}
	f.run(t, k.command(t, f.dir, shipped, system))
	return f
}

// Replace makes changes to a file that is shipped; each must find what it replaces.
func Replace(t testing.TB, name, text string, changes [][2]string) string {
	t.Helper()
	for _, change := range changes {
		if !strings.Contains(text, change[0]) {
			t.Fatalf("%s has no %q any more", name, change[0])
		}
		text = strings.ReplaceAll(text, change[0], change[1])
	}
	return text
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run starts the program and waits until both addresses answer.
func (f *Front) run(t testing.TB, command *exec.Cmd) {
	t.Helper()
	log, err := os.Create(f.Log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatalf("%v; `.ci/setup nginx haproxy apache` installs what is needed", err)
	}
	gone := make(chan struct{})
	go func() {
		command.Wait() //nolint:errcheck // what it has to say is in the log
		close(gone)
	}()
	t.Cleanup(func() {
		command.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have gone already
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			command.Process.Kill() //nolint:errcheck // as above
			<-gone
			t.Errorf("%s did not end within 10 s of SIGTERM", command.Path)
		}
		if t.Failed() {
			said, _ := os.ReadFile(f.Log)
			t.Logf("---- %s:\n%s", filepath.Base(command.Path), said[max(0, len(said)-4000):])
		}
	})
	for deadline := time.Now().Add(20 * time.Second); !answers(f.Secure) || !answers(f.Plain); time.Sleep(10 * time.Millisecond) {
		select {
		case <-gone:
			said, _ := os.ReadFile(f.Log)
			t.Fatalf("%s ended: %s", command.Path, said)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen", command.Path)
		}
	}
}

func answers(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// Program finds one by its names; an ordinary user's PATH often lacks /usr/sbin.
func Program(names ...string) string {
	for _, name := range names {
		for _, path := range []string{name, "/usr/sbin/" + name} {
			if found, err := exec.LookPath(path); err == nil {
				return found
			}
		}
	}
	return names[0]
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

func root() bool { return os.Getuid() == 0 }

var names = [2]string{".example.com", ".autocrm.test"}

var nginx = kind{
	shipped: "nginx.conf",
	changes: func(f *Front, s Setup) [][2]string {
		return [][2]string{
			{"server 127.0.0.1:3000;", "server " + s.Upstream + ";"},
			{"listen 80;", "listen " + f.Plain + ";"},
			{"listen [::]:80;", ""}, // not every machine has IPv6
			{"listen 443 ssl http2;", "listen " + f.Secure + " ssl http2;"},
			{"listen [::]:443 ssl http2;", ""},
			{"/etc/ssl/autocrm/fullchain.pem", s.CertFile},
			{"/etc/ssl/autocrm/privkey.pem", s.KeyFile},
			names,
		}
	},
	system: func(f *Front) string {
		user := ""
		if root() { // else its workers could not reach the test's folder
			user = "user root;"
		}
		return fmt.Sprintf(`%s
pid %s/pid;
error_log stderr info;
events {}
http {
	access_log off;
	client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi; uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
	include %[2]s/nginx.conf;
}
`, user, f.dir)
	},
	command: func(_ testing.TB, dir, _, system string) *exec.Cmd {
		return exec.Command(Program("nginx"), "-p", dir, "-e", "stderr", "-c", system, "-g", "daemon off;")
	},
}

var haproxy = kind{
	shipped: "haproxy.cfg",
	changes: func(f *Front, s Setup) [][2]string {
		return [][2]string{
			{"node1 127.0.0.1:3000", "node1 " + s.Upstream},
			{"bind :80 ", "bind " + f.Plain + " "},
			{"bind :443 ", "bind " + f.Secure + " "},
			{"/etc/ssl/autocrm/autocrm.pem", bundle(f.dir, s)},
			names,
		}
	},
	system: func(*Front) string {
		return `
global
    log stderr local0
defaults
    log     global
    mode    http
    option  httplog
    option  dontlognull
    timeout connect 5000
    timeout client  50000
    timeout server  50000
`
	},
	command: func(_ testing.TB, _, shipped, system string) *exec.Cmd {
		return exec.Command(Program("haproxy"), "-db", "-f", system, "-f", shipped)
	},
}

// bundle is certificate and key in one file, as HAProxy takes them.
func bundle(dir string, s Setup) string {
	var all []byte
	for _, path := range []string{s.CertFile, s.KeyFile} {
		text, _ := os.ReadFile(path)
		all = append(all, text...)
	}
	path := filepath.Join(dir, "autocrm.pem")
	os.WriteFile(path, all, 0o600) //nolint:errcheck // HAProxy will say that it is missing
	return path
}

var apache = kind{
	shipped: "apache.conf",
	changes: func(f *Front, s Setup) [][2]string {
		return [][2]string{
			{"http://127.0.0.1:3000/", "http://" + s.Upstream + "/"},
			{"<VirtualHost *:80>", "<VirtualHost " + f.Plain + ">"},
			{"<VirtualHost *:443>", "<VirtualHost " + f.Secure + ">"},
			{"/etc/ssl/autocrm/fullchain.pem", s.CertFile},
			{"/etc/ssl/autocrm/privkey.pem", s.KeyFile},
			names,
		}
	},
	system: func(f *Front) string {
		user := ""
		if root() { // whom it refuses to serve as; by number, for the names differ
			user = "User #65534\nGroup #65534\n"
		}
		conf := fmt.Sprintf("%sServerRoot %s\nDefaultRuntimeDir %[2]s\nPidFile %[2]s/pid\nErrorLog /dev/stderr\nServerName localhost\nListen %s\nListen %s\n",
			user, f.dir, f.Secure, f.Plain)
		// Some are built in, which ones differs.
		for _, module := range []string{"unixd", "log_config", "mpm_event", "authz_core", "socache_shmcb", "ssl", "http2", "proxy", "proxy_http",
			"headers", "rewrite", "setenvif", "filter", "deflate", "reqtimeout"} {
			conf += fmt.Sprintf("<IfModule !%s_module>\nLoadModule %[1]s_module %s/mod_%[1]s.so\n</IfModule>\n", module, apacheModules())
		}
		return conf + "Include " + f.dir + "/apache.conf\n"
	},
	command: func(_ testing.TB, _, _, system string) *exec.Cmd {
		return exec.Command(Program("apache2", "httpd"), "-D", "FOREGROUND", "-f", system)
	},
}

func apacheModules() string {
	for _, dir := range []string{"/usr/lib/apache2/modules", "/usr/lib64/httpd/modules", "/usr/lib/httpd/modules", "/usr/lib/apache2",
		"/opt/homebrew/lib/httpd/modules", "/usr/local/lib/httpd/modules"} {
		if _, err := os.Stat(filepath.Join(dir, "mod_proxy_http.so")); err == nil {
			return dir
		}
	}
	return "modules"
}

var caddy = kind{
	shipped: "Caddyfile",
	changes: func(f *Front, s Setup) [][2]string {
		return [][2]string{
			{"reverse_proxy 127.0.0.1:3000", "reverse_proxy " + s.Upstream},
			{"http_port 80", "http_port " + port(f.Plain)},
			{"https_port 443", "https_port " + port(f.Secure)},
			{"localhost:2019", "unix/" + f.dir + "/admin"},
			{"/etc/ssl/autocrm/fullchain.pem", s.CertFile},
			{"/etc/ssl/autocrm/privkey.pem", s.KeyFile},
			names,
		}
	},
	command: func(t testing.TB, dir, shipped, _ string) *exec.Cmd {
		// Built on first use, into Go's own cache; there it stays until the module changes.
		out, err := exec.Command("go", "-C", "../deploy/deploytest/caddy", "tool", "-n", "caddy").CombinedOutput()
		if err != nil {
			t.Fatalf("build Caddy: %v\n%s", err, out)
		}
		command := exec.Command(strings.TrimSpace(string(out)), "run", "--config", shipped, "--adapter", "caddyfile")
		command.Env = append(os.Environ(), "XDG_CONFIG_HOME="+dir, "XDG_DATA_HOME="+dir)
		return command
	},
}
