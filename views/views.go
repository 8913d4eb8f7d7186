package views

import (
	"strconv"
	"strings"
)

// isCurrent marks the item whose page this is or lies under. "/" is current only for itself.
func isCurrent(href, path string) bool {
	return href == path || (href != "/" && strings.HasPrefix(path, href+"/"))
}

func statusLine(status int) string {
	if status == 0 {
		return ""
	}
	return "Error " + strconv.Itoa(status)
}
