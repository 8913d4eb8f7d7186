package realtime

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// output writes a stream's events, each write with a deadline of its own: to the response, or, once detached,
// to the connection.
type output struct {
	hub  *Hub
	s    *stream
	last int64 // the place of the newest cursor written

	mu     sync.Mutex // for close and deadline, which others call
	w      http.ResponseWriter
	rc     *http.ResponseController
	conn   net.Conn // nil: write to w
	closed bool
}

func (h *Hub) newOutput(w http.ResponseWriter, r *http.Request, s *stream) *output {
	out := &output{hub: h, s: s, w: w, rc: http.NewResponseController(w)}
	// The server's ReadTimeout has been running since the request came. net/http clears it itself where it
	// goes on reading in the background; a stream must not depend on that.
	out.rc.SetReadDeadline(time.Time{}) //nolint:errcheck // a writer without deadlines has none to clear
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")
	if r.ProtoMajor == 1 {
		// Not chunked: net/http then says Connection: close, and what follows the header may be written bare.
		header.Set("Transfer-Encoding", "identity")
	}
	s.mu.Lock()
	s.hurry = func() { out.deadline(time.Second) }
	s.mu.Unlock()
	return out
}

// moveTo goes on writing to conn or, where that is nil, to w.
func (o *output) moveTo(conn net.Conn, w http.ResponseWriter) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.conn, o.w, o.rc = conn, w, nil
	if w != nil {
		o.rc = http.NewResponseController(w)
	}
}

// close forgets the writer: a handler that has returned must not touch it. A connection of its own it ends.
func (o *output) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	if o.conn != nil {
		o.conn.Close()
	}
}

func (o *output) deadline(in time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
	case o.conn != nil:
		o.conn.SetWriteDeadline(time.Now().Add(in)) //nolint:errcheck // the write that follows says it
	default:
		o.rc.SetWriteDeadline(time.Now().Add(in)) //nolint:errcheck // as for reading
	}
}

// padding is more than the proxies and browsers that hold back the first bytes hold back.
var padding = append(append([]byte(":"), bytes.Repeat([]byte(" "), 2048)...), '\n', '\n')

func (o *output) opening(start start) error {
	o.last = start.place
	first := fmt.Appendf(nil, "retry: %d\n", 2000+rand.IntN(3000))
	first = append(first, padding...)
	cursor := o.hub.seal(start.place)
	first = fmt.Appendf(first, "id: %s\nevent: hello\ndata: {\"cursor\":%q}\n\n", cursor, cursor)
	if start.resync != "" {
		first = appendResync(first, cursor)
	}
	return o.write(first)
}

// maxWrite bounds what one deadline must suffice for.
const maxWrite = 64 << 10

func (o *output) changes(batches []*batch) error {
	if len(batches) == 0 {
		return nil
	}
	for _, b := range batches {
		b.encode(o.hub.seal)
	}
	count := 0
	var whole []byte
	if len(batches) == 1 {
		whole, count = batches[0].whole, len(batches[0].signals)
	} else {
		each(batches, func(b *batch, i int) {
			whole = append(whole, b.frames[i]...)
			count++
		})
	}
	for len(whole) > 0 {
		n := min(len(whole), maxWrite)
		if err := o.write(whole[:n]); err != nil {
			return err
		}
		whole = whole[n:]
	}
	o.last = batches[len(batches)-1].place
	o.hub.metrics.delivered.Add(float64(count))
	return nil
}

// ping carries a cursor, so that a reader for whom nothing happens does not fall behind, and says whether
// this node itself is fed.
func (o *output) ping() error {
	if head, ok := o.hub.quiet(o.s); ok {
		o.last = head
	}
	return o.write(fmt.Appendf(nil, "id: %s\nevent: ping\ndata: {\"current\":%t}\n\n", o.hub.seal(o.last), o.hub.isCurrent()))
}

func (o *output) bye(reason string) error {
	var last []byte
	if reason == byeShutdown { // all at once: let them not come back all at once
		last = fmt.Appendf(last, "retry: %d\n", 1000+rand.IntN(7000))
	}
	data, _ := json.Marshal(map[string]string{"reason": reason})
	return o.write(fmt.Appendf(last, "event: bye\ndata: %s\n\n", data))
}

func (o *output) write(p []byte) error {
	o.deadline(o.hub.pace.write)
	if o.conn != nil {
		_, err := o.conn.Write(p)
		return err
	}
	if _, err := o.w.Write(p); err != nil {
		return err
	}
	if err := o.rc.Flush(); err != nil {
		return err
	}
	// Over HTTP/2 a deadline that passes resets the stream, also where nothing is being written.
	o.rc.SetWriteDeadline(time.Time{}) //nolint:errcheck // as for reading
	return nil
}
