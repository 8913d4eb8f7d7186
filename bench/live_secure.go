package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// certificate is what both sides serve TLS with.
type certificate struct{ cert, key string }

func newCertificate(dir string) (c certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"*.localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return c, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return c, err
	}
	c = certificate{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	return c, errors.Join(
		os.WriteFile(c.cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600),
		os.WriteFile(c.key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
}

// measureSecure: what a stream costs over TLS and HTTP/2, where each reader has a connection of their own, as browsers do.
func measureSecure(ctx context.Context, s side) error {
	before := memory(s.process())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	greeted, knocking := make(chan error, readers), make(chan struct{}, 50)
	begun := time.Now()
	for i := range readers {
		go func() {
			knocking <- struct{}{}
			body, err := openSecure(ctx, s, i)
			<-knocking
			greeted <- err
			if err == nil {
				io.Copy(io.Discard, body)
			}
		}()
	}
	for range readers {
		if err := <-greeted; err != nil {
			return err
		}
	}
	took := time.Since(begun)
	wait(ctx, settle)
	fmt.Printf("  %-10s memory %5.1f KB a stream (all open in %.1f s)\n", s.name(), float64(memory(s.process())-before)/readers, took.Seconds())
	return nil
}

// openSecure returns once the greeting has come.
func openSecure(ctx context.Context, s side, reader int) (io.Reader, error) {
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} // it is ours
	plain, err := http.ReadRequest(bufio.NewReader(strings.NewReader(s.request(reader, ""))))
	if err != nil {
		return nil, err
	}
	request := plain.WithContext(ctx)
	request.RequestURI, request.URL.Scheme, request.URL.Host = "", "https", s.address()
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if answer.ProtoMajor != 2 || answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %s over %s", answer.Status, answer.Proto)
	}
	for lines := bufio.NewReader(answer.Body); ; {
		line, err := lines.ReadString('\n')
		if err != nil || line == "event: hello\n" {
			return lines, err
		}
	}
}
