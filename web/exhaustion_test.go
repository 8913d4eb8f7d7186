package web_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/web"

	"github.com/labstack/echo/v4"
)

// wire is a bare connection to a server.
type wire struct {
	net.Conn
	*bufio.Reader
}

func dial(t testing.TB, address string) wire {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	return wire{conn, bufio.NewReader(conn)}
}

func (w wire) Read(p []byte) (int, error) { return w.Reader.Read(p) }

// answer reads the next answer; 0 is that the server closed the connection without one.
func (w wire) answer(t testing.TB) (status int, body string) {
	t.Helper()
	response, err := http.ReadResponse(w.Reader, nil)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		t.Fatal("the server says nothing and holds on")
	}
	if err != nil {
		return 0, ""
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

// ended says whether the server has let the connection go.
func (w wire) ended(t testing.TB) bool {
	t.Helper()
	_, err := io.Copy(io.Discard, w.Reader)
	var timeout net.Error
	return !(errors.As(err, &timeout) && timeout.Timeout())
}

// What is larger than anybody needs is refused in words, after a bounded part of it was read.
func TestOversizedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	client := d.person(t, store.Client, "cleo@example.com")
	ticket := client.submit(t, "One", "Text")
	cookie := sessionCookie(t, client)
	address, stop := serve(t, d.handler, "", "", func() {})
	defer stop()
	head := func(method, path string, header ...string) string {
		return method + " " + path + " HTTP/1.1\r\nHost: client.example.com\r\nCookie: " + cookie.Name + "=" + cookie.Value + "\r\n" +
			strings.Join(append(header, "", ""), "\r\n")
	}
	chunked := func(path, kind string) string {
		return head("POST", path, "Transfer-Encoding: chunked", "Content-Type: "+kind)
	}
	const form = "application/x-www-form-urlencoded"
	endless := func(piece string) io.Reader { return io.LimitReader(repeat(piece), 400<<20) }
	multipartForm := func(n int, part string) io.Reader {
		return strings.NewReader(strings.Repeat("--b\r\n"+part, n) + "--b--\r\n")
	}
	field := "Content-Disposition: form-data; name=\"x\"\r\n\r\nv\r\n"
	file := "Content-Disposition: form-data; name=\"files\"; filename=\"a.txt\"\r\n\r\nv\r\n"
	for name, c := range map[string]struct {
		head   string
		body   io.Reader // sent in chunks; nil: as part of head
		status int
		words  string
	}{
		"a header of 1 MB":            {head("GET", "/", "X-Long: "+strings.Repeat("a", 1<<20)), nil, 431, "431"},
		"headers of 1 MB":             {head("GET", "/", strings.Repeat("X-Short: a\r\n", 100_000)), nil, 431, "431"},
		"an address of 1 MB":          {head("GET", "/"+strings.Repeat("a", 1<<20)), nil, 431, "431"},
		"a cookie of 60 KB":           {head("GET", "/account", "Cookie: a="+strings.Repeat("a", 60<<10)), nil, 200, "cleo"},
		"a length of 1 TB":            {head("POST", "/account/name", "Content-Type: "+form, "Content-Length: 1099511627776"), endless("a"), 413, "too large"},
		"an endless form":             {chunked("/account/name", form), endless("full_name=a&"), 413, "too large"},
		"an endless sign-in":          {chunked("/sign-in", form), endless("a"), 413, "too large"},
		"an endless token":            {chunked("/api/token", "application/json"), endless(`[`), 400, "JSON"},
		"a deep token":                {chunked("/api/token", "application/json"), io.LimitReader(repeat(`{"a":`), 1<<20), 400, "JSON"},
		"an endless message":          {chunked(ticket+"/replies", form), endless("content=a&"), 413, "too large"},
		"an endless field":            {chunked(ticket+"/replies", "multipart/form-data; boundary=b"), io.MultiReader(strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\n"), endless("a")), 413, "too large"},
		"an endless part header":      {chunked(ticket+"/replies", "multipart/form-data; boundary=b"), io.MultiReader(strings.NewReader("--b\r\nContent-Disposition: form-data; name=\""), endless("a")), 400, "form"},
		"9,000 fields":                {chunked("/account/name", form), strings.NewReader(formOf(9_000)), 303, ""},
		"100,000 fields":              {chunked("/account/name", form), strings.NewReader(formOf(100_000)), 400, "form"},
		"10,000 fields of a message":  {chunked(ticket+"/replies", "multipart/form-data; boundary=b"), multipartForm(10_000, field), 413, "too large"},
		"10,000 files":                {chunked(ticket+"/replies", "multipart/form-data; boundary=b"), multipartForm(10_000, file), 422, "at most 10 files"},
		"10,000 parts of no name":     {chunked(ticket+"/replies", "multipart/form-data; boundary=b"), multipartForm(10_000, "\r\nv\r\n"), 413, "too large"},
		"a boundary of 60 KB":         {chunked(ticket+"/replies", "multipart/form-data; boundary="+strings.Repeat("b", 60<<10)), strings.NewReader("--b"), 422, "Write"},
		"a part header of 10,000":     {chunked(ticket+"/replies", "multipart/form-data; boundary=b"), multipartForm(1, strings.Repeat("X-A: b\r\n", 10_000)+field), 400, "form"},
		"a query of 10,000":           {head("GET", "/tickets?"+strings.Repeat("a=b&", 10_000)), nil, 200, "ticket-list"},
		"a chunk larger than any int": {chunked("/account/name", form) + "FFFFFFFFFFFFFFFFF\r\nx", nil, 400, ""},
	} {
		w := dial(t, address)
		go func() {
			if c.body == nil {
				io.WriteString(w, c.head)
				return
			}
			io.WriteString(w, c.head)
			if strings.Contains(c.head, "Content-Length") {
				io.Copy(w.Conn, c.body)
				return
			}
			piece := make([]byte, 32<<10)
			for {
				n, err := io.ReadFull(c.body, piece)
				if n > 0 {
					if _, err := fmt.Fprintf(w, "%x\r\n%s\r\n", n, piece[:n]); err != nil {
						return
					}
				}
				if err != nil {
					io.WriteString(w, "0\r\n\r\n")
					return
				}
			}
		}()
		began := time.Now()
		status, body := w.answer(t)
		if status != c.status || !strings.Contains(body, c.words) {
			t.Errorf("%s: %d, want %d with %q: %.300s", name, status, c.status, c.words, body)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s took %s", name, took)
		}
	}
	if d.blobs(t) != 0 {
		t.Error("files are left behind")
	}
}

func formOf(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "f%d=v&", i)
	}
	return b.String() + "full_name=Ana"
}

// repeat gives text for ever.
func repeat(text string) io.Reader {
	return &repeated{bytes.Repeat([]byte(text), 1+(64<<10)/len(text)), 0}
}

type repeated struct {
	text []byte
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

// Whoever sends a header in drops, or opens connections and says nothing, is let go after the header's time, and
// meanwhile keeps nobody else from being served.
func TestASlowHeaderHoldsNothingUp(t *testing.T) {
	t.Parallel()
	address, stop := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "served") }), "", "", func() {})
	defer stop()
	began := time.Now()
	var group sync.WaitGroup
	for i := range 300 {
		w := dial(t, address)
		group.Go(func() {
			if i%3 != 0 {
				io.WriteString(w, "GET / HTTP/1.1\r\nHost: x\r\n")
			}
			drops := time.NewTicker(500 * time.Millisecond)
			defer drops.Stop()
			ended := make(chan bool, 1)
			go func() { ended <- w.ended(t) }()
			for {
				select {
				case <-drops.C:
					if i%3 == 1 {
						io.WriteString(w, "X-Drop: a\r\n")
					}
				case gone := <-ended:
					if !gone {
						t.Error("a header in drops is waited for without end")
					}
					return
				}
			}
		})
	}
	w := dial(t, address)
	io.WriteString(w, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if status, body := w.answer(t); status != 200 || body != "served" {
		t.Errorf("meanwhile somebody else gets %d %q", status, body)
	}
	group.Wait()
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("they are let go after %s", took)
	}
}

// A body may pause and may be slow, but a byte now and then does not keep a request.
func TestASlowBodyIsGivenUp(t *testing.T) {
	t.Parallel()
	e := echo.New()
	took := make(chan error, 1)
	e.POST("/", func(c echo.Context) error {
		_, err := io.Copy(io.Discard, c.Request().Body)
		took <- err
		return c.NoContent(http.StatusNoContent)
	}, web.BodyLimit(1<<20, time.Second, 1000))
	address, stop := serve(t, e, "", "", func() {})
	defer stop()
	for name, c := range map[string]struct {
		piece string
		every time.Duration
		times int
		whole bool
	}{
		"stands still": {"", time.Hour, 0, false},
		"drips":        {"a", 200 * time.Millisecond, 50, false},
		"is slow":      {strings.Repeat("a", 1000), 200 * time.Millisecond, 15, true},
	} {
		w := dial(t, address)
		length := len(c.piece) * c.times
		if length == 0 {
			length = 10
		}
		fmt.Fprintf(w, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", length)
		began := time.Now()
		tick := time.NewTicker(c.every)
		var err error
		for sent, over := 0, false; !over; {
			select {
			case <-tick.C:
				if sent++; sent <= c.times {
					io.WriteString(w, c.piece)
				}
			case err = <-took:
				over = true
			}
		}
		tick.Stop()
		if c.whole && err != nil || !c.whole && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a body that %s ends with %v after %s", name, err, time.Since(began))
		}
		if !c.whole && time.Since(began) > 5*time.Second {
			t.Errorf("a body that %s is given up after %s", name, time.Since(began))
		}
	}
}

// A zip bomb of a request: a body said to be compressed is not unpacked.
func TestACompressedBodyIsNotUnpacked(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Client, "cleo@example.com")
	form := url.Values{"email": {"cleo@example.com"}, "password": {"autocrm-demo"}}.Encode()
	for _, coding := range []string{"gzip", "deflate", "br", "gzip, gzip"} {
		got := d.browser(t, store.Client).raw(t, http.MethodPost, "/sign-in", form, "Content-Encoding", coding, "Content-Type", "application/x-www-form-urlencoded")
		got.want(t, http.StatusSeeOther) // read as it is
	}
}
