package doctor

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"
)

// proxy passes everything on as a well-kept proxy does, but for what its fault changes about a request.
type proxy struct {
	target string
	fault  func(r *http.Request, p *proxy)

	// What fault sets, for one request.
	rewrite func(in, out *http.Request)
	answer  func(*http.Response) error
	instead http.HandlerFunc
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	one := &proxy{target: p.target}
	p.fault(r, one)
	if one.instead != nil {
		one.instead(w, r)
		return
	}
	passing := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.Out.URL.Scheme, pr.Out.URL.Host = "http", one.target
			pr.Out.Host = pr.In.Host
			pr.Out.Header["X-Forwarded-For"] = pr.In.Header["X-Forwarded-For"]
			pr.SetXForwarded()
			if one.rewrite != nil {
				one.rewrite(pr.In, pr.Out)
			}
		},
		ModifyResponse: one.answer,
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	passing.ServeHTTP(w, r)
}

func isStream(r *http.Request) bool { return r.URL.Path == "/live" }

// faultless is a proxy that does what it should.
func faultless(*http.Request, *proxy) {}

// buffersAll hands an answer on when it has all of it.
func buffersAll(_ *http.Request, p *proxy) {
	p.answer = func(a *http.Response) error {
		whole, err := io.ReadAll(a.Body)
		a.Body.Close()
		a.Body = io.NopCloser(bytes.NewReader(whole))
		return err
	}
}

// buffersFor hands each piece on so much later.
func buffersFor(hold time.Duration) func(*http.Request, *proxy) {
	return func(r *http.Request, p *proxy) {
		if !isStream(r) {
			return
		}
		p.answer = func(a *http.Response) error {
			body := a.Body
			out, in := io.Pipe()
			a.Body = out
			go func() { in.CloseWithError(later(r.Context(), body, in, hold)) }()
			return nil
		}
	}
}

func later(ctx context.Context, from io.ReadCloser, to io.Writer, hold time.Duration) error {
	defer from.Close()
	type piece struct {
		bytes []byte
		due   time.Time
		err   error
	}
	pieces := make(chan piece, 1000)
	go func() {
		for {
			buffer := make([]byte, 4096)
			n, err := from.Read(buffer)
			pieces <- piece{buffer[:n], time.Now().Add(hold), err}
			if err != nil {
				return
			}
		}
	}()
	for {
		select {
		case p := <-pieces:
			select {
			case <-time.After(time.Until(p.due)):
			case <-ctx.Done():
				return ctx.Err()
			}
			if _, err := to.Write(p.bytes); err != nil || p.err != nil {
				return p.err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// letsThrough passes the first n bytes of a stream and holds the rest back until it ends.
func letsThrough(n int) func(*http.Request, *proxy) {
	return func(r *http.Request, p *proxy) {
		if isStream(r) {
			p.answer = func(a *http.Response) error {
				a.Body = &collecting{ReadCloser: a.Body, left: n}
				return nil
			}
		}
	}
}

type collecting struct {
	io.ReadCloser
	left int
	rest *bytes.Reader
}

func (c *collecting) Read(b []byte) (int, error) {
	if c.left > 0 {
		n, err := c.ReadCloser.Read(b[:min(len(b), c.left)])
		c.left -= n
		return n, err
	}
	if c.rest == nil {
		whole, _ := io.ReadAll(c.ReadCloser)
		c.rest = bytes.NewReader(whole)
	}
	return c.rest.Read(b)
}

// gzips compresses the stream; promptly says whether each piece is handed on at once.
func gzips(promptly bool) func(*http.Request, *proxy) {
	return func(r *http.Request, p *proxy) {
		if !isStream(r) {
			return
		}
		p.answer = func(a *http.Response) error {
			body := a.Body
			out, in := io.Pipe()
			a.Body = out
			a.Header.Set("Content-Encoding", "gzip")
			go func() {
				defer body.Close()
				packed := gzip.NewWriter(in)
				buffer := make([]byte, 4096)
				for {
					n, err := body.Read(buffer)
					packed.Write(buffer[:n])
					if promptly {
						packed.Flush()
					}
					if err != nil {
						packed.Close()
						in.CloseWithError(err)
						return
					}
				}
			}()
			return nil
		}
	}
}

var errIdle = errors.New("idle for too long")

// cutsIdle ends the connection of a stream that is silent for so long.
func cutsIdle(patience time.Duration) func(*http.Request, *proxy) {
	return func(r *http.Request, p *proxy) {
		if !isStream(r) {
			return
		}
		p.answer = func(a *http.Response) error {
			body := a.Body
			out, in := io.Pipe()
			a.Body = out
			timer := time.AfterFunc(patience, func() { in.CloseWithError(errIdle); body.Close() })
			go func() {
				buffer := make([]byte, 4096)
				for {
					n, err := body.Read(buffer)
					timer.Reset(patience)
					if n > 0 {
						in.Write(buffer[:n])
					}
					if err != nil {
						timer.Stop()
						in.CloseWithError(err)
						return
					}
				}
			}()
			return nil
		}
	}
}

// answersStream answers /live in the app's place.
func answersStream(answer http.HandlerFunc) func(*http.Request, *proxy) {
	return func(r *http.Request, p *proxy) {
		if isStream(r) {
			p.instead = answer
		}
	}
}

func cookiesBecome(change func(string) string) func(*http.Request, *proxy) {
	return func(_ *http.Request, p *proxy) {
		p.answer = func(a *http.Response) error {
			for i, cookie := range a.Header["Set-Cookie"] {
				a.Header["Set-Cookie"][i] = change(cookie)
			}
			return nil
		}
	}
}

func without(words string) func(string) string {
	return func(s string) string { return strings.ReplaceAll(s, words, "") }
}
