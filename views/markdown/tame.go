package markdown

import (
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// tame changes what a message may not do to the page around it.
type tame struct{}

// Transform makes pictures links, gives links their rel, and sinks headings below those of the page.
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
	for _, p := range pictures {
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
