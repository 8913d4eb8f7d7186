package markdown

import (
	"html"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	nethtml "golang.org/x/net/html"
)

// mentioning renders a text with the names of those who are mentioned in it set off. Pictures have only their place.
func mentioning(text string, names []string) HTML {
	if len(names) == 0 {
		return rendered.get(text, render)
	}
	// A text has no NUL: the database takes none.
	return rendered.get(text+"\x00"+strings.Join(names, "\x00"), func(string) HTML {
		return HTML{safe: setOff(render(text).safe, names)}
	})
}

// setOff marks "@Name" in the text of HTML that the sanitiser let through, but not in code and links.
func setOff(safe string, names []string) string {
	// The longest first: one name may begin another.
	names = slices.SortedFunc(slices.Values(names), func(a, b string) int { return len(b) - len(a) })
	var out strings.Builder
	within := 0
	tokens := nethtml.NewTokenizer(strings.NewReader(safe))
	for {
		kind := tokens.Next()
		raw := string(tokens.Raw())
		switch kind {
		case nethtml.ErrorToken:
			return out.String()
		case nethtml.StartTagToken, nethtml.EndTagToken:
			out.WriteString(raw)
			if name, _ := tokens.TagName(); string(name) == "code" || string(name) == "a" {
				if kind == nethtml.StartTagToken {
					within++
				} else {
					within--
				}
			}
		case nethtml.TextToken:
			if within > 0 || !strings.Contains(raw, "@") {
				out.WriteString(raw)
			} else {
				markNames(&out, html.UnescapeString(raw), names)
			}
		default:
			out.WriteString(raw)
		}
	}
}

func markNames(out *strings.Builder, text string, names []string) {
	for {
		before, after, found := strings.Cut(text, "@")
		out.WriteString(html.EscapeString(before))
		if !found {
			return
		}
		text = after
		i := slices.IndexFunc(names, func(name string) bool { return begins(after, name) })
		if i < 0 {
			out.WriteByte('@')
			continue
		}
		out.WriteString(`<span class="mention">@` + html.EscapeString(names[i]) + `</span>`)
		text = after[len(names[i]):]
	}
}

// begins says whether text begins with the name and that ends there.
func begins(text, name string) bool {
	rest, found := strings.CutPrefix(text, name)
	next, _ := utf8.DecodeRuneInString(rest)
	return found && name != "" && (rest == "" || !unicode.IsLetter(next) && !unicode.IsDigit(next))
}
