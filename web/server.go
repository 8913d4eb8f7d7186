package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// grace is how long requests under way have after the streams were ended, where nobody else can answer
// meanwhile; with it a stop takes under 2 s.
const grace = 1500 * time.Millisecond

// Server holds the connections. It has no timeout for a whole request, which would cut every stream; it bounds
// the parts instead: the header, the silence between requests, the standstill of a body, dead peers.
type Server struct {
	// HandOver is for a server behind a proxy that may have others to turn to: told to stop, it first lets the
	// proxy find that out, and gives requests under way more time.
	HandOver bool

	http    *http.Server
	leaving *leaving
	tls     *certificate // nil: plain HTTP, as behind a proxy
}

// NewServer makes the server of handler. certFile and keyFile, both or neither, give it TLS and HTTP/2.
func NewServer(handler http.Handler, certFile, keyFile string, log *slog.Logger) (*Server, error) {
	leaving := &leaving{next: handler}
	s := &Server{leaving: leaving, http: &http.Server{
		Handler:           leaving,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: 250,
			// A peer that is gone answers no ping; without these its streams would stay until a write fails.
			SendPingTimeout:  15 * time.Second,
			PingTimeout:      15 * time.Second,
			WriteByteTimeout: 30 * time.Second,
		},
	}}
	switch {
	case certFile == "" && keyFile == "":
		return s, nil
	case certFile == "" || keyFile == "":
		return nil, errors.New("TLS_CERT and TLS_KEY belong together: set both or neither")
	}
	cert, err := loadCertificate(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("TLS_CERT and TLS_KEY: %w", err)
	}
	s.tls = cert
	s.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: cert.get}
	return s, nil
}

// Listen opens address for Serve. Keep-alives find within a minute the peers that went without a word.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	config := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 3,
	}}
	listener, err := config.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("LISTEN_ADDR: cannot listen on %s: another program, perhaps another AutoCRM, does already; stop it or name another address", address)
	}
	if err != nil {
		return nil, fmt.Errorf("LISTEN_ADDR: cannot listen on %s: %w", address, err)
	}
	return listener, nil
}

// Serve answers until ctx ends, then stops in order: endStreams first, since Shutdown waits for them and does
// not tell them; with HandOver, meanwhile, new requests are led elsewhere; then what is under way gets its
// grace; then whatever is left is cut.
func (s *Server) Serve(ctx context.Context, listener net.Listener, endStreams func()) error {
	failed := make(chan error, 1)
	go func() {
		if s.tls != nil {
			failed <- s.http.ServeTLS(listener, "", "")
		} else {
			failed <- s.http.Serve(listener)
		}
	}()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	patience, over := grace, time.After(0)
	if s.HandOver {
		patience, over = underWay, time.After(handover)
		s.leaving.told.Store(true)
	}
	endStreams()
	<-over
	graceful, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := s.http.Shutdown(graceful); err != nil {
		s.http.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
