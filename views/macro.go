package views

import (
	"strings"

	"autocrm/store"
)

// macroWords says what a macro does, in a few words.
func macroWords(m store.Macro) string {
	change := m.Change()
	change.MacroName = ""
	words := ChangeWords(change)
	if m.Assign == store.AssignPerson && m.AssigneeName == "" {
		words = strings.Replace(words, "to ,", "to somebody,", 1)
	}
	return words
}
