package browser

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"autocrm/store"
)

// TestProxies is the same conversation through everything that AutoCRM is said to run behind, each with its file of
// deploy/: both sides are live within 5 s, over the protocol that is meant, see each other's words within a second,
// and are live again, with what they missed, within 10 s of a restart of the server. The proxy meanwhile answers in
// the server's place, and must not go on doing so.
func TestProxies(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, protocol string }{
		{"direct", "http/1.1"}, {"direct TLS", "h2"}, {"nginx", "h2"}, {"haproxy", "h2"}, {"apache", "h2"}, {"caddy", "h2"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var s *site
			switch row.name {
			case "direct":
				s = development(t)
			case "direct TLS":
				s = secure(t)
			default:
				s = behind(t, row.name)
			}
			number := s.submit(t, "The radiator is cold")
			path := fmt.Sprintf("/tickets/%d", number)
			cora, ann := s.signedIn(t, store.Client, "cora@example.com"), s.signedIn(t, store.Agent, "ann@example.com")
			for _, p := range []*Person{cora, ann} {
				p.allow("answered 502", "answered 503") // while nothing stands behind the proxy
				p.Open(path)
				start := time.Now()
				p.within(t, 5*time.Second, start, "live")
				p.mark()
				if got := JS[string](p, "performance.getEntriesByType('navigation')[0].nextHopProtocol"); got != row.protocol {
					t.Errorf("%s is reached over %s", p.name, got)
				}
			}

			var all times
			for _, said := range []struct {
				from, to *Person
				words    string
			}{{ann, cora, "Since when?"}, {cora, ann, "Since Monday."}, {ann, cora, "In which room?"}, {cora, ann, "In all of them."}} {
				said.from.Fill("Reply", said.words)
				all.see(t, said.from, "POST", path+"/replies", func() { said.from.Click("Send reply") }, said.to.watchText(said.words))
			}
			settled(t, cora, ann)
			all.within(t, time.Second)

			s.restart(syscall.SIGTERM, func() {
				cora.ExpectState("reconnecting")
				ann.ExpectState("reconnecting")
				s.reply(t, number, "Said meanwhile.")
			})
			start := time.Now()
			for _, p := range []*Person{cora, ann} {
				p.within(t, 10*time.Second, start, "live")
				if !JS[bool](p, reads("Said meanwhile.")) {
					t.Errorf("%s is live and does not have what was said", p.name)
				}
			}
			settled(t, cora, ann)
		})
	}
}

// within waits for a state, says after what time it was there, and holds that this was in time.
func (p *Person) within(t *testing.T, limit time.Duration, since time.Time, state string) {
	t.Helper()
	p.ExpectState(state)
	took := time.Since(since)
	t.Logf("%s is %s after %d ms", p.name, state, took.Milliseconds())
	if took > limit {
		t.Errorf("%s: that is not within %s", p.name, limit)
	}
}
