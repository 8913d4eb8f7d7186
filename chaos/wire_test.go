package chaos

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// wire is a network that can fail: a TCP proxy before whatever dial reaches.
type wire struct {
	address string
	dial    func(ctx context.Context) (net.Conn, error)

	mu    sync.Mutex
	hole  bool // what comes now is accepted and never answered
	links map[*link]struct{}
}

// link is one connection through the wire.
type link struct {
	near, far net.Conn // far is nil for one that was opened into a black hole

	mu   sync.Mutex
	dead bool // what is written into it vanishes, and nothing comes out any more
}

func newWire(t testing.TB, dial func(ctx context.Context) (net.Conn, error)) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{address: listener.Addr().String(), dial: dial, links: map[*link]struct{}{}}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go w.carry(conn)
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		w.cut()
	})
	return w
}

func (w *wire) carry(near net.Conn) {
	l := &link{near: near}
	w.mu.Lock()
	l.dead = w.hole
	w.links[l] = struct{}{}
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		delete(w.links, l)
		w.mu.Unlock()
		l.close()
	}()
	if l.dead {
		io.Copy(io.Discard, near)
		return
	}
	far, err := w.dial(context.Background())
	if err != nil {
		return
	}
	w.mu.Lock() // cut may be closing it
	l.far = far
	w.mu.Unlock()
	ended := make(chan struct{}, 2)
	go func() { l.pass(far, near); ended <- struct{}{} }()
	go func() { l.pass(near, far); ended <- struct{}{} }()
	<-ended
}

// pass copies until either side ends. A dead link takes what comes and ends only when the writer does.
func (l *link) pass(to io.Writer, from net.Conn) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		l.mu.Lock()
		dead := l.dead
		l.mu.Unlock()
		if dead && from == l.far {
			// The server's end of a dead connection tells the client nothing, not even that it closed.
			io.Copy(io.Discard, l.near)
			return
		}
		if n > 0 && !dead {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (l *link) close() {
	l.near.Close()
	if l.far != nil {
		l.far.Close()
	}
}

// blackHole swallows everything in both directions and closes nothing. What was connected stays dead for good, as
// behind a firewall that forgot it; heal lets new connections through.
func (w *wire) blackHole() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hole = true
	for l := range w.links {
		l.mu.Lock()
		l.dead = true
		l.mu.Unlock()
	}
}

func (w *wire) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hole = false
}

// cut closes every connection.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for l := range w.links {
		l.close()
	}
}
