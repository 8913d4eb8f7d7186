package web

import (
	"net/http"
	"sync/atomic"
	"time"
)

// handover is how long a node that was told to stop goes on answering, so that whoever sends it requests turns
// to the others first. With what then remains to be done a stop stays under 2 s.
const handover = time.Second

// underWay is how long requests have after the handover: an upload through a slow line.
const underWay = 20 * time.Second

// leaving is the handler of a server that may be told to stop. Its next one must not be asked again then; what
// cannot be asked of another must still be answered.
type leaving struct {
	next http.Handler
	told atomic.Bool
}

// ServeHTTP answers what a proxy may ask another node for with 502, as the proxy itself would a moment later,
// and which makes it do so. Not with 503: that is what all nodes say whose database is away, and a proxy that
// takes each of them for gone has nobody left. What changes something is done, since no proxy may try it twice.
// Each answer is its connection's last: closed while idle, it would be closed just when a request is sent on it.
func (l *leaving) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !l.told.Load() {
		l.next.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Connection", "close")
	if r.Method != http.MethodGet && r.Method != http.MethodHead || r.URL.Path == "/healthz" {
		l.next.ServeHTTP(w, r)
		return
	}
	status := http.StatusBadGateway
	if r.URL.Path == "/readyz" { // who asks this asks about the node
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Retry-After", "2")
	http.Error(w, "AutoCRM is being restarted here. Try again in a few seconds.", status)
}
