package markdown

import (
	"bytes"
	"regexp"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// tame changes what a message may not do to the page around it.
type tame struct{}

// Transform makes pictures links, gives links their rel, sinks headings below those of the page, and folds what was
// quoted at length.
func (tame) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	var pictures []*ast.Image
	_ = ast.Walk(doc, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := node.(type) {
		case *ast.Heading:
			n.Level = min(n.Level+2, 6)
		case *ast.Image:
			pictures = append(pictures, n)
		case *ast.Link:
			n.SetAttributeString("rel", []byte(rel))
		case *ast.AutoLink:
			n.SetAttributeString("rel", []byte(rel))
		}
		return ast.WalkContinue, nil
	})
	fold(doc, reader.Source())
	for _, p := range pictures {
		if name, ok := placed(p); ok {
			p.Parent().ReplaceChild(p.Parent(), p, ast.NewString([]byte(placeBegin+name+placeEnd)))
			continue
		}
		link := ast.NewLink()
		link.Destination = p.Destination
		link.SetAttributeString("rel", []byte(rel))
		if !p.HasChildren() {
			p.AppendChild(p, ast.NewString(p.Destination))
		}
		for child := p.FirstChild(); child != nil; child = p.FirstChild() {
			link.AppendChild(link, child)
		}
		p.Parent().ReplaceChild(p.Parent(), p, link)
	}
}

// rel: the other site learns nothing of this window, and search engines give the link no weight.
const rel = "noopener nofollow ugc"

// longestQuote is how many lines of a quote are shown; a longer one is folded away.
const longestQuote = 4

// attribution is the line that mail programs put above what they quote.
var attribution = regexp.MustCompile(`(?i)(wrote|writes|schrieb|a écrit|escribió|ha scritto|skrev|schreef)\s*:\s*$`)

// folded is a long quote, with the line that says whose it is.
type folded struct{ ast.BaseBlock }

var kindFolded = ast.NewNodeKind("Folded")

func (*folded) Kind() ast.NodeKind { return kindFolded }

func (n *folded) Dump(source []byte, level int) { ast.DumpHelper(n, source, level, nil, nil) }

// fold wraps the long quotes of a message, but not one that is all there is to read.
func fold(doc ast.Node, source []byte) {
	var quotes []ast.Node
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if n.Kind() == ast.KindBlockquote && lines(n, source) > longestQuote {
			quotes = append(quotes, n)
		}
	}
	for _, quote := range quotes {
		above := quote.PreviousSibling()
		if above != nil && (above.Kind() != ast.KindParagraph || !attribution.Match(bytes.TrimSpace(raw(above, source)))) {
			above = nil
		}
		if rest := doc.ChildCount() - 1; rest == 0 || rest == 1 && above != nil {
			continue
		}
		wrap := &folded{}
		doc.ReplaceChild(doc, quote, wrap)
		if above != nil {
			doc.RemoveChild(doc, above)
			wrap.AppendChild(wrap, above)
		}
		wrap.AppendChild(wrap, quote)
	}
}

func raw(n ast.Node, source []byte) []byte {
	if n.Lines().Len() == 0 {
		return nil
	}
	return source[n.Lines().At(0).Start:n.Lines().At(n.Lines().Len()-1).Stop]
}

// lines counts the lines from the first to the last that have text in n.
func lines(n ast.Node, source []byte) int {
	first, last := -1, -1
	_ = ast.Walk(n, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || node.Type() != ast.TypeBlock {
			return ast.WalkContinue, nil
		}
		if l := node.Lines(); l != nil && l.Len() > 0 {
			if first < 0 || l.At(0).Start < first {
				first = l.At(0).Start
			}
			last = max(last, l.At(l.Len()-1).Stop)
		}
		return ast.WalkContinue, nil
	})
	if first < 0 {
		return 0
	}
	return bytes.Count(bytes.TrimRight(source[first:last], "\n"), []byte("\n")) + 1
}

// foldedRenderer writes what the reader opens, without scripts.
type foldedRenderer struct{}

func (foldedRenderer) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(kindFolded, func(w util.BufWriter, _ []byte, _ ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			_, _ = w.WriteString("<details class=\"quoted\"><summary>Show quoted text</summary>\n")
		} else {
			_, _ = w.WriteString("</details>\n")
		}
		return ast.WalkContinue, nil
	})
}
