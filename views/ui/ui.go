// Package ui holds the controls every page is made of. They take typed, primitive values and never
// query, never decide who may see what. Start at /_style, which shows each of them in every state.
package ui

import (
	"hash/fnv"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"
)

// Live marks a region that refreshes by itself: when the stream says that topic has changed, htmx
// fetches src and morphs the answer over the region. The answer's outermost element must carry the
// same id and these same attributes with the new version; an older version is thrown away by the
// page. Never put a form that someone writes in inside one. topic may be several, with spaces between, whose versions
// are of one kind.
func Live(topic string, version int64, src string) templ.Attributes {
	return templ.Attributes{
		"data-topic":   topic,
		"data-version": strconv.FormatInt(version, 10),
		"data-src":     src,
		"hx-get":       src,
		"hx-trigger":   "live:" + strings.ReplaceAll(topic, " ", " from:body, live:") + " from:body",
		"hx-swap":      "outerMorph",
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// ariaKeys turns "g q" into the form that aria-keyshortcuts wants. A sequence cannot be said there.
func ariaKeys(keys string) string {
	if len(keys) > 1 {
		return ""
	}
	return keys
}

var statusWords = map[string]string{
	"new": "New", "open": "Open", "pending": "Pending", "on_hold": "On hold",
	"resolved": "Resolved", "closed": "Closed", "cancelled": "Cancelled",
}

// StatusWord is a status in words. An unknown one is shown as it is rather than hidden.
func StatusWord(status string) string { return or(statusWords[status], status) }

var priorityWords = map[string]string{"low": "Low", "medium": "Medium", "high": "High", "urgent": "Urgent"}

// PriorityWord is a priority in words.
func PriorityWord(priority string) string { return or(priorityWords[priority], priority) }

// initials takes the first letters of the first and the last word.
func initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || r == '@' || r == '.' })
	if len(words) == 0 {
		return "?"
	}
	out := firstLetter(words[0])
	if len(words) > 1 {
		out += firstLetter(words[len(words)-1])
	}
	return out
}

func firstLetter(word string) string {
	r, _ := utf8.DecodeRuneInString(word)
	return string(unicode.ToUpper(r))
}

// hue gives a name one of eight colours, always the same one.
func hue(name string) string {
	h := fnv.New32a()
	h.Write([]byte(name))
	return strconv.Itoa(int(h.Sum32()%8) + 1)
}

// machineTime keeps the fraction: two entries of one second must not sort the wrong way round in a script.
func machineTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// plainTime is what a reader without scripts gets.
func plainTime(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// Size writes a number of bytes for people.
func Size(bytes int64) string {
	switch {
	case bytes < 1000:
		return strconv.FormatInt(bytes, 10) + " B"
	case bytes < 999_500: // what would round to 1000 KB
		return strconv.FormatInt((bytes+500)/1000, 10) + " KB"
	}
	return strconv.FormatFloat(float64(bytes)/1e6, 'f', 1, 64) + " MB"
}

// Mood is the portal whose colours a page wears; an unknown one wears the client's.
func Mood(portal string) string {
	if portal == "agent" || portal == "admin" {
		return portal
	}
	return "client"
}

// Excerpt is the beginning of a text on one line, of at most that many characters.
func Excerpt(text string, most int) string {
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) <= most {
		return string(runes)
	}
	return strings.TrimSpace(string(runes[:most-1])) + "…"
}
