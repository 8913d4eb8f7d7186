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
	shared := newDesk(t, setup{https: true, trusted: "127.0.0.1/32"})
	beating := shortPace
	beating.heartbeat = 5 * time.Second
	for name, c := range map[string]struct {
		proxy    string
		from, to string // what is changed in its file
		level    Level
		words    string
	}{
		"nginx":   {"nginx", "", "", OK, "All is well"},
		"HAProxy": {"haproxy", "", "", OK, "All is well"},
		"Apache":  {"apache", "", "", OK, "All is well"},
		"Caddy":   {"caddy", "", "", OK, "All is well"},

		"nginx ignores the header": {"nginx", "proxy_http_version 1.1;", "proxy_http_version 1.1; proxy_ignore_headers X-Accel-Buffering;",
			Error, "nginx: remove `proxy_ignore_headers X-Accel-Buffering`"},
		"nginx with its own address":  {"nginx", "Host $http_host;", "Host $proxy_host;", Error, "proxy_set_header Host $http_host"},
		"HAProxy does not wait":       {"haproxy", "timeout server 60s", "timeout server 800ms", Error, "HAProxy: `timeout server 60s`"},
		"HAProxy says not who calls":  {"haproxy", "option forwardfor", "", Error, "HAProxy: `option forwardfor`"},
		"Apache compresses":           {"apache", "SetEnvIf Request_URI ^/live no-gzip no-brotli", "SetOutputFilter DEFLATE", Warning, "Apache: `SetEnvIf Request_URI ^/live no-gzip`"},
		"Apache with its own address": {"apache", "ProxyPreserveHost on", "", Error, "Apache: `ProxyPreserveHost On`"},
		"Apache does not wait":        {"apache", "timeout=60", "timeout=1", Error, "Apache: `timeout=60`"},
		"Caddy with its own address": {"caddy", "# YOURS: LISTEN_ADDR; more nodes stand beside it", "{\nheader_up Host {upstream_hostport}\n}",
			Error, "Caddy: no `header_up Host`"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, pace := shared, shortPace
			if strings.HasSuffix(name, "does not wait") {
				// On a desk of its own: what other doctors do would come on the stream, and it would not be silent.
				d, pace = newDesk(t, setup{https: true, trusted: "127.0.0.1/32"}), beating
			}
			o := d.options
			o.pace = pace
			o.startProxy(t, d, c.proxy, c.from, c.to)
			r := Examine(t.Context(), o)
			var text strings.Builder
			if err := r.WriteText(&text); err != nil {
				t.Fatal(err)
			}
			t.Log(text.String())
			if r.Level != c.level || !strings.Contains(text.String(), c.words) {
				t.Errorf("that is no %q with the words %s", c.level, c.words)
			}
		})
	}
}

// startProxy runs a proxy before d with its file of deploy/, in which from, if any, has become to.
func (o *Options) startProxy(t *testing.T, d *desk, name, from, to string) {
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
	setup := deploytest.Setup{Upstream: back.Listener.Addr().String(), From: from, To: to,
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
