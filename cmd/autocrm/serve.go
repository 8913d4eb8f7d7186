package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"autocrm/doctor"
	"autocrm/migrations"
	"autocrm/realtime"
	"autocrm/store"
	"autocrm/web"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

type serveCommand struct {
	databaseFlags `embed:""`
	portalFlags   `embed:""`
	logFlags      `embed:""`

	DatabaseListenURL string        `env:"DATABASE_LISTEN_URL" name:"database-listen-url" help:"The same database past a transaction pooler, for LISTEN (DATABASE_URL)."`
	SecretKey         string        `env:"SECRET_KEY" name:"secret-key" help:"Comma-separated keys, newest first; none: one is made and kept in DATA_DIR."`
	TrustedProxies    string        `env:"TRUSTED_PROXIES" name:"trusted-proxies" help:"Addresses or ranges of proxies that may say who the caller is."`
	MetricsAddr       string        `env:"METRICS_ADDR" name:"metrics-addr" help:"Address to serve Prometheus metrics on; none: not served."`
	ClientSignup      string        `env:"CLIENT_SIGNUP" name:"client-signup" default:"open" help:"open, or invited: customers need an invitation."`
	InvitationLife    time.Duration `env:"INVITATION_LIFE" name:"invitation-life" default:"24h" help:"How long an invitation's link works."`
	Demo              bool          `help:"Fill an empty database with demo data first."`
}

// Run serves until ctx is done, and leaves no process behind.
func (c *serveCommand) Run(ctx context.Context) error {
	log, err := c.logger()
	if err != nil {
		return err
	}
	slog.SetDefault(log)
	config, err := c.config()
	if err != nil {
		return err
	}
	// Taken before anything is started: a port in use is the likeliest mistake, and the cheapest to find.
	listener, err := web.Listen(ctx, c.ListenAddr)
	if err != nil {
		return err
	}
	defer listener.Close()
	var metrics net.Listener
	if c.MetricsAddr != "" {
		if metrics, err = net.Listen("tcp", c.MetricsAddr); err != nil {
			return fmt.Errorf("METRICS_ADDR: cannot listen on %s: %w", c.MetricsAddr, err)
		}
		defer metrics.Close()
	}

	deployment, err := c.deploy(ctx, false, say)
	if err != nil {
		return err
	}
	defer deployment.close()
	listenURL := toPrimary(c.DatabaseListenURL)
	if listenURL != "" {
		if err := reach(ctx, "DATABASE_LISTEN_URL", listenURL); err != nil {
			return err
		}
	}
	secrets, err := secretKeys(c.SecretKey, c.DataDir)
	if err != nil {
		return err
	}
	for _, secret := range secrets {
		config.SecretKeys = append(config.SecretKeys, []byte(secret))
	}
	if c.Demo {
		if err := store.Demo(ctx, deployment.url, deployment.files); err != nil {
			return err
		}
	}

	st, err := store.Open(ctx, deployment.url, deployment.files, store.Limits{InvitationLife: c.InvitationLife})
	if err != nil {
		return err
	}
	defer st.Close()
	events, err := store.OpenEventLog(ctx, deployment.url)
	if err != nil {
		return err
	}
	defer events.Close()
	upkeep, err := store.OpenUpkeep(ctx, deployment.url, deployment.files, c.EventRetention)
	if err != nil {
		return err
	}
	defer upkeep.Close()
	health, err := store.OpenHealthLog(ctx, deployment.url)
	if err != nil {
		return err
	}
	defer health.Close()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	hub, err := realtime.New(realtime.Options{
		Log: events, Store: st, ListenURL: firstOf(listenURL, deployment.url),
		Secrets: secrets, Logger: log, Metrics: registry,
	})
	if err != nil {
		return err
	}
	// The background outlives the requests: a stream is told goodbye by a hub that still runs.
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	defer group.Wait()
	defer stopBackground()
	examiner := &examiner{log: health, background: background, group: &group, logger: log, options: doctor.Options{
		Portals: config.Portals, Secrets: config.SecretKeys, Migrations: migrations.Versions(), Files: deployment.files,
		DatabaseURL: deployment.url, OwnerURL: deployment.ownerURL, ListenURL: listenURL,
		EventRetention: c.EventRetention,
	}}
	handler, err := web.New(config, web.Deps{Store: st, Live: hub, Examine: examiner.examine, Log: log, Metrics: registry})
	if err != nil {
		return err
	}

	server, err := web.NewServer(handler, c.TLSCert, c.TLSKey, log)
	if err != nil {
		return err
	}
	server.HandOver = len(config.TrustedProxies) > 0

	group.Go(func() { _ = hub.Run(background) })
	group.Go(func() { upkeep.Run(background, log) })
	group.Go(func() { upkeep.RunDue(background, log) })
	group.Go(func() { hub.Report(background, health, nodeName()) })
	if metrics != nil {
		group.Go(func() { serveMetrics(background, metrics, web.Metrics(registry)) })
	}

	serving, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if deployment.private != nil {
		go func() {
			select {
			case <-deployment.private.Done():
				stop(fmt.Errorf("the private PostgreSQL has ended: %w", deployment.private.Err()))
			case <-serving.Done():
			}
		}()
	}
	if err := c.announce(ctx, os.Stdout, config.Portals, deployment); err != nil {
		return err
	}
	if err := server.Serve(serving, listener, hub.Shutdown); err != nil {
		return err
	}
	if cause := context.Cause(serving); !errors.Is(cause, context.Canceled) {
		return cause
	}
	say("stopped")
	return nil
}

func serveMetrics(ctx context.Context, listener net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { server.Close() })
	_ = server.Serve(listener)
}

func (c *serveCommand) config() (config web.Config, err error) {
	if err := c.check(); err != nil {
		return config, err
	}
	if err := checkDatabaseURL("DATABASE_LISTEN_URL", c.DatabaseListenURL); err != nil {
		return config, err
	}
	if config.Portals, err = c.portals(); err != nil {
		return config, err
	}
	if config.TrustedProxies, err = trustedProxies(c.TrustedProxies); err != nil {
		return config, err
	}
	switch c.ClientSignup {
	case "open", "invited":
		config.SignUpOpen = c.ClientSignup == "open"
	default:
		return config, fmt.Errorf("CLIENT_SIGNUP %q is neither open nor invited", c.ClientSignup)
	}
	if c.InvitationLife < time.Minute || c.InvitationLife > 30*24*time.Hour {
		return config, fmt.Errorf("INVITATION_LIFE %s is not between 1m and 720h", c.InvitationLife)
	}
	config.Development = true
	for _, portal := range config.Portals {
		config.Development = config.Development && portal.Scheme == "http"
	}
	// These are read again when they are used; here they only stop a start that could not succeed.
	if c.SecretKey != "" {
		if _, err := secretKeys(c.SecretKey, ""); err != nil {
			return config, err
		}
	}
	_, err = web.NewServer(nil, c.TLSCert, c.TLSKey, slog.Default())
	return config, err
}

// announce tells where the portals are and how to get in, in one piece: no line of the log falls into it.
func (c *serveCommand) announce(ctx context.Context, out io.Writer, portals map[store.Role]*url.URL, d *deployment) error {
	w := &bytes.Buffer{}
	fmt.Fprintf(w, "\nAutoCRM %s is running:\n\n", currentVersion())
	for _, role := range store.Roles {
		fmt.Fprintf(w, "  %-8s %s\n", role, portals[role])
	}
	if c.Demo {
		fmt.Fprint(w, "\nSign in with:\n\n")
		store.PrintDemo(w)
	}
	token, err := store.InviteFirstAdmin(ctx, d.url, c.InvitationLife)
	if err != nil {
		return err
	}
	if token != "" {
		fmt.Fprintf(w, "\nThere is no admin yet. This link makes the first one, once, within %s:\n\n  %s/signup?token=%s\n",
			c.InvitationLife, portals[store.Admin], token)
	}
	fmt.Fprint(w, "\nCtrl-C stops it.\n\n")
	_, err = w.WriteTo(out)
	return err
}

// say shows a person at the terminal what is being waited for.
func say(sentence string) { fmt.Fprintln(os.Stderr, "autocrm:", sentence) }

// nodeName is this process's, among all that serve the deployment.
func nodeName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "node"
	}
	return fmt.Sprintf("%s-%04x", host, rand.N(1<<16))
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
