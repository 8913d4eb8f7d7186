package browser

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// sight is a fact that a person waits for on a page, and when it was there.
type sight struct {
	who  *Person
	what string
	seen chan observed
}

type observed struct {
	at  time.Time
	err error
}

// watch waits inside the page, where a change of the document wakes it, until the expression is true. A page
// that is loaded anew takes the watch with it, and that is an error: what is live comes without a reload.
func (p *Person) watch(what, expression string) *sight {
	s := &sight{who: p, what: what, seen: make(chan observed, 1)}
	go func() {
		at, err := eval[float64](p, `new Promise((resolve, reject) => {
  const look = () => { if (`+expression+`) { observer.disconnect(); resolve(Date.now()); } };
  const observer = new MutationObserver(look);
  observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  look();
})`)
		s.seen <- observed{time.UnixMicro(int64(at * 1000)), err}
	}()
	return s
}

// watchText is watch for words that can be read.
func (p *Person) watchText(words string) *sight {
	return p.watch(fmt.Sprintf("%q", words), reads(words))
}

// times collects how long changes took to be seen.
type times []time.Duration

// see acts, whose request is method and path, and takes down how long after its answer each sight was there. It
// logs the time from the press of the button too, which has all in it that a person waits for.
func (all *times) see(t *testing.T, actor *Person, method, path string, act func(), sights ...*sight) {
	t.Helper()
	pressed := time.Now()
	act()
	var answered time.Time
	until(t, fmt.Sprintf("%s's %s %s is answered", actor.name, method, path), patience, func() (yes bool) {
		// Chromium's clock and ours differ by some microseconds.
		answered, yes = actor.answered(method, path, pressed.Add(-50*time.Millisecond))
		return yes
	})
	for _, s := range sights {
		got := <-s.seen
		if got.err != nil {
			t.Errorf("%s does not see %s by itself: %v", s.who.name, s.what, got.err)
			continue
		}
		took := got.at.Sub(answered)
		t.Logf("%s sees %s %d ms after the answer to %s, %d ms after the click", s.who.name, s.what,
			took.Milliseconds(), actor.name, got.at.Sub(pressed).Milliseconds())
		*all = append(*all, took)
	}
}

// within holds that the changes were seen in time. The machine may have stood still for one of them: the middle
// one counts, and the worst has five times as long.
func (all times) within(t *testing.T, limit time.Duration) {
	t.Helper()
	if len(all) == 0 {
		t.Fatal("nothing was seen")
	}
	slices.Sort(all)
	middle, worst := all[len(all)/2], all[len(all)-1]
	t.Logf("seen after %d ms, the worst of %d after %d ms", middle.Milliseconds(), len(all), worst.Milliseconds())
	if middle > limit || worst > 5*limit {
		t.Errorf("that is not within %s", limit)
	}
}
