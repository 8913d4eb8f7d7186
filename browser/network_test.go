package browser

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"autocrm/store"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

func (p *Person) offline(yes bool) {
	p.t.Helper()
	conditions := []*network.Conditions{}
	if yes {
		conditions = append(conditions, &network.Conditions{Offline: true, DownloadThroughput: -1, UploadThroughput: -1})
	}
	do(p, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: conditions})
	do(p, network.OverrideNetworkState, network.OverrideNetworkStateParams{Offline: yes, DownloadThroughput: -1, UploadThroughput: -1})
}

// delayed has requests for what matches, or answers to them, come later by a while, until stop.
func (p *Person) delayed(pattern string, stage fetch.RequestStage, by time.Duration) (stop func()) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.ctx)
	if err := chromedp.Listen(ctx, func(event any) {
		if paused, ok := event.(*fetch.EventRequestPaused); ok {
			time.AfterFunc(by, func() {
				_, _ = chromedp.Call(p.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: paused.RequestID})
			})
		}
	}); err != nil {
		p.t.Fatal(err)
	}
	do(p, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: pattern, RequestStage: stage}}})
	return func() {
		p.t.Helper()
		do(p, fetch.Disable, struct{}{})
		cancel()
	}
}

// TestOffline loses the network and finds it again: the page says so, and has everything missed.
func TestOffline(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The window does not close")
	cora := s.signedIn(t, store.Client, "cora@example.com")
	cora.Open(fmt.Sprintf("/tickets/%d", number))
	live(cora)
	for i := range 3 {
		since := time.Now()
		cora.offline(true)
		cora.ExpectState("reconnecting")
		cora.Expect("Reconnecting…")
		s.reply(t, number, fmt.Sprintf("Missed %d.", i))
		if i == 2 { // long enough for the page to try the other way, too
			until(t, "it polls in vain", 30*time.Second, func() bool { return cora.asked("/live/poll", since) > 0 })
		}
		cora.offline(false)
		cora.ExpectLive()
		cora.Expect(fmt.Sprintf("Missed %d.", i))
	}
	settled(t, cora)
}

// TestRestart ends the server in both ways and starts it again: pages notice, come back by themselves, and have
// what happened meanwhile.
func TestRestart(t *testing.T) {
	for _, name := range []string{"development", "production"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deployments[name](t)
			number := s.submit(t, "The door does not open")
			people := []*Person{s.signedIn(t, store.Client, "cora@example.com"), s.signedIn(t, store.Agent, "ann@example.com")}
			for _, p := range people {
				p.allow("answered 502") // nginx, while nothing stands behind it
				p.Open(fmt.Sprintf("/tickets/%d", number))
			}
			live(people...)
			for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
				words := fmt.Sprintf("Said while the server was down by %d.", signal)
				s.restart(signal, func() {
					for _, p := range people {
						p.ExpectState("reconnecting")
					}
					s.reply(t, number, words)
				})
				for _, p := range people {
					p.ExpectLive()
					// Live means current: what is not there now was missed.
					if !JS[bool](p, reads(words)) {
						t.Errorf("%s is live without %q", p.name, words)
					}
				}
			}
			settled(t, people...)
		})
	}
}

// TestLeaving is a page that goes and comes back: hidden behind another tab, and by the browser's own buttons.
func TestLeaving(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The lamp flickers")
	path := fmt.Sprintf("/tickets/%d", number)
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	ann.Open(path)
	live(ann)

	other := ann.newTab("ann-2")
	other.Open("/queue")
	other.ExpectLive()
	ann.ExpectJS("document.hidden", "the first tab hidden")
	until(t, "a hidden tab gives its stream back", 15*time.Second, func() bool {
		open, _ := ann.streamsOpen()
		return open == 0
	})
	s.reply(t, number, "Said behind the tab.")
	do(ann, page.BringToFront, struct{}{})
	ann.ExpectLive()
	ann.Expect("Said behind the tab.")
	ann.unreloaded()
	leader(t, []*Person{ann, other})

	ann.Click("Queue")
	ann.ExpectPath("/queue")
	ann.ExpectLive()
	s.reply(t, number, "Said while elsewhere.")
	ann.traverse(-1)
	ann.ExpectPath(path)
	ann.ExpectLive()
	ann.Expect("Said while elsewhere.")
	leader(t, []*Person{ann, other})
}
