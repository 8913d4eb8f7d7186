package store

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest email address SMTP can carry and the longest name, as users has them.
const (
	MaxEmail = 254
	MaxName  = 120
)

// checkEmail returns address without the space around it, and what is wrong with it in words, or "".
func checkEmail(address string) (clean, problem string) {
	clean = strings.TrimSpace(address)
	switch {
	case clean == "":
		return clean, "Enter an email address."
	case len(clean) > MaxEmail:
		return clean, "An email address has at most 254 characters."
	}
	// The parser also takes "Ana <ana@example.com>", quoted names and comments: none of them is what a person
	// types as their address, and two spellings of one mailbox would be two accounts.
	parsed, err := mail.ParseAddress(clean)
	local, domain, _ := strings.Cut(clean, "@")
	if err != nil || parsed.Address != clean || strings.ContainsAny(clean, " \"()<>[]\\,;:") || !printable(clean) ||
		len(local) > 64 || strings.Contains(domain, "@") || !strings.Contains(strings.Trim(domain, "."), ".") {
		return clean, "This is not an email address. It should look like ana@example.com."
	}
	return clean, ""
}

// checkName returns a person's name without the space around it, and what is wrong with it in words, or "".
func checkName(name string) (clean, problem string) {
	clean = strings.TrimSpace(name)
	switch {
	case clean == "":
		return clean, "Enter a name."
	case !printable(clean):
		return clean, "A name cannot contain control characters."
	case utf8.RuneCountInString(clean) > MaxName:
		return clean, "A name has at most 120 characters."
	case !strings.ContainsFunc(clean, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }):
		return clean, "Enter a name that can be seen."
	}
	return clean, ""
}

// printable refuses what a text column cannot hold, and the marks that turn the reading direction: with them
// one name can be made to look like another.
func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
	})
}
