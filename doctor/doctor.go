// Package doctor examines a running deployment from outside, through its public addresses, and from inside,
// through its database: what is wrong, why, and what to do about it. It repairs nothing and leaves nothing
// behind. Start with Examine; the probes stand by subject in names.go, request.go, forms.go, stream.go, poll.go
// and database.go, and report.go is what becomes of them.
package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"sync"
	"time"

	"autocrm/store"
	"autocrm/web/auth"

	"gocloud.dev/blob"
)

// Options say which deployment. The first block is required.
type Options struct {
	Portals        map[store.Role]*url.URL // CLIENT_URL, AGENT_URL, ADMIN_URL
	Secrets        [][]byte                // SECRET_KEY, newest first
	DatabaseURL    string
	Migrations     []int64 // what a current database has
	EventRetention time.Duration

	OwnerURL  string       // DATABASE_OWNER_URL; "": DatabaseURL
	ListenURL string       // DATABASE_LISTEN_URL; "": DatabaseURL
	Files     *blob.Bucket // where the attachments are; nil: FilesErr says why not
	FilesErr  error

	// How names are found and whom certificates must be signed by; nil: as the system says.
	Resolve func(ctx context.Context, host string) ([]string, error)
	Dial    func(ctx context.Context, network, address string) (net.Conn, error)
	Roots   *x509.CertPool

	pace pace // the zero value: usualPace
}

// pace is how long the doctor waits for things; tests shorten it.
type pace struct {
	whole     time.Duration // everything
	ask       time.Duration // one ordinary request, and each look into the database
	hello     time.Duration // the beginning of a stream: beyond it, the stream is ended to see whether it comes then
	change    time.Duration // a change
	heartbeat time.Duration // the next ping; the server sends one every 15 s. 0: not waited for
	bye       time.Duration // a stream's end after signing out
}

var usualPace = pace{
	whole: 40 * time.Second, ask: 6 * time.Second, hello: 11 * time.Second, change: 5 * time.Second,
	heartbeat: 16500 * time.Millisecond, bye: 3 * time.Second,
}

// doctor is one examination.
type doctor struct {
	Options
	portals map[store.Role]*portal
	probes  *store.Probes
	ready   chan struct{} // closed when the probes are there, or cannot be
	report  *collector
}

// portal is one of the three, as the doctor knows it.
type portal struct {
	role    store.Role
	url     *url.URL
	subject string // what findings call it
	gate    *auth.Gate
	client  *client
	token   []byte // of the probe's session
	noProbe error  // why there is none
}

// Examine looks at everything at once and returns within about 40 s, also where nothing answers.
func Examine(ctx context.Context, o Options) Report {
	began := time.Now()
	if o.pace == (pace{}) {
		o.pace = usualPace
	}
	if o.OwnerURL == "" {
		o.OwnerURL = o.DatabaseURL
	}
	if o.ListenURL == "" {
		o.ListenURL = o.DatabaseURL
	}
	whole, cancel := context.WithTimeout(ctx, o.pace.whole)
	defer cancel()
	d := &doctor{Options: o, portals: map[store.Role]*portal{}, ready: make(chan struct{}), report: &collector{}}
	for _, role := range store.Roles {
		p := &portal{role: role, url: o.Portals[role], subject: o.Portals[role].Host}
		p.gate = auth.NewGate(&store.Store{Limits: store.DefaultLimits}, role, p.url, o.Secrets)
		p.client = newClient(o, p.url)
		defer p.client.close()
		d.portals[role] = p
	}
	var group sync.WaitGroup
	group.Go(func() { d.startProbes(whole) })
	group.Go(func() { d.examineDatabase(whole) })
	group.Go(func() { d.examineFiles(whole) })
	for _, p := range d.portals {
		group.Go(func() { d.examinePortal(whole, p) })
	}
	group.Wait()
	d.removeProbes(ctx)
	return d.report.finish(d.portals, time.Since(began))
}

// removeProbes runs also after a Ctrl-C, which has ended ctx.
func (d *doctor) removeProbes(ctx context.Context) {
	if d.probes == nil {
		return
	}
	defer d.probes.Close()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := d.probes.Remove(ctx); err != nil {
		d.report.add(inDatabase("probes", Error, "The doctor's own probes could not be removed: "+oneLine(err)+".",
			"They have no password, stand in no list, and their sessions end within two minutes.",
			"Nothing need be done: AutoCRM removes them within the hour, once it can."))
	}
}

// startProbes signs a probe in at each portal. The client's comes first: the canaries are its.
func (d *doctor) startProbes(ctx context.Context) {
	defer close(d.ready)
	ctx, cancel := context.WithTimeout(ctx, d.pace.ask)
	defer cancel()
	probes, err := store.OpenProbes(ctx, d.DatabaseURL)
	if err != nil {
		for _, p := range d.portals {
			p.noProbe = err
		}
		return
	}
	d.probes = probes
	for _, role := range store.Roles {
		p := d.portals[role]
		p.token, p.noProbe = probes.Start(ctx, role)
	}
	if err := d.portals[store.Client].noProbe; err != nil {
		for _, p := range d.portals {
			p.noProbe = errors.Join(p.noProbe, err) // no canary for anybody
		}
	}
}

func (d *doctor) examinePortal(ctx context.Context, p *portal) {
	if !d.examineName(ctx, p) || !d.examineRequest(ctx, p) {
		return
	}
	d.examineForms(ctx, p)
	select {
	case <-d.ready:
	case <-ctx.Done():
		return
	}
	switch {
	case errors.Is(p.noProbe, store.ErrNoAdmin):
		d.report.add(p.finding("stream", Warning, "There is no admin yet, so the stream was not tried here.",
			"A probe would be the only admin, and the last admin cannot be removed.",
			"Make the first one with the link that `autocrm serve` printed, or with `autocrm create-admin EMAIL`."))
	case p.noProbe != nil:
		d.report.add(p.finding("stream", Error, "The stream was not tried: there is no probe to open it as.",
			sentence(oneLine(p.noProbe)), "See what is said of the database."))
	default:
		d.examineStream(ctx, p)
	}
}

// finding is one about this portal.
func (p *portal) finding(check string, level Level, sentence, cause, cure string) Finding {
	return Finding{Subject: p.subject, Check: check, Level: level, Sentence: sentence, Cause: cause, Cure: cure}
}
