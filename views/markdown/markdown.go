// Package markdown turns what people wrote into HTML that can do no harm. An HTML value is proof of it: nothing
// but Render makes one. It never fetches anything and knows no page. Start with Render.
package markdown

import (
	"bytes"
	"context"
	"html"
	"io"
	"net/url"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	goldhtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
)

// HTML is text that the sanitiser let through. It is a templ.Component.
type HTML struct{ safe string }

// Render writes the text into a page.
func (h HTML) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, h.safe)
	return err
}

// String is the HTML itself.
func (h HTML) String() string { return h.safe }

// Render turns Markdown into HTML. Line breaks stay, as people who write messages expect. Raw HTML in the text
// is dropped; pictures from elsewhere become links, since fetching one tells its server who reads the message.
func Render(text string) HTML {
	h := rendered.get(text, render)
	h.safe = named(h.safe)
	return h
}

func render(text string) (h HTML) {
	// A parser that one message confuses must not hide the whole ticket.
	defer func() {
		if recover() != nil {
			h = plain(text)
		}
	}()
	if hostile(text) {
		return plain(text)
	}
	var out bytes.Buffer
	if err := converter.Convert([]byte(text), &out); err != nil {
		return plain(text)
	}
	return HTML{safe: policy.Sanitize(out.String())}
}

// plain is the way out for text that Markdown cannot make sense of.
func plain(text string) HTML {
	return HTML{safe: "<p>" + strings.ReplaceAll(html.EscapeString(text), "\n", "<br>\n") + "</p>"}
}

// Bounds of what a person writes. Beyond them the parser's time grows with the square of the text, and one
// customer's message would be every reader's wait.
const (
	deepest     = 60   // blocks opened by one line: quotes, lists
	mostLinks   = 1000 // opening brackets
	mostAccents = 4000 // stars and underscores
)

// hostile says whether the text is made to be slow rather than to be read.
func hostile(text string) bool {
	if strings.Count(text, "[") > mostLinks || strings.Count(text, "*")+strings.Count(text, "_") > mostAccents {
		return true
	}
	for line := range strings.Lines(text) {
		marks := 0
		for _, r := range line {
			if strings.ContainsRune(">-*+.)", r) {
				marks++
			} else if !strings.ContainsRune(" \t0123456789", r) {
				break
			}
		}
		if marks > deepest && !isRule(line) {
			return true
		}
	}
	return false
}

// isRule says whether the line is one long rule, which people draw with any number of signs.
func isRule(line string) bool {
	line = strings.TrimSpace(line)
	return strings.Trim(line, "-") == "" || strings.Trim(line, "*") == ""
}

// converter knows no link definitions ("[a]: https://…"): named often enough, a long address is a bomb.
var converter = goldmark.New(
	goldmark.WithParser(parser.NewParser(
		parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithInlineParsers(parser.DefaultInlineParsers()...),
		parser.WithASTTransformers(util.Prioritized(tame{}, 500)))),
	goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.Linkify),
	goldmark.WithRendererOptions(goldhtml.WithHardWraps(), renderer.WithNodeRenderers(util.Prioritized(foldedRenderer{}, 500))),
)

// policy is the second wall, whatever the converter does; the page's CSP is the third.
var policy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "hr",
		"h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowElements("details", "summary")
	p.AllowAttrs("class").Matching(regexp.MustCompile("^quoted$")).OnElements("details")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("align").Matching(bluemonday.CellAlign).OnElements("th", "td")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("mailto")
	for _, scheme := range []string{"http", "https"} {
		// "https:/sign-out" names no host: on a page of that scheme browsers take it for an address of the page's own.
		p.AllowURLSchemeWithCustomPolicy(scheme, func(u *url.URL) bool { return u.Host != "" })
	}
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.AllowAttrs("rel").Matching(regexp.MustCompile("^" + rel + "$")).OnElements("a")
	p.RequireNoFollowOnLinks(true)
	return p
}()
