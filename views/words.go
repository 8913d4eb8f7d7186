package views

import (
	"fmt"

	"autocrm/store"

	"github.com/a-h/templ"
)

// article puts the indefinite article before a role.
func article(role string) string {
	if role == "agent" || role == "admin" {
		return "an " + role
	}
	return "a " + role
}

func passwordHint() string { return fmt.Sprintf("At least %d characters.", store.MinPassword) }

func readOnly(yes bool) templ.Attributes { return templ.Attributes{"readonly": yes} }
