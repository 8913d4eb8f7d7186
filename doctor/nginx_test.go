package doctor

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestNginx has the doctor look through a real nginx: with deploy/nginx.conf as it is shipped nothing is wrong;
// with the line that is most often added to it, the doctor says to take that line out.
func TestNginx(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{https: true, trusted: "127.0.0.1/32"})
	for name, c := range map[string]struct {
		line  string
		words string
	}{
		"as shipped":           {"", ""},
		"ignores the header":   {"proxy_ignore_headers X-Accel-Buffering;", "nginx: remove `proxy_ignore_headers X-Accel-Buffering`"},
		"with its own address": {"proxy_set_header Host $proxy_host;", "proxy_set_header Host $http_host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := d.options
			o.pace = shortPace
			o.startNginx(t, d, c.line)
			r := Examine(t.Context(), o)
			var text strings.Builder
			if err := r.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			t.Log(text.String())
			if c.line == "" && r.Level != OK {
				t.Error("something is wrong with deploy/nginx.conf")
			}
			if !strings.Contains(text.String(), c.words) || c.line != "" && r.Level != Error {
				t.Errorf("it does not say %s", c.words)
			}
		})
	}
}

// startNginx runs deploy/nginx.conf before d, with addresses, ports and paths replaced and line in its location.
func (o *Options) startNginx(t *testing.T, d *desk, line string) {
	t.Helper()
	shipped, err := os.ReadFile("../deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	back := httptest.NewServer(d.handler)
	t.Cleanup(back.Close)
	t.Cleanup(back.CloseClientConnections)
	dir := t.TempDir()
	certificate, roots := newCertificate(t, []string{"*.autocrm.test"}, time.Now().Add(60*24*time.Hour))
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	secure, plain := freeAddress(t), freeAddress(t)
	conf := string(shipped)
	for _, change := range [][2]string{
		{"server 127.0.0.1:3000;", "server " + back.Listener.Addr().String() + ";"},
		{"listen 80;", "listen " + plain + ";"},
		{"listen [::]:80;", ""},
		{"listen 443 ssl http2;", "listen " + secure + " ssl http2;"},
		{"listen [::]:443 ssl http2;", ""},
		{".example.com", ".autocrm.test"},
		{"/etc/ssl/autocrm/fullchain.pem", dir + "/cert.pem"},
		{"/etc/ssl/autocrm/privkey.pem", dir + "/key.pem"},
	} {
		if !strings.Contains(conf, change[0]) {
			t.Fatalf("deploy/nginx.conf has no %q any more", change[0])
		}
		conf = strings.ReplaceAll(conf, change[0], change[1])
	}
	if host := "proxy_set_header   Host $http_host;"; strings.HasPrefix(line, "proxy_set_header Host") {
		conf = strings.ReplaceAll(conf, host, line)
	} else {
		conf = strings.ReplaceAll(conf, host, host+"\n"+line)
	}
	user := ""
	if os.Getuid() == 0 { // else its workers could not reach the test's folder
		user = "user root;"
	}
	main := fmt.Sprintf(`%s
pid %s/pid;
events {}
http {
	access_log off;
	client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi; uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
	include %[2]s/autocrm.conf;
}
`, user, dir)
	for name, content := range map[string][]byte{
		"nginx.conf": []byte(main), "autocrm.conf": []byte(conf),
		"cert.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}),
		"key.pem":  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runNginx(t, dir, secure)
	o.Roots = roots
	o.reachAt(secure, plain)
}

// runNginx runs it until the test ends, and returns when it answers at address.
func runNginx(t *testing.T, dir, address string) {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		path = "/usr/sbin/nginx" // an ordinary user's PATH often lacks it
	}
	var said bytes.Buffer
	nginx := exec.Command(path, "-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf"), "-g", "daemon off;")
	nginx.Stderr = &said
	if err := nginx.Start(); err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(context.Background())
	go func() {
		nginx.Wait() //nolint:errcheck // what it says is in said
		cancel()
	}()
	t.Cleanup(func() {
		nginx.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have gone already
		<-gone.Done()
	})
	for {
		conn, err := new(net.Dialer).DialContext(gone, "tcp", address)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-gone.Done():
			t.Fatalf("nginx ended: %s", said.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
