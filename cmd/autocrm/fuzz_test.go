package main

import (
	"net"
	"strings"
	"testing"

	"autocrm/store"
)

// Whatever an operator sets, it is taken as it is meant or refused in a sentence; a proxy that nobody named is not
// trusted.
func FuzzTrustedProxies(f *testing.F) {
	for _, seed := range []string{"", "127.0.0.1", "10.0.0.0/8, 2001:db8::/32", "::ffff:10.0.0.1", "10.0.0.1/33", "::1%eth0", "0.0.0.0/0", ",", "nginx", "10.0.0.0/08", "1.2.3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		trusted, err := trustedProxies(text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "TRUSTED_PROXIES: ") || strings.Contains(err.Error(), "\n") {
				t.Error(err)
			}
			return
		}
		for _, prefix := range trusted {
			if !prefix.IsValid() || prefix != prefix.Masked() {
				t.Errorf("%q trusts %s", text, prefix)
			}
			if bits := prefix.Bits(); bits == 0 && !strings.Contains(text, "/0") {
				t.Errorf("%q trusts everybody", text)
			}
		}
	})
}

func FuzzPortals(f *testing.F) {
	for _, seed := range [][3]string{{"127.0.0.1:3000", "", ""}, {":80", "https://help.example.com", "https://HELP.example.com."}, {"[::1]:3000", "http://[::1]:80", "https://a@b"},
		{"a", "javascript:x", "https://a/b"}, {"h:0", "https://a?b", "https://a#b"}, {"h:http", "//a", "https://"}, {"x:1", "https://a:99999", "https://a%00b"}} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, listen, client, agent string) {
		portals, err := portalFlags{ListenAddr: listen, ClientURL: client, AgentURL: agent}.portals()
		if err != nil {
			if !strings.Contains(err.Error(), "_URL") && !strings.Contains(err.Error(), "LISTEN_ADDR") {
				t.Error(err)
			}
			return
		}
		names := map[string]bool{}
		for _, role := range store.Roles {
			address := portals[role]
			if address.Scheme != "http" && address.Scheme != "https" || address.Hostname() == "" || address.Path != "" || address.RawQuery != "" || address.User != nil || address.Fragment != "" {
				t.Errorf("%s: %q", role, address)
			}
			names[strings.ToLower(strings.TrimSuffix(address.Hostname(), "."))] = true
		}
		if _, _, err := net.SplitHostPort(listen); err != nil || len(names) != 3 {
			t.Errorf("%q, %q, %q are %v", listen, client, agent, portals)
		}
	})
}

func FuzzSecretKeys(f *testing.F) {
	for _, seed := range []string{"", ",", "0123456789abcdef", " 0123456789abcdef , fedcba9876543210", "short", "0123456789abcdef,short", "\x00"} {
		f.Add(seed)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := secretKeys(text, dir)
		if err == nil && len(keys) == 0 {
			t.Errorf("%q is no key at all", text)
		}
		for _, key := range keys {
			if len(key) < 16 || strings.TrimSpace(key) != key || text != "" && !strings.Contains(text, key) {
				t.Errorf("%q has the key %q", text, key)
			}
		}
		if err != nil && len(text) > 6 && strings.Contains(err.Error(), text) {
			t.Errorf("the sentence tells the key: %v", err)
		}
	})
}

func FuzzDatabaseURL(f *testing.F) {
	for _, seed := range []string{"", "postgres://a:geheim@h/d", "postgres://a:geheim@h:x/d", "host=h password=geheim", "host='", "postgres://%zz", "postgres://a:geheim@[::1/d?sslmode=x", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := checkDatabaseURL("DATABASE_URL", text); err != nil && (!strings.HasPrefix(err.Error(), "DATABASE_URL is not") || strings.Contains(err.Error(), "geheim")) {
			t.Error(err)
		}
	})
}
