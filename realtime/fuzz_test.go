package realtime

import (
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/google/uuid"
)

// Of all texts only those that this server sealed open, and to the one place that was sealed here.
func FuzzCursor(f *testing.F) {
	s, err := newSealer([]string{"a secret of the tests", "an older secret"})
	if err != nil {
		f.Fatal(err)
	}
	stranger, _ := newSealer([]string{"a stranger's secret"})
	place := position{uuid.MustParse("11111111-1111-4111-8111-111111111111"), 1764000000000000}
	genuine := s.seal(place)
	for _, seed := range []string{genuine, stranger.seal(place), genuine[1:], genuine + "A", genuine[:len(genuine)-1] + "_", "", "0", "-1", "a\r\nb", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := s.open(text); ok && p != place {
			t.Errorf("%q opens to %v", text, p)
		}
		// As it comes on the wire: the header first, else the query.
		r := httptest.NewRequest("GET", "/live?after="+url.QueryEscape(text), nil)
		if got := cursorOf(r); got != text {
			t.Errorf("?after=%q is read as %q", text, got)
		}
		r.Header["Last-Event-Id"] = []string{text}
		r.URL.RawQuery = "after=x&after=" + text
		if got := cursorOf(r); text != "" && got != text {
			t.Errorf("Last-Event-ID %q is read as %q", text, got)
		}
	})
}
