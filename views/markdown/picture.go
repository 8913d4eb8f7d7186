package markdown

import (
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// Picture is a file of a message that its text may place: ![words](attachment:name.png).
type Picture struct{ Name, Href string }

// Message is a message as its reader sees it.
type Message struct {
	HTML
	Placed []Picture // those that stand in the text
}

// RenderMessage is Render with the names of those who are mentioned set off, and the message's own pictures where its
// text places them.
func RenderMessage(text string, names []string, pictures []Picture) Message {
	h := mentioning(text, names)
	if !strings.Contains(h.safe, placeBegin) {
		return Message{HTML: h}
	}
	m := Message{}
	m.safe = place.ReplaceAllStringFunc(h.safe, func(found string) string {
		name := nameAt(found)
		i := slices.IndexFunc(pictures, func(p Picture) bool { return p.Name == name })
		if i < 0 {
			return noPicture(name)
		}
		m.Placed = append(m.Placed, pictures[i])
		href, alt := html.EscapeString(pictures[i].Href), html.EscapeString(name)
		return `<a class="picture" href="` + href + `"><img src="` + href + `" alt="` + alt + `" loading="lazy"></a>`
	})
	return m
}

// A picture's place goes through the sanitiser as text between two signs that mean nothing. Whoever writes these signs
// by hand places a picture of their own message, and nothing else.
const placeBegin, placeEnd = "\ue000", "\ue001"

var place = regexp.MustCompile(placeBegin + "([A-Za-z0-9%._~-]*)" + placeEnd)

const scheme = "attachment:"

// placed is the name of the file that a picture of the text stands for, escaped as in an address.
func placed(p *ast.Image) (string, bool) {
	name, ok := strings.CutPrefix(string(p.Destination), scheme)
	if !ok {
		return "", false
	}
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	return strings.ReplaceAll(url.QueryEscape(name), "+", "%20"), true
}

func nameAt(place string) string {
	name, err := url.PathUnescape(strings.TrimSuffix(strings.TrimPrefix(place, placeBegin), placeEnd))
	if err != nil {
		return ""
	}
	return name
}

func noPicture(name string) string {
	return `<span class="picture-name">` + html.EscapeString(name) + `</span>`
}

// named puts the names where there are no pictures to place: in a preview, say.
func named(safe string) string {
	if !strings.Contains(safe, placeBegin) {
		return safe
	}
	return place.ReplaceAllStringFunc(safe, func(found string) string { return noPicture(nameAt(found)) })
}
