package doctor

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// client asks one portal through its public address, as a browser does: it names the origin, takes compressed
// answers and verifies certificates. It follows no redirect.
type client struct {
	http *http.Client
	base *url.URL
}

func newClient(o Options, base *url.URL) *client {
	transport := &http.Transport{
		DialContext:       o.dial,
		TLSClientConfig:   &tls.Config{RootCAs: o.Roots},
		ForceAttemptHTTP2: true,
		// As the answer was sent, so that compression on the way shows.
		DisableCompression: true,
	}
	return &client{base: base, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *client) close() { c.http.CloseIdleConnections() }

// do sends a request; header is name, value, name, value.
func (c *client) do(ctx context.Context, method, path string, header ...string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.base.String(), "/")+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "autocrm doctor")
	request.Header.Set("Accept-Encoding", "gzip")
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	return c.http.Do(request)
}

// dial finds the names below localhost on this machine, as browsers do whatever the resolver says (RFC 6761).
func (o Options) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if o.Dial != nil {
		return o.Dial(ctx, network, address)
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if host, port, err := net.SplitHostPort(address); err == nil && isLocal(host) {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	return dialer.DialContext(ctx, network, address)
}

func isLocal(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || host == "127.0.0.1" || host == "::1"
}
