package views

import (
	"crypto/sha256"
	"encoding/hex"
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

// draftOwner tells one person's unsent words from another's on a shared machine, without their address.
func draftOwner(email string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(email)))
	return hex.EncodeToString(sum[:6])
}
