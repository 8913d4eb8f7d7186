package web_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"autocrm/web"
)

// TestHandover: told to stop, a node behind a proxy goes on taking what changes something, on new connections
// and on those that stand, and leads the rest elsewhere; what is under way ends well.
func TestHandover(t *testing.T) {
	t.Parallel()
	server, err := web.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(append([]byte("done "), body...))
	}), "", "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	server.HandOver = true
	listener, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ending, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- server.Serve(ctx, listener, func() { close(ending) }) }()

	dial := func() (net.Conn, *bufio.Reader) {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn, bufio.NewReader(conn)
	}
	ask := func(conn net.Conn, answers *bufio.Reader, request string) (status int, body string, last bool) {
		t.Helper()
		io.WriteString(conn, request)
		answer, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		return answer.StatusCode, string(text), answer.Close
	}
	const get, post = "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok"
	idle, idleAnswers := dial()
	if status, _, last := ask(idle, idleAnswers, get); status != http.StatusOK || last {
		t.Fatalf("before the stop: %d, last %t", status, last)
	}
	slow, slowAnswers := dial()
	io.WriteString(slow, strings.TrimSuffix(post, "k"))

	stop()
	<-ending
	if status, body, last := ask(idle, idleAnswers, post); status != http.StatusOK || body != "done ok" || !last {
		t.Errorf("a form on a connection that stood: %d %q, last %t", status, body, last)
	}
	for request, want := range map[string]int{
		post:                                     http.StatusOK,
		get:                                      http.StatusBadGateway,
		strings.Replace(get, "/", "/readyz", 1):  http.StatusServiceUnavailable,
		strings.Replace(get, "/", "/healthz", 1): http.StatusOK,
	} {
		conn, answers := dial()
		if status, body, last := ask(conn, answers, request); status != want || !last {
			t.Errorf("%q: %d %q, last %t", request, status, body, last)
		}
	}
	// The door closes a while later; what came in before is still answered.
	for {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			break
		}
		conn.Close()
		time.Sleep(10 * time.Millisecond)
	}
	select {
	case err := <-ended:
		t.Fatalf("it did not wait for a request under way: %v", err)
	default:
	}
	if status, body, _ := ask(slow, slowAnswers, "k"); status != http.StatusOK || body != "done ok" {
		t.Errorf("a slow upload: %d %q", status, body)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
