package browser

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"autocrm/store"
)

// TestNginx holds what deploy/nginx.conf promises beside carrying the portals, which the cells show.
func TestNginx(t *testing.T) {
	t.Parallel()
	s := production(t)
	// From another address of this machine than the proxy's own, which is trusted. Only Linux has it unasked.
	client := identity.client()
	elsewhere := net.IPv4(127, 0, 0, 2)
	if runtime.GOOS != "linux" {
		elsewhere = nil
	}
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: elsewhere}}
		return dialer.DialContext(ctx, network, "127.0.0.1:"+port)
	}
	get := func(address, host string, header http.Header) *http.Response {
		t.Helper()
		request, err := http.NewRequest("GET", address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			request.Host = host
		}
		for name, values := range header {
			request.Header[name] = values
		}
		answer, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		return answer
	}

	answer := get(s.plain+"/tickets/1042?x=y", "agent.autocrm.test", nil)
	if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusMovedPermanently || to != "https://agent.autocrm.test/tickets/1042?x=y" {
		t.Errorf("http answers %s to %q", answer.Status, to)
	}

	answer = get(s.urls[store.Client]+"/sign-in", "", http.Header{"X-Forwarded-For": {"203.0.113.7"}})
	if answer.ProtoMajor != 2 || answer.StatusCode != http.StatusOK {
		t.Errorf("https answers %s over %s", answer.Status, answer.Proto)
	}
	for _, name := range []string{"Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options"} {
		if len(answer.Header.Values(name)) != 1 {
			t.Errorf("%s: %q", name, answer.Header.Values(name))
		}
	}
	// What a caller writes into the header counts for nothing: nginx adds whom it saw.
	until(t, "the request is logged", patience, func() bool { return strings.Contains(s.server.said(), "path=/sign-in") })
	if said := s.server.said(); elsewhere != nil && (strings.Contains(said, "203.0.113.7") || !strings.Contains(said, "address=127.0.0.2")) {
		t.Error("the server does not know who calls, or believes a caller's own X-Forwarded-For")
	}

	answer = get(s.urls[store.Client]+"/sign-in", "stranger.autocrm.test", nil)
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusMisdirectedRequest || len(text) == 0 {
		t.Errorf("a name that is no portal's answers %s %q", answer.Status, text)
	}
}
