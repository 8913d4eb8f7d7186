package deploytest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"time"
)

// Proxy passes everything on as a well-kept proxy does, but for what its Fault changes about a request.
type Proxy struct {
	Target string
	Fault  func(r *http.Request, p *Proxy)

	// What Fault sets, for one request.
	Rewrite  func(in, out *http.Request)
	Answer   func(*http.Response) error
	Instead  http.HandlerFunc
	Patience time.Duration // for so long it waits for an answer to begin, and then says 502; 0: for ever
}

func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	one := &Proxy{Target: p.Target}
	p.Fault(r, one)
	if one.Instead != nil {
		one.Instead(w, r)
		return
	}
	passing := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.Out.URL.Scheme, pr.Out.URL.Host = "http", one.Target
			pr.Out.Host = pr.In.Host
			pr.Out.Header["X-Forwarded-For"] = pr.In.Header["X-Forwarded-For"]
			pr.SetXForwarded()
			if one.Rewrite != nil {
				one.Rewrite(pr.In, pr.Out)
			}
		},
		ModifyResponse: one.Answer,
		ErrorLog:       log.New(io.Discard, "", 0), // its faults are meant
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	if one.Patience > 0 {
		passing.Transport = &http.Transport{ResponseHeaderTimeout: one.Patience, DisableKeepAlives: true}
	}
	passing.ServeHTTP(w, r)
}

// IsStream says whether a request asks for the stream.
func IsStream(r *http.Request) bool { return r.URL.Path == "/live" }

// Faultless is a proxy that does what it should.
func Faultless(*http.Request, *Proxy) {}

// BuffersAll hands an answer on when it has all of it.
func BuffersAll(_ *http.Request, p *Proxy) {
	p.Answer = func(a *http.Response) error {
		whole, err := io.ReadAll(a.Body)
		a.Body.Close()
		a.Body = io.NopCloser(bytes.NewReader(whole))
		return err
	}
}

// BuffersFor hands each piece on so much later.
func BuffersFor(hold time.Duration) func(*http.Request, *Proxy) {
	return func(r *http.Request, p *Proxy) {
		if !IsStream(r) {
			return
		}
		p.Answer = func(a *http.Response) error {
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

// LetsThrough passes the first n bytes of a stream and holds the rest back until it ends.
func LetsThrough(n int) func(*http.Request, *Proxy) {
	return func(r *http.Request, p *Proxy) {
		if IsStream(r) {
			p.Answer = func(a *http.Response) error {
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

// Gzips compresses the stream; promptly says whether each piece is handed on at once.
func Gzips(promptly bool) func(*http.Request, *Proxy) {
	return func(r *http.Request, p *Proxy) {
		if !IsStream(r) {
			return
		}
		p.Answer = func(a *http.Response) error {
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

// CutsIdle ends the connection of a stream that is silent for so long.
func CutsIdle(patience time.Duration) func(*http.Request, *Proxy) {
	return func(r *http.Request, p *Proxy) {
		if !IsStream(r) {
			return
		}
		p.Answer = func(a *http.Response) error {
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

// AnswersStream answers /live in the app's place.
func AnswersStream(answer http.HandlerFunc) func(*http.Request, *Proxy) {
	return func(r *http.Request, p *Proxy) {
		if IsStream(r) {
			p.Instead = answer
		}
	}
}
