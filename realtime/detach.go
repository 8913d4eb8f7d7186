package realtime

import (
	"errors"
	"net"
	"runtime/debug"
)

// detach takes the stream's connection from the server and goes on writing beside, so that the request, its
// buffers and the deep stack that answered it are given back: of what a stream costs, those were most. It is
// false where the connection is not the stream's alone, as over HTTP/2, and nothing has changed then.
func (h *Hub) detach(s *stream, out *output) bool {
	if out.w.Header().Get("Transfer-Encoding") == "" {
		return false
	}
	conn, _, err := out.rc.Hijack()
	if err != nil {
		return false
	}
	out.mu.Lock()
	out.conn, out.w, out.rc = conn, nil, nil
	out.mu.Unlock()
	gone := make(chan struct{})
	go awaitEnd(conn, gone)
	go h.runDetached(gone, s, out)
	return true
}

// runDetached is what of a handler the server would have done: it ends the connection, and survives a panic.
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
