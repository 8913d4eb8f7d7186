package browser

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"autocrm/deploy/deploytest"
)

// TestDeployed holds what the files of deploy/ promise beside carrying the portals, which TestProxies shows.
func TestDeployed(t *testing.T) {
	t.Parallel()
	s := production(t)
	for _, name := range deploytest.Names {
		t.Run(name, func(t *testing.T) {
			front := deploytest.Start(t, name, deploytest.Setup{Upstream: s.listen, CertFile: identity.certFile, KeyFile: identity.keyFile})
			keepsPromises(t, s, front)
		})
	}
}

func keepsPromises(t *testing.T, s *site, front *deploytest.Front) {
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

	answer := get("http://"+front.Plain+"/tickets/1042?x=y", "agent.autocrm.test", nil)
	to, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || answer.StatusCode/100 != 3 || to.Scheme != "https" || to.Hostname() != "agent.autocrm.test" || to.RequestURI() != "/tickets/1042?x=y" {
		t.Errorf("http answers %s to %v, %v", answer.Status, to, err)
	}

	_, port, _ := strings.Cut(front.Secure, ":")
	address, before := "https://client.autocrm.test:"+port+"/sign-in", len(s.server.Said())
	answer = get(address, "", http.Header{"X-Forwarded-For": {"203.0.113.7"}})
	if answer.ProtoMajor != 2 || answer.StatusCode != http.StatusOK {
		t.Errorf("https answers %s over %s", answer.Status, answer.Proto)
	}
	for _, name := range []string{"Content-Security-Policy", "Strict-Transport-Security", "X-Content-Type-Options"} {
		if len(answer.Header.Values(name)) != 1 {
			t.Errorf("%s: %q", name, answer.Header.Values(name))
		}
	}
	// What a caller writes into the header counts for nothing: the proxy adds whom it saw.
	until(t, "the request is logged", patience, func() bool { return strings.Contains(s.server.Said()[before:], "path=/sign-in") })
	if said := s.server.Said()[before:]; elsewhere != nil && (strings.Contains(said, "203.0.113.7") || !strings.Contains(said, "address=127.0.0.2")) {
		t.Error("the server does not know who calls, or believes a caller's own X-Forwarded-For")
	}

	// One that the proxy lets through itself may refuse, as the server does.
	answer = get(address, "stranger.autocrm.test", nil)
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode == http.StatusOK && len(text) > 0 {
		t.Errorf("a name that is no portal's answers %s %q", answer.Status, text)
	}
}
