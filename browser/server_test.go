package browser

import (
	"context"
	"net"
	"testing"
	"time"

	"autocrm/deploy/deploytest"
)

// until waits for a fact outside the browser.
func until(t testing.TB, what string, within time.Duration, fact func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !fact() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// freePort is free now, as deploytest.FreeAddress is.
func freePort(t testing.TB) string {
	t.Helper()
	_, port, _ := net.SplitHostPort(deploytest.FreeAddress(t))
	return port
}

// dialHere finds every name on this machine, as Chromium is told to.
func dialHere(ctx context.Context, network, address string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
}
