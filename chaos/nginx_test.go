package chaos

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autocrm/deploy/deploytest"
)

// nginx stands before the nodes of a rig.
type nginx struct {
	wire *wire  // to it; TLS is made here, so that people may speak plainly
	log  string // of each request: method, path, status, connect time for each node that was tried
}

// startNginx runs deploy/nginx.conf with deploy/nodes/upstream.conf in the place of its upstream, and addresses,
// ports and paths replaced. Around it is what nginx.conf has on every system.
func startNginx(r *rig) *nginx {
	t := r.t
	t.Helper()
	server, err := os.ReadFile("../deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	upstream, err := os.ReadFile("../deploy/nodes/upstream.conf")
	if err != nil {
		t.Fatal(err)
	}
	begin := strings.Index(string(server), "upstream autocrm {")
	end := begin + strings.Index(string(server)[begin:], "\n}\n")
	conf := string(server[:begin]) + string(upstream) + string(server[end+3:])
	dir := t.TempDir()
	address := deploytest.FreeAddress(t)
	changes := [][2]string{
		{"listen 80;", "listen " + deploytest.FreeAddress(t) + ";"},
		{"listen [::]:80;", ""}, // not every machine has IPv6
		{"listen 443 ssl http2;", "listen " + address + " ssl http2;"},
		{"listen [::]:443 ssl http2;", ""},
		{".example.com", ".localhost"},
		{"/etc/ssl/autocrm/fullchain.pem", dir + "/cert.pem"},
		{"/etc/ssl/autocrm/privkey.pem", dir + "/key.pem"},
	}
	for i, n := range r.nodes {
		changes = append(changes, [2]string{fmt.Sprintf("server 127.0.0.1:300%d ", i+1), "server " + n.address + " "})
	}
	conf = deploytest.Replace(t, "nginx.conf", conf, changes)
	user := ""
	if os.Getuid() == 0 { // else its workers could not reach the test's folder
		user = "user root;"
	}
	main := fmt.Sprintf(`%s
worker_processes 2;
pid %s/pid;
events { worker_connections 4096; }
http {
	log_format nodes "$request_method\t$uri\t$status\t$upstream_connect_time\t$upstream_status";
	access_log %[2]s/access nodes;
	client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy;
	fastcgi_temp_path %[2]s/fastcgi; uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
	include %[2]s/autocrm.conf;
}
`, user, dir)
	cert, key, roots := certificate(t)
	for name, content := range map[string][]byte{
		"nginx.conf": []byte(main), "autocrm.conf": []byte(conf), "cert.pem": cert, "key.pem": key,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &deploytest.Process{T: t, Path: deploytest.Program("nginx"), Log: filepath.Join(dir, "log"), Patience: endsWithin,
		Args: []string{"-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf"), "-g", "daemon off;"}}
	p.Start()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("---- nginx:\n%s", p.Tail(20))
		}
	})
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: "autocrm.test"}}
	dial := func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, "tcp", address) }
	until(t, "nginx answers", patience, func() bool {
		if p.Ended() {
			t.Fatalf("nginx ended:\n%s", p.Tail(20))
		}
		conn, err := dial(context.Background())
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return &nginx{wire: newWire(t, dial), log: filepath.Join(dir, "access")}
}

// certificate is one of its own authority.
func certificate(t testing.TB) (cert, key []byte, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"autocrm.test"},
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}), roots
}
