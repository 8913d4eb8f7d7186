package web

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// certificate reads its files anew when they change: certificates are renewed every few weeks, and a renewal
// that needs a restart is one that somebody forgets.
type certificate struct {
	certFile, keyFile string

	mu      sync.Mutex
	current *tls.Certificate
	changed time.Time // of the files that current was read from
	looked  time.Time
}

func loadCertificate(certFile, keyFile string) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, err
	}
	c.current, c.changed, c.looked = &pair, c.modified(), time.Now()
	return c, nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) < time.Minute {
		return c.current, nil
	}
	c.looked = time.Now()
	if changed := c.modified(); changed.After(c.changed) {
		// Half-written or mismatched files keep the old pair, and are looked at again in a minute.
		if pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile); err == nil {
			c.current, c.changed = &pair, changed
		}
	}
	return c.current, nil
}

// modified is when the younger of the two files was written.
func (c *certificate) modified() (latest time.Time) {
	for _, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil && info.ModTime().After(latest) {
			latest = info.ModTime()
		}
	}
	return latest
}
