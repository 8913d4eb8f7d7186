package web

import (
	"fmt"
	"net/http"
	"strings"
)

// hosts chooses the portal by the request's host name: exactly, without regard to case, port and a final dot.
// A name that is nobody's gets 421, never a portal. (Echo's own Host compares with the port and sends unknown
// names to its default router.)
type hosts map[string]http.Handler

func (h hosts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	portal, known := h[hostName(r.Host)]
	if known {
		portal.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusMisdirectedRequest)
	fmt.Fprintf(w, "AutoCRM has no portal at %.80q. Check the address.\n\n"+
		"If you run this server: the host names it answers to are those of CLIENT_URL, AGENT_URL and ADMIN_URL, "+
		"and a proxy in front of it must pass the Host header on unchanged.\n", r.Host)
}

// hostName is a Host header without port and final dot, in lower case; an IPv6 literal keeps its brackets.
func hostName(host string) string {
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		host = host[:colon]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
