package views

import (
	"bytes"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/a-h/templ"

	"autocrm/static"
)

var now = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)

func parse(t *testing.T, c templ.Component) *goquery.Document {
	t.Helper()
	var buf bytes.Buffer
	if err := c.Render(t.Context(), &buf); err != nil {
		t.Fatal(err)
	}
	doc, err := goquery.NewDocumentFromReader(&buf)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func samplePage(portal string) Page {
	return Page{Portal: portal, Title: "Parts", Path: "/queue", Cursor: "abc", Person: &Person{Name: "Ana Ruiz", Email: "ana@example.com"},
		Nav: []NavItem{{Label: "Queue", Href: "/queue", Icon: "queue", Key: "g q", Count: "3"}}}
}

// The CSP is a constant because nothing inline exists anywhere.
func TestNothingInline(t *testing.T) {
	t.Parallel()
	pages := map[string]templ.Component{
		"style":   StylePage(samplePage("agent"), now),
		"sign-in": StyleBare(Page{Portal: "client"}, "sign-in"),
		"error":   StyleBare(samplePage("admin"), "error"),
	}
	for name, page := range pages {
		doc := parse(t, page)
		if n := doc.Find("style, [style], base, iframe").Length(); n > 0 {
			t.Errorf("%s: %d inline styles or frames", name, n)
		}
		doc.Find("script").Each(func(_ int, s *goquery.Selection) {
			if src, _ := s.Attr("src"); !strings.HasPrefix(src, "/static/") || s.Text() != "" {
				t.Errorf("%s: script %q %q", name, src, s.Text())
			}
		})
		doc.Find("*").Each(func(_ int, s *goquery.Selection) {
			for _, a := range s.Nodes[0].Attr {
				if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") || strings.HasPrefix(a.Val, "javascript:") || strings.HasPrefix(a.Val, "js:") {
					t.Errorf("%s: <%s %s=%q>", name, s.Nodes[0].Data, a.Key, a.Val)
				}
			}
		})
	}
}

// Labels, descriptions and commands all point by id, and an id that stands twice points nowhere.
func TestIdsPointSomewhere(t *testing.T) {
	t.Parallel()
	doc := parse(t, StylePage(samplePage("agent"), now))
	seen := map[string]bool{}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id, _ := s.Attr("id")
		if seen[id] || id == "" {
			t.Errorf("id %q is empty or stands twice", id)
		}
		seen[id] = true
	})
	for _, attr := range []string{"for", "aria-describedby", "aria-labelledby", "aria-controls", "commandfor", "data-copy"} {
		doc.Find("[" + attr + "]").Each(func(_ int, s *goquery.Selection) {
			v, _ := s.Attr(attr)
			for _, id := range strings.Fields(v) {
				if !seen[id] {
					t.Errorf("%s=%q points nowhere", attr, id)
				}
			}
		})
	}
	doc.Find("input:not([type=hidden]), select, textarea").Each(func(_ int, s *goquery.Selection) {
		id, _ := s.Attr("id")
		if s.AttrOr("aria-label", "") == "" && doc.Find(`label[for="`+id+`"]`).Length() != 1 {
			t.Errorf("#%s has no label of its own", id)
		}
	})
}

func TestDocumentSaysWhatItIs(t *testing.T) {
	t.Parallel()
	p := samplePage("admin")
	p.Theme, p.Density, p.Notice = "dark", "compact", "Saved <b>twice</b>"
	doc := parse(t, Document(p))
	root := doc.Find("html")
	for attr, want := range map[string]string{"data-portal": "admin", "data-theme": "dark", "data-density": "compact", "data-cursor": "abc", "data-live": "connecting"} {
		if got, _ := root.Attr(attr); got != want {
			t.Errorf("%s=%q, want %q", attr, got, want)
		}
	}
	if doc.Find("nav a[aria-current=page]").Text() == "" {
		t.Error("the current place is not marked")
	}
	if form := doc.Find(`form[method=post][action="/sign-out"] button`); strings.TrimSpace(form.Text()) != "Sign out" {
		t.Errorf("sign-out: %q", form.Text())
	}
	if doc.Find("main b").Length() > 0 || !strings.Contains(doc.Find("main").Text(), "Saved <b>") {
		t.Error("the notice is not text")
	}

	signedOut := parse(t, Bare(Page{Portal: "client"}))
	if signedOut.Find("form[action='/sign-out'], .live-state, [data-live], [data-person]").Length() > 0 {
		t.Error("a signed-out page offers what only a person has")
	}
}

// Every block a template names has rules, so that none is renamed on one side only.
func TestBlocksHaveRules(t *testing.T) {
	t.Parallel()
	block := func(class string) string { return regexp.MustCompile(`__|--`).Split(class, 2)[0] }
	known := map[string]bool{}
	for _, m := range regexp.MustCompile(`\.([a-z][a-z0-9_-]*)`).FindAllStringSubmatch(stylesheet(t), -1) {
		known[block(m[1])] = true
	}
	parse(t, StylePage(samplePage("agent"), now)).Find("[class]").Each(func(_ int, s *goquery.Selection) {
		classes, _ := s.Attr("class")
		for _, c := range strings.Fields(classes) {
			if !known[block(c)] {
				t.Errorf("no rule for .%s", c)
			}
		}
	})
}

func stylesheet(t *testing.T) string {
	t.Helper()
	w := httptest.NewRecorder()
	static.Handler().ServeHTTP(w, httptest.NewRequest("GET", static.Path("css/app.css"), nil))
	return w.Body.String()
}
