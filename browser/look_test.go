package browser

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/chromedp/cdproto/emulation"
)

// axe is vendored; the browser gets it by its own hand, so the page's content security policy does not matter.
var axe = sync.OnceValues(func() (string, error) {
	const name = "axe-4.14.1.min.js"
	script, err := os.ReadFile("testdata/" + name)
	if err != nil {
		return "", err
	}
	sums, err := os.ReadFile("testdata/SHA256SUMS")
	sum := sha256.Sum256(script)
	if err == nil && !strings.Contains(string(sums), hex.EncodeToString(sum[:])+"  "+name) {
		err = fmt.Errorf("testdata/%s is not what SHA256SUMS says", name)
	}
	return string(script), err
})

type violation struct {
	ID, Impact, Help string
	Nodes            []string
}

// audit runs axe on the page as it is, or only those rules, and reports what is serious.
func (p *Person) audit(state string, rules ...string) {
	p.t.Helper()
	script, err := axe()
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := eval[any](p, "if (!window.axe) {"+script+"}"); err != nil {
		p.t.Fatal(err)
	}
	options := `{ resultTypes: ["violations"] }`
	if len(rules) > 0 {
		options = fmt.Sprintf(`{ resultTypes: ["violations"], runOnly: { type: "rule", values: %s.split(" ") } }`, quote(strings.Join(rules, " ")))
	}
	found, err := eval[[]violation](p, `axe.run(document, `+options+`).then((r) => r.violations.map((v) => ({
  ID: v.id, Impact: v.impact, Help: v.help, Nodes: v.nodes.map((n) => n.target.join(" ") + "  " + n.html.slice(0, 140) + "  " + (n.any[0]?.message ?? "")) })))`)
	if err != nil {
		p.t.Fatalf("axe on %s: %v", state, err)
	}
	for _, v := range found {
		text := fmt.Sprintf("%s: %s: %s (%s)\n    %s", state, v.Impact, v.Help, v.ID, strings.Join(v.Nodes[:min(4, len(v.Nodes))], "\n    "))
		if v.Impact == "serious" || v.Impact == "critical" {
			p.t.Error(text)
		} else {
			p.t.Log(text)
		}
	}
}

func (p *Person) scheme(name string) {
	p.t.Helper()
	do(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	// Also what is promised to people who asked for less motion.
	p.ExpectJS(`document.getAnimations().every((a) => a.playState !== "running")`, "everything at rest")
}

// pictures is where look leaves what it saw, for a person to look at; empty: nowhere.
var pictures = os.Getenv("AUTOCRM_PICTURES")

// look examines the page as it stands: axe finds nothing serious, light or dark, and on a phone nothing reaches
// over the edge.
func (p *Person) look(state string) {
	p.t.Helper()
	state = string(p.portal) + ": " + state
	shoot := func(kind string) {
		if pictures == "" {
			return
		}
		name := strings.NewReplacer(": ", "-", " ", "-", "/", "-").Replace(state) + "-" + kind + ".png"
		if err := p.picture(filepath.Join(pictures, name)); err != nil {
			p.t.Error(err)
		}
	}
	p.scheme("light")
	p.audit(state)
	shoot("light")
	p.scheme("dark")
	// What else axe looks at does not change with the colours.
	p.audit(state+", dark", "color-contrast", "link-in-text-block")
	shoot("dark")
	p.scheme("light")
	p.size(360, 740)
	p.fits(state)
	shoot("phone")
	p.size(1280, 800)
}

// fits says that nothing reaches over the right edge of the screen.
func (p *Person) fits(state string) {
	p.t.Helper()
	wide := JS[[]string](p, `(() => {
  const limit = document.documentElement.clientWidth;
  if (document.scrollingElement.scrollWidth <= limit) return [];
  const over = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > limit + 0.5);
  return [limit + " px are too few for " + document.scrollingElement.scrollWidth, ...over.slice(0, 5).map((e) => e.outerHTML.slice(0, 120))];
})()`)
	if len(wide) > 0 {
		p.t.Errorf("%s reaches over the edge:\n    %s", state, strings.Join(wide, "\n    "))
	}
}
