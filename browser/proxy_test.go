package browser

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"autocrm/store"
)

// bufferAll is a proxy that hands on an answer when it has the whole of it, as corporate ones do. Of a stream
// that is never.
func bufferAll(t testing.TB, target string) *httptest.Server {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: target})
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(answer *http.Response) error {
			whole, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			answer.Body = io.NopCloser(bytes.NewReader(whole))
			return err
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.CloseClientConnections)
	return server
}

// TestBufferedStream is a page whose stream a proxy holds back: it falls back to asking, says so, and has every
// change all the same.
func TestBufferedStream(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	proxy := bufferAll(t, "127.0.0.1:"+port)
	public := proxy.Listener.Addr().String()
	address := func(role store.Role, _ string) string {
		return fmt.Sprintf("http://%s.localhost:%s", role, public[strings.LastIndex(public, ":")+1:])
	}
	var settings []string
	for _, role := range store.Roles {
		settings = append(settings, strings.ToUpper(string(role))+"_URL="+address(role, ""))
	}
	s := serve(t, port, address, settings)
	number := s.submit(t, "The tap drips")
	cora := s.signedIn(t, store.Client, "cora@example.com")
	cora.allow("answered 502")
	cora.Open(fmt.Sprintf("/tickets/%d", number))
	cora.ExpectState("polling")
	cora.Expect("Updates every few seconds")
	cora.mark()
	for i := range 3 {
		words := fmt.Sprintf("Answer %d.", i)
		start := time.Now()
		seen := cora.watchText(words)
		s.reply(t, number, words)
		if got := <-seen.seen; got.err != nil {
			t.Errorf("%s: %v", words, got.err)
		} else {
			t.Logf("polling, seen after %d ms", got.at.Sub(start).Milliseconds())
		}
	}
	cora.ExpectState("polling")
	cora.unreloaded()
	proxy.CloseClientConnections()
}
