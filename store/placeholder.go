package store

import (
	"fmt"
	"regexp"
	"strings"
)

// Placeholders are what the placeholders of a macro's texts stand for on one ticket.
type Placeholders struct {
	Customer string // their name
	Number   int64
	Subject  string
	Agent    string // the name of who writes
}

// PlaceholderNames lists the placeholders there are, as texts have them between {{ and }}.
var PlaceholderNames = []string{"customer.name", "customer.first_name", "ticket.number", "ticket.subject", "agent.name"}

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// Fill puts what p holds in the place of the text's placeholders, as plain words: whatever Markdown is in a name or a
// subject, it is shown as it was typed. A placeholder that does not exist stays as it is.
func Fill(text string, p Placeholders) string {
	first, _, _ := strings.Cut(p.Customer, " ")
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		switch placeholder.FindStringSubmatch(found)[1] {
		case "customer.name":
			return plainWords(p.Customer)
		case "customer.first_name":
			return plainWords(first)
		case "ticket.number":
			return fmt.Sprint(p.Number)
		case "ticket.subject":
			return plainWords(p.Subject)
		case "agent.name":
			return plainWords(p.Agent)
		}
		return found
	})
}

// checkPlaceholders says which placeholder of the text does not exist, and offers the nearest that does; "" is well.
func checkPlaceholders(text string) string {
	for _, found := range placeholder.FindAllStringSubmatch(text, -1) {
		name := found[1]
		known := false
		for _, right := range PlaceholderNames {
			known = known || name == right
		}
		if known {
			continue
		}
		if near, ok := nearest(name, PlaceholderNames); ok {
			return fmt.Sprintf("There is no placeholder {{%s}}. Did you mean {{%s}}?", name, near)
		}
		return fmt.Sprintf("There is no placeholder {{%s}}. There are {{%s}}.", name, strings.Join(PlaceholderNames, "}}, {{"))
	}
	return ""
}

var (
	// What Markdown reads as a sign wherever it stands, and what makes a link of bare words.
	markdownSigns = regexp.MustCompile("[\\\\`*_{}\\[\\]<>|~&@]|://|(?i:www)\\.")
	// What it reads as a sign where a line begins.
	markdownStart = regexp.MustCompile(`^(?:[#+=:-]|\d+[.)])`)
)

// plainWords is text on one line that Markdown shows as it is.
func plainWords(text string) string {
	text = markdownSigns.ReplaceAllStringFunc(cleanLine(text), func(sign string) string {
		switch {
		case sign == "://":
			return `\://`
		case len(sign) > 1:
			return sign[:len(sign)-1] + `\.`
		}
		return `\` + sign
	})
	return markdownStart.ReplaceAllStringFunc(text, func(start string) string {
		return start[:len(start)-1] + `\` + start[len(start)-1:]
	})
}
