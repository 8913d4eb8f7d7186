package browser

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"autocrm/store"

	"github.com/chromedp/cdproto/page"
)

// measured is development with its metrics served; streams is how many streams the server holds.
func measured(t testing.TB) (s *site, streams func() int) {
	t.Helper()
	address := "127.0.0.1:" + freePort(t)
	return development(t, "METRICS_ADDR="+address), func() int { return streamsAt(t, address) }
}

func streamsAt(t testing.TB, metrics string) (n int) {
	t.Helper()
	answer, err := http.Get("http://" + metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, `autocrm_live_streams{kind="stream"`) {
			_, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
			open, err := strconv.ParseFloat(value, 64)
			if err != nil {
				t.Fatal(err)
			}
			n += int(open)
		}
	}
	return n
}

// leader waits until one of the windows, and no other, holds a stream.
func leader(t testing.TB, windows []*Person) (found *Person) {
	t.Helper()
	until(t, "one window leads", patience, func() bool {
		found = nil
		for _, w := range windows {
			if open, _ := w.streamsOpen(); open > 0 {
				if found != nil {
					return false
				}
				found = w
			}
		}
		return found != nil
	})
	return found
}

func without(windows []*Person, gone *Person) (rest []*Person) {
	for _, w := range windows {
		if w != gone {
			rest = append(rest, w)
		}
	}
	return rest
}

// cover opens a tab in front of the person's own; uncover closes it again.
func (p *Person) cover(path string) {
	p.t.Helper()
	JS[any](p, "void (window.cover = open("+quote(path)+"))")
	p.ExpectJS("document.hidden", "behind another tab")
}

func (p *Person) uncover() {
	p.t.Helper()
	do(p, page.BringToFront, struct{}{})
	p.ExpectJS("!document.hidden", "in front")
	JS[any](p, "window.cover.close()")
}

// freeze is what a browser does with a page that it wants nothing of for a while; thaw brings it to the front again.
func (p *Person) freeze() {
	p.t.Helper()
	do(p, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: page.SetWebLifecycleStateStateFrozen})
}

func (p *Person) thaw() {
	p.t.Helper()
	do(p, page.SetWebLifecycleState, page.SetWebLifecycleStateParams{State: page.SetWebLifecycleStateStateActive})
	p.cover("about:blank") // to Chromium it stays hidden until another was in front
	p.uncover()
}

const (
	marked   = `document.title.startsWith("(%d) ") && document.querySelector("link[rel=icon]").href.endsWith("-news.svg")`
	unmarked = `!document.title.startsWith("(") && !document.querySelector("link[rel=icon]").href.endsWith("-news.svg")`
)

// expectMarked waits until the tab says that n things happened on the page.
func (p *Person) expectMarked(within time.Duration, n int) {
	p.t.Helper()
	p.expect(within, fmt.Sprintf(marked, n), fmt.Sprintf("(%d) in the title", n))
}

// TestTwelveWindows opens twelve windows of one person over HTTP/1.1, where a browser has six connections for a
// portal: all load, all are live on one stream, and whichever of them goes, nothing is missed.
func TestTwelveWindows(t *testing.T) {
	t.Parallel()
	s, streams := measured(t)
	number := s.submit(t, "The desk wobbles")
	first := s.signedIn(t, store.Agent, "ann@example.com")
	windows := []*Person{first}
	for i := range 11 {
		windows = append(windows, s.open(t, first.ctx, fmt.Sprintf("ann-%d", i+2), store.Agent))
	}
	var loads times
	for _, w := range windows {
		w.Open(fmt.Sprintf("/tickets/%d", number))
		w.ExpectLive()
		w.mark()
		ms := JS[float64](w, "performance.getEntriesByType('navigation')[0].loadEventEnd")
		loads = append(loads, time.Duration(ms*float64(time.Millisecond)))
	}
	loads.within(t, 2*time.Second)

	told := func(words string) {
		t.Helper()
		var sights []*sight
		for _, w := range windows {
			sights = append(sights, w.watchText(words))
		}
		start := time.Now()
		s.reply(t, number, words)
		var all times
		for _, sight := range sights {
			got := <-sight.seen
			if got.err != nil {
				t.Fatalf("%s: %q: %v", sight.who.name, words, got.err)
			}
			all = append(all, got.at.Sub(start))
		}
		all.within(t, 5*time.Second)
	}
	one := func() {
		t.Helper()
		until(t, "the server holds one stream", 30*time.Second, func() bool { return streams() == 1 })
		for _, w := range windows {
			w.ExpectLive()
			w.unreloaded()
		}
	}
	leader(t, windows)
	one()
	told("It stands on three legs.")

	gone := leader(t, windows)
	windows = without(windows, gone)
	do(gone, page.Close, struct{}{})
	told("One of them is too short.")
	leader(t, windows)
	one()

	frozen := leader(t, windows)
	windows = without(windows, frozen)
	frozen.freeze()
	told("We cut the other two.")
	leader(t, windows)
	frozen.thaw()
	windows = append(windows, frozen)
	frozen.Expect("We cut the other two.")
	one()

	s.restart(syscall.SIGKILL, func() {
		for _, w := range windows {
			w.ExpectState("reconnecting")
		}
		s.reply(t, number, "Somebody sat on it.")
	})
	for _, w := range windows {
		w.ExpectLive()
		if !JS[bool](w, reads("Somebody sat on it.")) { // live means current
			t.Errorf("%s is live without what was said while the server was down", w.name)
		}
	}
	one()

	// Behind another tab a page says in its title that there is something.
	behind := leader(t, windows)
	behind.cover("/queue")
	s.reply(t, number, "Now it is a low table.")
	behind.expectMarked(patience, 1)
	until(t, "it gives its stream to another", patience, func() bool { open, _ := behind.streamsOpen(); return open == 0 })
	until(t, "another has it", patience, func() bool { return streams() == 1 })
	behind.uncover()
	behind.ExpectJS(unmarked, "the plain title")
	behind.Expect("Now it is a low table.")
	one()
}

// TestHidden are tabs that nobody looks at: they hold no stream and fetch nothing, and yet tell what happens on
// their pages, except what they did themselves; also where nobody looks at any.
func TestHidden(t *testing.T) {
	t.Parallel()
	s, streams := measured(t)
	number := s.submit(t, "The shelf leans")
	path := fmt.Sprintf("/tickets/%d", number)
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	ann.Open(path)
	other := ann.newTab("ann-2")
	other.Open(path)
	front := ann.newTab("ann-front")
	front.Open("/account")
	front.ExpectLive()

	do(ann, page.BringToFront, struct{}{})
	ann.ExpectLive()
	ann.Fill("Reply", "Said by ann herself.")
	ann.Click("Send reply")
	do(front, page.BringToFront, struct{}{})
	other.expectMarked(patience, 1)
	s.reply(t, number, "Said by another.")
	other.expectMarked(patience, 2)
	ann.expectMarked(patience, 1)

	front.Open("about:blank")
	until(t, "no stream is left", 30*time.Second, func() bool { return streams() == 0 })
	s.reply(t, number, "Said while nobody looked.")
	other.expectMarked(60*time.Second, 3)
	ann.expectMarked(patience, 2)
	if n := streams(); n != 0 {
		t.Errorf("hidden tabs hold %d streams", n)
	}
	do(ann, page.BringToFront, struct{}{})
	ann.ExpectLive()
	ann.Expect("Said while nobody looked.")
	ann.ExpectJS(unmarked, "the plain title")
	other.expectMarked(patience, 3)
}

// TestNextPerson signs somebody else in where pages of the first are still open: these are over, also one that
// slept meanwhile.
func TestNextPerson(t *testing.T) {
	t.Parallel()
	s := development(t)
	path := fmt.Sprintf("/tickets/%d", s.submit(t, "The key sticks"))
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	awake, asleep := s.open(t, ann.ctx, "ann-awake", store.Agent), s.open(t, ann.ctx, "ann-asleep", store.Agent)
	for _, p := range []*Person{ann, awake, asleep} {
		p.Open(path)
		p.ExpectLive()
	}
	asleep.freeze()
	ann.Click("Sign out")
	awake.ExpectState("expired")

	s.actor(t, store.Agent, "bea@example.com")
	ann.SignIn("bea@example.com")
	ann.ExpectLive()
	asleep.thaw()
	asleep.ExpectState("expired")
	awake.ExpectState("expired")
	ann.ExpectLive()
}
