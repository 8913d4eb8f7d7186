package chaos

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"autocrm/deploy/deploytest"
	"autocrm/store"
	"autocrm/store/storetest"
)

// rig is one deployment at work: a database, the wire to it, nodes, people who write and pages that watch.
type rig struct {
	t     *testing.T
	db    *database
	wire  *wire // between the nodes and the database
	nodes []*node
	files string // the folder of the attachments, one for all nodes

	port   string                 // of the portals' addresses, as people type them
	front  atomic.Pointer[string] // where that leads: a node, or what stands before several
	secret string

	customers, agents []*person
	admin             *person
	watchers          []*watcher
	ledger            ledger
	pens              []*pen // the writers
	uploading         atomic.Int64
}

// setup is what rigs differ in. The zero value is a node on a database of the common server.
type setup struct {
	db       *database
	nodes    int
	files    string
	settings []string          // of every node, NAME=value
	front    func(*rig) string // starts what stands before the nodes; nil: people reach the first node itself
}

// newRig starts everything but the writers. The pages are live when it returns.
func newRig(t *testing.T, s setup) *rig {
	t.Helper()
	dir := t.TempDir()
	if s.db == nil {
		s.db = sharedDatabase(t)
	}
	if s.files == "" {
		s.files = filepath.Join(dir, "files")
	}
	r := &rig{t: t, db: s.db, files: s.files, secret: rand.Text() + rand.Text()}
	r.wire = newWire(t, s.db.dial)
	_, r.port, _ = net.SplitHostPort(deploytest.FreeAddress(t))
	for i := range max(1, s.nodes) {
		r.nodes = append(r.nodes, r.newNode(filepath.Join(dir, fmt.Sprintf("node-%d", i+1)), s.settings))
	}
	r.lead(r.nodes[0].address)
	for _, n := range r.nodes {
		n.start()
	}
	if s.front != nil {
		r.lead(s.front(r))
	}
	r.settleIn()
	t.Cleanup(func() {
		r.rest()
		for _, w := range r.watchers {
			w.close()
		}
	})
	return r
}

// lead has whoever connects from now on come out at address.
func (r *rig) lead(address string) { r.front.Store(&address) }

// node is one `autocrm serve`.
type node struct {
	*deploytest.Process
	address string
}

func (r *rig) newNode(dir string, settings []string) *node {
	r.t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
	n := &node{address: deploytest.FreeAddress(r.t)}
	env := []string{
		"HOME=" + dir, "PATH=" + os.Getenv("PATH"),
		"DATA_DIR=" + filepath.Join(dir, "data"), "BLOB_URL=file://" + r.files,
		"LISTEN_ADDR=" + n.address, "SECRET_KEY=" + r.secret,
		"DATABASE_URL=" + r.db.through(r.wire, "autocrm_web"), "DATABASE_OWNER_URL=" + r.db.through(r.wire, "postgres"),
	}
	for _, role := range store.Roles {
		env = append(env, fmt.Sprintf("%s_URL=%s", strings.ToUpper(string(role)), r.portal(role)))
	}
	n.Process = &deploytest.Process{T: r.t, Path: binary, Args: []string{"serve"}, Env: append(env, settings...), Log: filepath.Join(dir, "log"), Patience: endsWithin}
	r.t.Cleanup(func() {
		if said := n.Said(); strings.Contains(said, "DATA RACE") || strings.Contains(said, "panic") {
			r.t.Errorf("a node raced or panicked:\n%s", n.Tail(200))
		} else if r.t.Failed() {
			r.t.Logf("---- %s:\n%s", filepath.Base(dir), n.Tail(30))
		}
	})
	return n
}

// portal is the public address of a portal.
func (r *rig) portal(role store.Role) string {
	return fmt.Sprintf("http://%s.localhost:%s", role, r.port)
}

// start starts the node, or starts it again, and waits until it is ready.
func (n *node) start() {
	n.T.Helper()
	n.Process.Start()
	until(n.T, "a node is ready", patience, func() bool {
		if n.Ended() {
			n.T.Fatalf("a node ended:\n%s", n.Tail(20))
		}
		return n.ready()
	})
}

// ready asks the node itself, past whatever stands before it.
func (n *node) ready() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	request, _ := http.NewRequestWithContext(ctx, "GET", "http://"+n.address+"/readyz", nil)
	request.Host = "client.localhost"
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// settleIn makes the people, a first ticket for each customer, and the pages that watch.
func (r *rig) settleIn() {
	r.t.Helper()
	for _, name := range []string{"cora", "carl", "chloe"} {
		r.customers = append(r.customers, r.person(store.Client, name))
	}
	for _, name := range []string{"ann", "abe"} {
		r.agents = append(r.agents, r.person(store.Agent, name))
	}
	r.admin = r.person(store.Admin, "adam")
	for _, c := range r.customers {
		// The quiet ticket: no writer touches it, so that the rig can always say something there.
		c.quiet = one[int64](r.t, r.db, `INSERT INTO tickets (client_id, subject, description)
			VALUES ($1, 'Quiet', 'Nobody writes here.') RETURNING number`, c.id)
	}
	r.watch(r.customers[0], streaming)
	r.watch(r.customers[0], polling)
	r.watch(r.customers[1], streaming)
	r.watch(r.agents[0], streaming)
	r.watch(r.agents[1], streaming)
	r.watch(r.agents[1], polling)
	r.watch(r.admin, streaming)
	until(r.t, "every page is live", patience, r.allLive)
}

func (r *rig) allLive() bool {
	for _, w := range r.watchers {
		if w.state() != live {
			return false
		}
	}
	return true
}

// person makes somebody, signed in by the form of the portal.
func (r *rig) person(role store.Role, name string) *person {
	r.t.Helper()
	p := &person{r: r, role: role, name: name, email: name + "@example.com"}
	p.id = one[string](r.t, r.db, `INSERT INTO users (email, full_name, user_role, password_hash)
		VALUES ($1, $2, $3, $4) RETURNING id::text`, p.email, name, role, storetest.PasswordHash())
	p.connect()
	if err := p.signIn(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	return p
}
