package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"autocrm/deploy/deploytest"
	"autocrm/migrations"
	"autocrm/realtime"
	"autocrm/store"
	"autocrm/store/storetest"
	"autocrm/web"

	"github.com/prometheus/client_golang/prometheus"
)

func TestMain(m *testing.M) { storetest.Main(m) }

// shortPace waits for no heartbeat, and not for long where nothing comes.
var shortPace = pace{whole: 30 * time.Second, ask: 10 * time.Second, hello: 2 * time.Second, change: 2 * time.Second, bye: 1500 * time.Millisecond}

// setup is a deployment, and what is wrong with it.
type setup struct {
	https     bool
	proxy     func(r *http.Request, p *deploytest.Proxy) // nil: the app is reached directly
	trusted   string
	listenURL func(t *testing.T) string
	names     []string // of the certificate
	until     time.Duration
	http1     bool
	noAdmin   bool
	own       bool             // the desk is not shared with others: its database is spoiled, or it trusts nobody
	plain     http.HandlerFunc // what answers on port 80
	pace      pace
	spoil     func(t *testing.T, db *storetest.DB, o *Options)
}

// desk is the product on a database of its own, as far as no request has come yet.
type desk struct {
	db      *storetest.DB
	options Options
	handler http.Handler
}

// newDesk runs the product as s says.
func newDesk(t *testing.T, s setup) *desk {
	t.Helper()
	d := &desk{db: storetest.New(t)}
	if !s.noAdmin {
		d.db.Person(t, store.Admin, "adam@example.com")
	}
	d.options = Options{
		Portals: map[store.Role]*url.URL{}, Secrets: [][]byte{[]byte("a secret of thirty-two bytes or so")},
		DatabaseURL: d.db.URL, OwnerURL: d.db.OwnerURL, Files: d.db.Files, Migrations: migrations.Versions(), EventRetention: store.EventRetention,
	}
	for _, role := range store.Roles {
		d.options.Portals[role] = &url.URL{Scheme: "http", Host: string(role) + ".localhost"}
		if s.https {
			d.options.Portals[role] = &url.URL{Scheme: "https", Host: string(role) + ".autocrm.test"}
		}
	}
	if s.listenURL != nil {
		d.options.ListenURL = s.listenURL(t)
	}
	d.handler = app(t, d.db, s, d.options)
	t.Cleanup(func() {
		var left int
		if err := d.db.Owner.QueryRow(context.Background(), `
			SELECT (SELECT count(*) FROM users WHERE email <> 'adam@example.com') + (SELECT count(*) FROM tickets)
				+ (SELECT count(*) FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email <> 'adam@example.com')`).Scan(&left); err != nil || left != 0 {
			t.Errorf("%d rows are left behind, %v", left, err)
		}
	})
	return d
}

// examine has the doctor look at the desk, with what s puts before it.
func (d *desk) examine(t *testing.T, s setup) Report {
	t.Helper()
	o := d.options
	o.pace = s.pace
	if o.pace == (pace{}) {
		o.pace = shortPace
	}
	front := httptest.NewUnstartedServer(d.handler)
	t.Cleanup(front.Close)
	if s.proxy != nil {
		back := httptest.NewServer(d.handler)
		t.Cleanup(back.Close)
		t.Cleanup(back.CloseClientConnections)
		front.Config.Handler = &deploytest.Proxy{Target: back.Listener.Addr().String(), Fault: s.proxy}
	}
	if s.https {
		s.secure(t, front, &o)
	} else {
		front.Start()
		o.Portals = map[store.Role]*url.URL{}
		for role, address := range d.options.Portals {
			o.Portals[role] = &url.URL{Scheme: "http", Host: address.Host + ":" + port(front.Listener)}
		}
	}
	t.Cleanup(front.CloseClientConnections)
	if s.spoil != nil {
		s.spoil(t, d.db, &o)
	}
	report := Examine(t.Context(), o)
	var text strings.Builder
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	t.Log(text.String())
	return report
}

// app is the product's router with its hub, on db.
func app(t *testing.T, db *storetest.DB, s setup, o Options) http.Handler {
	t.Helper()
	events, err := store.OpenEventLog(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(events.Close)
	log, registry := slog.New(slog.DiscardHandler), prometheus.NewRegistry()
	listen := o.ListenURL
	if listen == "" {
		listen = db.URL
	}
	hub, err := realtime.New(realtime.Options{Log: events, Store: db.Store, ListenURL: listen, Secrets: []string{string(o.Secrets[0])}, Logger: log, Metrics: registry})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		hub.Run(ctx) //nolint:errcheck // it returns none
	}()
	t.Cleanup(func() { stop(); <-ended })
	config := web.Config{Portals: o.Portals, SecretKeys: o.Secrets, SignUpOpen: true}
	if s.trusted != "" {
		config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(s.trusted)}
	}
	handler, err := web.New(config, web.Deps{Store: db.Store, Live: hub, Log: log, Metrics: registry})
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); !hub.Status().Ready || hub.Status().Listener != realtime.Connected; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the hub does not become ready")
		}
	}
	return handler
}

// secure gives front TLS with a certificate as s says, and lets o find both ports by the portals' names.
func (s setup) secure(t *testing.T, front *httptest.Server, o *Options) {
	t.Helper()
	names := s.names
	if names == nil {
		names = []string{"*.autocrm.test"}
	}
	life := s.until
	if life == 0 {
		life = 60*24*time.Hour + time.Hour
	}
	certificate, roots := newCertificate(t, names, time.Now().Add(life))
	front.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	front.EnableHTTP2 = !s.http1
	front.StartTLS()
	plainHandler := s.plain
	if plainHandler == nil {
		plainHandler = func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusMovedPermanently)
		}
	}
	plain := httptest.NewServer(plainHandler)
	t.Cleanup(plain.Close)
	o.Roots = roots
	o.reachAt(front.Listener.Addr().String(), plain.Listener.Addr().String())
}

// reachAt finds every name at two addresses, by the port.
func (o *Options) reachAt(secure, plain string) {
	o.Resolve = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		to := secure
		if strings.HasSuffix(address, ":80") {
			to = plain
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}
}

func newCertificate(t *testing.T, names []string, until time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "autocrm.test"}, DNSNames: names,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

func port(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
