package realtime

import (
	"context"
	"errors"
	"net"
	"net/http"
	"runtime/debug"
)

// detach frees the stream of the request that asked for it: the deep stack that answered it, its buffers and what
// hangs on it are given back. Of what a stream costs, those were most. Over HTTP/1 the stream takes the connection
// from the server and is written beside; over HTTP/2, where the connection is others' too, it goes on in Carry. It is
// false where neither can be, and nothing has changed then.
func (h *Hub) detach(r *http.Request, s *stream, out *output) bool {
	if c, ok := r.Context().Value(carrierKey{}).(*carrier); ok {
		out.moveTo(nil, c.w)
		c.goOn = func() { h.runDetached(r.Context().Done(), s, out) }
		return true
	}
	if out.w.Header().Get("Transfer-Encoding") == "" {
		return false
	}
	conn, _, err := out.rc.Hijack()
	if err != nil {
		return false
	}
	out.moveTo(conn, nil)
	gone := make(chan struct{})
	go awaitEnd(conn, gone)
	go h.runDetached(gone, s, out)
	return true
}

// carrier is where a stream over HTTP/2 goes on when its handler has returned.
type carrier struct {
	w    http.ResponseWriter // the server's own, which nothing is wrapped around
	goOn func()
}

type carrierKey struct{}

// Carry wraps the handler of everything, so that a stream outlives all that is in it. What is in it answers on a stack
// of its own: the one that the stream keeps then never grows.
func (h *Hub) Carry(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 || r.URL.Path != "/live" {
			next.ServeHTTP(w, r)
			return
		}
		c := &carrier{w: w}
		answered := make(chan any)
		go func() {
			defer func() { answered <- recover() }()
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), carrierKey{}, c)))
		}()
		if cause := <-answered; cause != nil {
			panic(cause)
		}
		if c.goOn != nil {
			c.goOn()
		}
	})
}

// runDetached is what of a handler the server, or what is around it, would have done: it ends the connection, and
// survives a panic.
func (h *Hub) runDetached(gone <-chan struct{}, s *stream, out *output) {
	var reason string
	err := errors.New("panic")
	defer func() {
		if cause := recover(); cause != nil {
			h.logger.Error("a stream ended by a panic", "panic", cause, "stack", string(debug.Stack()))
		}
		h.finish(s, out, reason, err)
	}()
	reason, err = h.run(gone, s, out)
}

// awaitEnd reads until the reader goes. It has nothing to say meanwhile: what it says is not kept.
func awaitEnd(conn net.Conn, gone chan<- struct{}) {
	defer close(gone)
	var nothing [64]byte
	for {
		if _, err := conn.Read(nothing[:]); err != nil {
			return
		}
	}
}
