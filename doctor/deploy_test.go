package doctor

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autocrm/deploy/deploytest"
)

// TestDeployed has the doctor look through the real proxies: with the files of deploy/ as they are shipped nothing
// is wrong; with what is most often done to them it says what to take out or put in.
func TestDeployed(t *testing.T) {
	t.Parallel()
	d := newDesk(t, setup{https: true, trusted: "127.0.0.1/32"})
	for name, c := range map[string]struct {
		proxy    string
		from, to string // what is changed in its file
		words    string
	}{
		"nginx":                      {"nginx", "", "", ""},
		"nginx ignores the header":   {"nginx", "proxy_http_version 1.1;", "proxy_http_version 1.1; proxy_ignore_headers X-Accel-Buffering;", "nginx: remove `proxy_ignore_headers X-Accel-Buffering`"},
		"nginx with its own address": {"nginx", "proxy_set_header   Host $http_host;", "proxy_set_header Host $proxy_host;", "proxy_set_header Host $http_host"},
		"HAProxy":                    {"haproxy", "", "", ""},
		"Apache":                     {"apache", "", "", ""},
		"Caddy":                      {"caddy", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := d.options
			o.pace = shortPace
			var changes [][2]string
			if c.from != "" {
				changes = append(changes, [2]string{c.from, c.to})
			}
			o.startProxy(t, d, c.proxy, changes)
			r := Examine(t.Context(), o)
			var text strings.Builder
			if err := r.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			t.Log(text.String())
			if c.words == "" && r.Level != OK {
				t.Errorf("something is wrong with the configuration of %s", c.proxy)
			}
			if !strings.Contains(text.String(), c.words) || c.words != "" && r.Level != Error {
				t.Errorf("it does not say %s", c.words)
			}
		})
	}
}

// startProxy runs a proxy with its file of deploy/ before d.
func (o *Options) startProxy(t *testing.T, d *desk, name string, changes [][2]string) {
	t.Helper()
	back := httptest.NewServer(d.handler)
	t.Cleanup(back.Close)
	t.Cleanup(back.CloseClientConnections)
	certificate, roots := newCertificate(t, []string{"*.autocrm.test"}, time.Now().Add(60*24*time.Hour))
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	setup := deploytest.Setup{Upstream: back.Listener.Addr().String(), Break: changes,
		CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	for path, block := range map[string]*pem.Block{
		setup.CertFile: {Type: "CERTIFICATE", Bytes: certificate.Certificate[0]},
		setup.KeyFile:  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	front := deploytest.Start(t, name, setup)
	o.Roots = roots
	o.reachAt(front.Secure, front.Plain)
}
