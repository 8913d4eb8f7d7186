package views

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// current is the address of the one item of Nav whose page this is or lies under: the nearest, so that
// /tickets/new is not /tickets too. "/" is current only for itself.
func (p Page) current() (href string) {
	for _, item := range p.Nav {
		under := item.Href == p.Path || (item.Href != "/" && strings.HasPrefix(p.Path, item.Href+"/"))
		if under && len(item.Href) > len(href) {
			href = item.Href
		}
	}
	return href
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
