package views

// article puts the indefinite article before a role.
func article(role string) string {
	if role == "agent" || role == "admin" {
		return "an " + role
	}
	return "a " + role
}
