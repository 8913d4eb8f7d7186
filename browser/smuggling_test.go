package browser

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"autocrm/store"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// smuggles are requests in which one reader may see one request where another sees two. {in} is the hidden one, {n}
// its length, {size} the same as a chunk's size.
var smuggles = map[string]string{
	"CL.TE":                    "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{in}",
	"TE.CL":                    "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n{in}\r\n0\r\n\r\n",
	"TE.TE by case":            "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nTransfer-encoding: x\r\n\r\n{size}\r\n{in}\r\n0\r\n\r\n",
	"TE unknown":               "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nTransfer-Encoding: xchunked\r\n\r\n{size}\r\n{in}\r\n0\r\n\r\n",
	"TE identity":              "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n5}\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{in}",
	"TE a list":                "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: 4\r\nTransfer-Encoding: gzip, chunked\r\n\r\n{size}\r\n{in}\r\n0\r\n\r\n",
	"TE with a space before :": "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n5}\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n{in}",
	"TE with a tab":            "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n5}\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n{in}",
	"TE with VT":               "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n5}\r\nTransfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n{in}",
	"TE with NUL":              "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n5}\r\nTransfer-Encoding: chunked\x00\r\n\r\n0\r\n\r\n{in}",
	"TE quoted":                "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n5}\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n{in}",
	"TE folded":                "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n5}\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n{in}",
	"TE folded behind another": "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n5}\r\nX: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{in}",
	"TE behind a bare CR":      "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n5}\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{in}",
	"TE behind a bare LF":      "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n5}\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{in}",
	"TE in HTTP/1.0":           "POST /sign-in HTTP/1.0\r\nHost: {host}\r\nConnection: keep-alive\r\nContent-Length: {n5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{in}",
	"TE with an underscore":    "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n5}\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n{in}",
	"TE hop by hop":            "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nConnection: Transfer-Encoding, Content-Length\r\nContent-Length: {n}\r\n\r\n{in}",
	"CL twice":                 "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nContent-Length: {n}\r\n\r\n{in}",
	"CL twice, the other way":  "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n}\r\nContent-Length: 0\r\n\r\n{in}",
	"CL a list":                "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0, {n}\r\n\r\n{in}",
	"CL with a sign":           "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: +{n}\r\n\r\n{in}",
	"CL below nothing":         "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: -1\r\n\r\n{in}",
	"CL in hexadecimal":        "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0x{size}\r\n\r\n{in}",
	"CL too large":             "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: 18446744073709551616\r\n\r\n{in}",
	"CL with a space":          "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length : {n}\r\n\r\n{in}",
	"CL of a GET":              "GET /sign-in HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n}\r\n\r\n{in}",
	"CL of static":             "GET /static/x HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n}\r\n\r\n{in}",
	"CL of a refused form":     "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Site: cross-site\r\nContent-Length: {n}\r\n\r\n{in}",
	"TE of a refused form":     "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nSec-Fetch-Site: cross-site\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n{in}\r\n0\r\n\r\n",
	"TE of a redirect":         "POST /tickets HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\n{in}\r\n0\r\n\r\n",
	"CL of a redirect":         "POST /tickets HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n}\r\n\r\n{in}",
	"CL of a stream":           "GET /live HTTP/1.1\r\nHost: {host}\r\nContent-Length: {n}\r\n\r\n{in}",
	"a chunk extension":        "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n{size};a=\"\r\n{in}\r\n0\r\n\r\n",
	"a long chunk extension":   "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n{size};" + strings.Repeat("a", 20000) + "\r\n{in}\r\n0\r\n\r\n",
	"a chunk ended by LF":      "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n{size};\n{in}\r\n0\r\n\r\n",
	"a chunk size too large":   "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n{in}\r\n0\r\n\r\n",
	"a chunk size of 0x0":      "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n0x{size}\r\n{in}\r\n0\r\n\r\n",
	"a trailer":                "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n0\r\nContent-Length: {n}\r\nX: {in}",
	"Expect":                   "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nExpect: 100-continue\r\nContent-Length: {n}\r\n\r\n{in}",
	"Expect something else":    "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nExpect: x\r\nContent-Length: {n}\r\n\r\n{in}",
	"an address in two lines":  "GET /sign-in HTTP/1.1\r\nX: {host}\r\n\r\nHost: {host}\r\nContent-Length: {n}\r\n\r\n{in}",
	"a space in the address":   "GET /sign-in HTTP/1.1\r\nHost: {host}\r\nX: /y HTTP/1.1\r\nContent-Length: {n}\r\n\r\n{in}",
	"an upgrade to WebSocket":  "GET /live HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nContent-Length: {n}\r\n\r\n{in}",
	"an upgrade to h2c":        "GET /sign-in HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: {n}\r\n\r\n{in}",
	"two hosts":                "POST /sign-in HTTP/1.1\r\nHost: {host}\r\nHost: {host}\r\nContent-Length: {n}\r\n\r\n{in}",
}

// TestSmuggling sends each through nginx and to AutoCRM itself. What is hidden in a request is never asked of the
// app as a request of its own, and whoever comes next, on whatever connection nginx has kept to the app, gets the
// answer to what they asked.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	s := production(t)
	host := strings.TrimPrefix(s.urls[store.Client], "https://")
	front := func() net.Conn {
		conn, err := tls.Dial("tcp", "127.0.0.1:"+host[strings.LastIndex(host, ":")+1:], &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	itself := func() net.Conn {
		conn, err := net.Dial("tcp", s.listen)
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	client := identity.client()
	next := func(name string) {
		t.Helper()
		for range 3 {
			answer, err := client.Get(s.urls[store.Client] + "/sign-in?after=" + strings.ReplaceAll(name, " ", "-")[:2])
			if err != nil {
				t.Errorf("after %s: %v", name, err)
				return
			}
			text, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK || !bytes.Contains(text, []byte("<title>Sign in")) || answer.Request.URL.Path != "/sign-in" {
				t.Errorf("after %s somebody else gets %s: %.200s", name, answer.Status, text)
			}
		}
	}
	// Requests sent one behind the other are no trick, and show that the log tells of what is asked.
	conn := front()
	fmt.Fprintf(conn, "GET /sign-in HTTP/1.1\r\nHost: %s\r\n\r\nGET /shown HTTP/1.1\r\nHost: %[1]s\r\n\r\n", host)
	if answers := statusesWithin(conn, patience, 2); !slices.Equal(answers, []int{200, 404}) || !strings.Contains(s.server.Said(), "path=/shown") {
		t.Fatalf("two requests in a row are answered %v", answers)
	}
	conn.Close()
	number := 0
	for name, text := range smuggles {
		for where, dial := range map[string]func() net.Conn{"nginx": front, "AutoCRM": itself} {
			number++
			hidden := fmt.Sprintf("/hidden-%d", number)
			in := "GET " + hidden + " HTTP/1.1\r\nHost: " + host + "\r\nX-Rest: x"
			request := strings.NewReplacer("{host}", host, "{in}", in, "{n}", fmt.Sprint(len(in)), "{n5}", fmt.Sprint(len(in)+5), "{size}", fmt.Sprintf("%x", len(in))).Replace(text)
			conn := dial()
			conn.SetDeadline(time.Now().Add(2 * time.Second))
			io.WriteString(conn, request)
			// Whoever is next on the same kept connection ends the hidden request by their own.
			next(name + " to " + where)
			answers := statuses(conn)
			conn.Close()
			if where == "nginx" && strings.Contains(s.server.Said(), hidden) {
				t.Errorf("%s through nginx: the app was asked for what was hidden (answers %v)", name, answers)
			}
			if len(answers) > 2 {
				t.Errorf("%s to %s: %d answers: %v", name, where, len(answers), answers)
			}
			for _, status := range answers {
				if status >= 500 && status != http.StatusNotImplemented {
					t.Errorf("%s to %s: %v", name, where, answers)
				}
			}
		}
	}
}

// quiet is how long no answer is no answer. Waiting longer would only find more faults.
const quiet = 300 * time.Millisecond

// statuses reads what answers come until nothing more does.
func statuses(conn net.Conn) []int { return statusesWithin(conn, quiet, 10) }

func statusesWithin(conn net.Conn, wait time.Duration, most int) (all []int) {
	reader := bufio.NewReader(conn)
	for len(all) < most {
		conn.SetReadDeadline(time.Now().Add(wait))
		answer, err := http.ReadResponse(reader, nil)
		if err != nil {
			return all
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		all = append(all, answer.StatusCode)
	}
	return all
}

// TestSmugglingByHTTP2: what HTTP/2 can say and HTTP/1.1 cannot must not become two requests on nginx's way to the app.
func TestSmugglingByHTTP2(t *testing.T) {
	t.Parallel()
	s := production(t)
	host := strings.TrimPrefix(s.urls[store.Client], "https://")
	hidden := "GET /hidden HTTP/1.1\r\nHost: " + host + "\r\nX-Rest: x"
	for name, c := range map[string]struct {
		fields [][2]string
		body   string
	}{
		"a length too short":     {[][2]string{{":method", "POST"}, {":path", "/sign-in"}, {"content-length", "0"}}, hidden},
		"a length too long":      {[][2]string{{":method", "POST"}, {":path", "/sign-in"}, {"content-length", "500"}}, hidden},
		"transfer-encoding":      {[][2]string{{":method", "POST"}, {":path", "/sign-in"}, {"transfer-encoding", "chunked"}}, "0\r\n\r\n" + hidden},
		"a line break in value":  {[][2]string{{":method", "POST"}, {":path", "/sign-in"}, {"x-a", "b\r\ntransfer-encoding: chunked"}}, "0\r\n\r\n" + hidden},
		"a line break in name":   {[][2]string{{":method", "POST"}, {":path", "/sign-in"}, {"x-a: b\r\ntransfer-encoding", "chunked"}}, "0\r\n\r\n" + hidden},
		"a line break in path":   {[][2]string{{":method", "GET"}, {":path", "/sign-in HTTP/1.1\r\nHost: x\r\n\r\n" + hidden}}, ""},
		"a line break in method": {[][2]string{{":method", "GET /hidden HTTP/1.1\r\nHost: " + host + "\r\nX: "}, {":path", "/sign-in"}}, ""},
		"a space in path":        {[][2]string{{":method", "GET"}, {":path", "/hidden HTTP/1.1"}}, ""},
		"a request in a header":  {[][2]string{{":method", "GET"}, {":path", "/sign-in"}, {"x-a", "b\r\n\r\n" + hidden}}, ""},
		"two lengths":            {[][2]string{{":method", "POST"}, {":path", "/sign-in"}, {"content-length", "0"}, {"content-length", fmt.Sprint(len(hidden))}}, hidden},
		"a body of a GET":        {[][2]string{{":method", "GET"}, {":path", "/sign-in"}}, hidden},
		"upgrade":                {[][2]string{{":method", "GET"}, {":path", "/live"}, {"connection", "upgrade"}, {"upgrade", "websocket"}}, hidden},
	} {
		conn, err := tls.Dial("tcp", "127.0.0.1:"+host[strings.LastIndex(host, ":")+1:], &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(2 * time.Second))
		io.WriteString(conn, http2.ClientPreface)
		framer := http2.NewFramer(conn, conn)
		framer.WriteSettings()
		var head bytes.Buffer
		encoder := hpack.NewEncoder(&head)
		for _, field := range append(c.fields[:2:2], append([][2]string{{":scheme", "https"}, {":authority", host}}, c.fields[2:]...)...) {
			encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
		}
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: head.Bytes(), EndHeaders: true, EndStream: c.body == ""})
		if c.body != "" {
			framer.WriteData(1, true, []byte(c.body))
		}
		for answered := false; !answered; { // or the connection ends, or its time
			frame, err := framer.ReadFrame()
			if err != nil {
				break
			}
			switch head := frame.Header(); head.Type {
			case http2.FrameRSTStream, http2.FrameGoAway:
				answered = true
			case http2.FrameData, http2.FrameHeaders:
				answered = head.Flags.Has(http2.FlagDataEndStream)
			}
		}
		conn.Close()
		client := identity.client()
		for range 3 {
			answer, err := client.Get(s.urls[store.Client] + "/sign-in")
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK || !bytes.Contains(text, []byte("<title>Sign in")) {
				t.Errorf("after %s somebody else gets %s", name, answer.Status)
			}
		}
	}
	if strings.Contains(s.server.Said(), "path=/hidden") {
		t.Error("the app was asked for what was hidden")
	}
}
