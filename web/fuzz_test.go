package web

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// One host name is one portal's, in any spelling that means the same, and every other is nobody's.
func FuzzHostName(f *testing.F) {
	for _, seed := range []string{"agent.example.com", "AGENT.example.com.:80", "[::1]:80", "agent.example.com:80:80", ":", ".", "agent.example.com/x", "agent.example.com\x00", "xn--agent", "agent.example.com@evil", "ａgent.example.com", "agent.example.com\u200b", "K"} {
		f.Add(seed)
	}
	portals := hosts{"agent.example.com": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })}
	f.Fuzz(func(t *testing.T, host string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		portals.ServeHTTP(w, r)
		name, port, _ := strings.Cut(host, ":")
		is := strings.ToLower(strings.TrimSuffix(name, ".")) == "agent.example.com" && !strings.ContainsAny(port, ":]")
		if got := w.Code == http.StatusTeapot; got != is {
			t.Errorf("host %q is the portal's: %v", host, got)
		}
		if w.Code != http.StatusTeapot && (w.Code != http.StatusMisdirectedRequest || strings.Contains(w.Body.String(), "\x00")) {
			t.Errorf("host %q: %d %q", host, w.Code, w.Body)
		}
	})
}

// Nobody but a trusted proxy says who calls, and what it says is an address or nothing.
func FuzzForwardedFor(f *testing.F) {
	for _, seed := range [][2]string{{"10.9.0.1:1", "203.0.113.9"}, {"192.0.2.1:1", "203.0.113.9"}, {"10.9.0.1:1", "1.1.1.1, 203.0.113.9, 10.9.0.2"}, {"[::ffff:10.9.0.1]:1", "::1"}, {"10.9.0.1:1", "[2001:db8::1]:443"}, {"10.9.0.1:1", ","}, {"10.9.0.1:1", "unknown"},
		{"10.9.0.1:1", "<script>"}, {"10.9.0.1:1", "203.0.113.9, x"}, {"10.9.0.1:1", "\x00"}} {
		f.Add(seed[0], seed[1])
	}
	trusted := netip.MustParsePrefix("10.9.0.0/16")
	caller := callerAddress([]netip.Prefix{trusted})
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		at, err := netip.ParseAddrPort(peer)
		if err != nil || at.Addr().Zone() != "" {
			t.Skip() // no connection comes from there
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = at.String()
		r.Header["X-Forwarded-For"] = []string{forwarded}
		address, err := netip.ParseAddr(caller(r))
		if err != nil || !trusted.Contains(at.Addr().Unmap()) && address.Unmap() != at.Addr().Unmap() {
			t.Errorf("%s says that it calls for %q, and the caller is %q (%v)", peer, forwarded, caller(r), err)
		}
	})
}
