package markdown

import (
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// Whatever is written, what comes out is of the few elements and attributes that a message may have, and comes soon.
func FuzzRender(f *testing.F) {
	for _, seed := range hostileTexts {
		f.Add(seed)
	}
	for _, seed := range []string{"", "# a\n\n- b\n  1. c\n\n> d", "|a|b|\n|:-|-:|\n|c|d|", "```go\na\n```", "https://example.com/?a=b&c", "a@example.com", "\xff\xfe", "<", "[]()", "![](", "***a*", "~~~", "\r\r\n", "&#x6A;avascript:", "[a](<javascript:x>)"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 50_000 {
			t.Skip() // the store takes no longer one
		}
		began := time.Now()
		out := render(text).String()
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("it takes %s", took)
		}
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		harmless(t, text, out, doc)
	})
}
