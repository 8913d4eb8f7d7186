package views

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"

	"autocrm/store"
	"autocrm/views/markdown"
)

// Whatever a customer calls itself or its ticket, a template shows it as it was typed and makes nothing else of it.
func TestPlaceholdersAreNoMarkdown(t *testing.T) {
	t.Parallel()
	tags := regexp.MustCompile(`<[^>]*>`)
	for _, name := range []string{
		"Anna-Lena O'Brien", "**bold** _em_ ~~gone~~", "[a](https://evil.example)", "![x](https://evil.example/x.png)", "https://evil.example/path", "http://evil.example",
		"www.evil.example", "a@evil.example", "<b>x</b>", "<https://evil.example>", "`code`", "# head", "- item", "1. item", "1) item", "+ item", "> quote", "=== ", "---", "| a | b |",
		`\*x\*`, "&lt;", "{{agent.name}}", "a\nb", "ftp://evil.example", "mailto:a@evil.example", "[x]: https://evil.example", "WWW.EVIL.EXAMPLE", "***", "1234567890.", "x_y_z", "@ana", "Price: $5 (50% off)!", "~", "^1",
	} {
		for _, text := range []string{"{{customer.name}}", "Hello {{customer.name}}, welcome", "{{ticket.subject}}: read"} {
			filled := store.Fill(text, store.Placeholders{Customer: name, Subject: name, Agent: "Ana"})
			got := fmt.Sprint(markdown.Render(filled))
			rest := strings.TrimSpace(html.UnescapeString(tags.ReplaceAllString(got, "")))
			plain := strings.Join(strings.Fields(name), " ")
			want := strings.NewReplacer("{{customer.name}}", plain, "{{ticket.subject}}", plain).Replace(text)
			if rest != want || len(tags.FindAllString(got, -1)) != 2 {
				t.Errorf("%q as %q shows %q, want %q", name, filled, got, want)
			}
		}
	}
}
