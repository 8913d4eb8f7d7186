package store

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText bounds a description, a reply and a note, in characters.
const MaxText = 50000

// MaxSubject bounds a ticket's subject, in characters.
const MaxSubject = 200

// cleanText makes what a browser sent fit for storing: valid UTF-8, lines ended by \n alone, no control
// characters (PostgreSQL refuses NUL), no blank around. With nothing in it to be seen it is empty.
func cleanText(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
	visible := func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }
	if !strings.ContainsFunc(text, visible) {
		return ""
	}
	return strings.TrimSpace(text)
}

// cleanLine is cleanText for what stands on one line, beside other people's lines: it cannot turn the direction
// of what follows.
func cleanLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' {
			return -1
		}
		return r
	}, cleanText(text))
	return strings.Join(strings.Fields(text), " ")
}

// tooLong says whether text has more than most characters.
func tooLong(text string, most int) bool { return utf8.RuneCountInString(text) > most }
