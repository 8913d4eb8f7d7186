package web_test

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"autocrm/static"
	"autocrm/store"
)

// Whoever serves without a proxy sends small pages too; what must not be held back or is packed already goes as it is.
func TestPagesAreCompressed(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Agent, "ana@example.com")
	b := d.browser(t, store.Agent).signIn(t, "ana@example.com")
	plain := b.see(t, "/tickets").body
	for _, c := range []struct{ path, accept, coding string }{
		{"/tickets", "gzip, deflate, br", "gzip"},
		{"/tickets", "", ""},
		{"/tickets", "gzip;q=0", ""},
		{"/account", "gzip", "gzip"},
		{"/live", "gzip", ""},
		{"/live/poll", "gzip", ""},
		{static.Path("js/app.js"), "gzip", "gzip"},
	} {
		got := b.get(t, c.path, "Accept-Encoding", c.accept)
		if coding := got.Header.Get("Content-Encoding"); coding != c.coding {
			t.Errorf("%s for %q came as %q, want %q", c.path, c.accept, coding, c.coding)
		}
		if !strings.HasPrefix(c.path, "/live") && !strings.Contains(got.Header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s: a cache is not told that it comes in two ways: %v", c.path, got.Header)
		}
		if c.path != "/tickets" || c.coding == "" {
			continue
		}
		zipped, err := gzip.NewReader(strings.NewReader(got.body))
		if err != nil {
			t.Fatal(err)
		}
		if page, err := io.ReadAll(zipped); err != nil || len(page) < len(plain)/2 || len(got.body) > len(page)/2 {
			t.Errorf("%v: %d bytes for a page of %d, without compression %d", err, len(got.body), len(page), len(plain))
		}
	}
}
