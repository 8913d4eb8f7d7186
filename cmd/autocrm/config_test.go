package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"
)

// TestWrongConfiguration stops the start for each wrong value with one sentence that names the variable, and
// says no secret.
func TestWrongConfiguration(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	cert, key, _ := testCertificate(t, "*.autocrm.test")
	_, otherKey, _ := testCertificate(t, "*.autocrm.test")
	taken := start(t, onDatabase(t, db), "serve")
	taken.ready()
	for name, settings := range map[string][]string{
		"LISTEN_ADDR":                {"LISTEN_ADDR=3000"},
		"LISTEN_ADDR ":               {"LISTEN_ADDR=127.0.0.1:99999"},
		"LISTEN_ADDR in use":         {"LISTEN_ADDR=" + taken.listen},
		"METRICS_ADDR":               {"METRICS_ADDR=" + taken.listen},
		"CLIENT_URL":                 {"CLIENT_URL=client.example.com"},
		"AGENT_URL":                  {"AGENT_URL=https://help.example.com/agent"},
		"ADMIN_URL":                  {"ADMIN_URL=https://help.example.com", "AGENT_URL=https://help.example.com"},
		"DATABASE_URL":               {"DATABASE_URL=mysql://geheim:geheim@127.0.0.1/autocrm"},
		"DATABASE_URL nobody":        {"DATABASE_URL=postgres://autocrm:geheim@127.0.0.1:1/autocrm", "DATABASE_OWNER_URL="},
		"DATABASE_URL password":      {"DATABASE_URL=" + strings.Replace(db.URL, "autocrm_web", "autocrm_nobody", 1)},
		"DATABASE_OWNER_URL":         {"DATABASE_OWNER_URL=nonsense:geheim"},
		"DATABASE_LISTEN_URL":        {"DATABASE_LISTEN_URL=nonsense:geheim"},
		"DATABASE_LISTEN_URL nobody": {"DATABASE_LISTEN_URL=postgres://autocrm:geheim@127.0.0.1:1/autocrm"},
		"DATABASE_URL_FILE":          {"DATABASE_URL=", "DATABASE_URL_FILE=/nowhere/at/all"},
		"SECRET_KEY_FILE":            {"SECRET_KEY=geheim-geheim-geheim", "SECRET_KEY_FILE=/nowhere/at/all"},
		"SECRET_KEY":                 {"SECRET_KEY=geheim"},
		"BLOB_URL":                   {"BLOB_URL=files"},
		"BLOB_URL scheme":            {"BLOB_URL=ftp://example.com/files"},
		"DATA_DIR":                   {"DATA_DIR=/dev/null/data"},
		"TRUSTED_PROXIES":            {"TRUSTED_PROXIES=10.0.0.0/8,nginx"},
		"TLS_CERT":                   {"TLS_CERT=/nowhere.pem", "TLS_KEY=" + key},
		"TLS_KEY":                    {"TLS_CERT=" + cert},
		"TLS_KEY of another":         {"TLS_CERT=" + cert, "TLS_KEY=" + otherKey},
		"CLIENT_SIGNUP":              {"CLIENT_SIGNUP=closed"},
		"INVITATION_LIFE":            {"INVITATION_LIFE=1s"},
		"INVITATION_LIFE unit":       {"INVITATION_LIFE=24"},
		"EVENT_RETENTION":            {"EVENT_RETENTION=200h"},
		"LOG_LEVEL":                  {"LOG_LEVEL=loud"},
		"LOG_FORMAT":                 {"LOG_FORMAT=xml"},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, onDatabase(t, db, settings...), "serve")
			said := p.refuses()
			variable := strings.Fields(name)[0]
			if flag := "--" + strings.ToLower(strings.ReplaceAll(variable, "_", "-")); !strings.Contains(said, variable) && !strings.Contains(said, flag) {
				t.Errorf("it does not name %s: %s", variable, said)
			}
			if lines := strings.Count(p.said.String(), "autocrm: "); lines != 1 || strings.Count(p.said.String(), "\n") != 1 {
				t.Errorf("that is more than a sentence: %s", p.said.String())
			}
			if all := p.said.String(); strings.Contains(all, "geheim") {
				t.Errorf("it says a secret: %s", all)
			}
			t.Log(said)
		})
	}
}

// TestDefaultAddresses: where the binary serves TLS itself, plain http would reach nothing.
func TestDefaultAddresses(t *testing.T) {
	t.Parallel()
	for want, flags := range map[string]portalFlags{
		"http://agent.localhost:4000":  {ListenAddr: "127.0.0.1:4000"},
		"https://agent.localhost:4000": {ListenAddr: "127.0.0.1:4000", TLSCert: "cert.pem", TLSKey: "key.pem"},
		"http://desk.example.com":      {ListenAddr: "127.0.0.1:4000", TLSCert: "cert.pem", AgentURL: "http://desk.example.com"},
	} {
		portals, err := flags.portals()
		if err != nil || portals[store.Agent].String() != want {
			t.Errorf("%s, want %s (%v)", portals[store.Agent], want, err)
		}
	}
}

// testCertificate is one of its own authority.
func testCertificate(t *testing.T, name string) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "autocrm.test"}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	return certFile, keyFile, pool
}
