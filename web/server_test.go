package web_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autocrm/web"
)

// stream answers until stopped is closed, as the hub does.
func stream(stopped <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto+" hello\n")
		http.NewResponseController(w).Flush()
		select {
		case <-stopped:
			io.WriteString(w, "bye\n")
		case <-r.Context().Done():
		}
	})
}

func serve(t *testing.T, handler http.Handler, cert, key string, endStreams func()) (address string, stop func() (time.Duration, error)) {
	t.Helper()
	server, err := web.NewServer(handler, cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := web.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, listener, endStreams) }()
	return listener.Addr().String(), func() (time.Duration, error) {
		began := time.Now()
		cancel()
		err := <-done
		return time.Since(began), err
	}
}

func TestAStopEndsTheStreamsFirst(t *testing.T) {
	t.Parallel()
	stopped := make(chan struct{})
	address, stop := serve(t, stream(stopped), "", "", func() { close(stopped) })
	var readers []*bufio.Reader
	for range 200 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		io.WriteString(conn, "GET /live HTTP/1.1\r\nHost: x\r\n\r\n")
		reader := bufio.NewReader(conn)
		for line := ""; !strings.HasPrefix(line, "HTTP/1.1 hello"); {
			if line, err = reader.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		readers = append(readers, reader)
	}
	took, err := stop()
	if err != nil || took > time.Second {
		t.Errorf("the stop took %s: %v", took, err)
	}
	for _, reader := range readers {
		if rest, _ := io.ReadAll(reader); !strings.Contains(string(rest), "bye") {
			t.Fatalf("a stream was cut without a word: %q", rest)
		}
	}
}

func TestAStopWaitsForNobodyForLong(t *testing.T) {
	t.Parallel()
	address, stop := serve(t, stream(nil), "", "", func() {}) // streams that do not listen
	response, err := http.Get("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if took, err := stop(); err != nil || took > 2*time.Second {
		t.Errorf("the stop took %s: %v", took, err)
	}
}

func TestAPortInUseIsOneSentence(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = web.Listen(t.Context(), taken.Addr().String())
	if err == nil || !strings.HasPrefix(err.Error(), "LISTEN_ADDR: cannot listen on "+taken.Addr().String()) {
		t.Error(err)
	}
}

func TestTLSSpeaksHTTP2(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, pool := certificate(t, dir)
	stopped := make(chan struct{})
	address, stop := serve(t, stream(stopped), cert, key, func() { close(stopped) })
	for proto, http2 := range map[string]bool{"HTTP/2.0": true, "HTTP/1.1": false} {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: http2}}
		response, err := client.Get("https://" + address)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		line, err := bufio.NewReader(response.Body).ReadString('\n')
		if err != nil || line != proto+" hello\n" {
			t.Errorf("%q %v, want %s", line, err, proto)
		}
	}
	old := &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", address, old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	if took, err := stop(); err != nil || took > 2*time.Second {
		t.Errorf("the stop took %s: %v", took, err)
	}
}

func TestAHalfConfiguredCertificateIsNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, _ := certificate(t, dir)
	for _, files := range [][2]string{{cert, ""}, {"", key}, {cert, cert}, {filepath.Join(dir, "none"), key}} {
		if _, err := web.NewServer(http.NotFoundHandler(), files[0], files[1], slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "TLS_CERT and TLS_KEY") {
			t.Errorf("%v: %v", files, err)
		}
	}
}

func certificate(t *testing.T, dir string) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	pool = x509.NewCertPool()
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(parsed)
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key, pool
}
