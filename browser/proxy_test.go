package browser

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"autocrm/deploy/deploytest"
	"autocrm/store"
)

// TestFaultyProxies opens a ticket through proxies that do what proxies do, for good or for some seconds. Every page
// ends live, or polling where nothing else can work, within the time that stands beside it; it never claims to be
// current while it misses something for longer than that takes to notice; and what happened meanwhile is on it. The
// machine may have stood still for some: a whole half must keep its time, and nine of ten the time of silence.
func TestFaultyProxies(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.actor(t, store.Agent, "gus@example.com") // who answers, from many places at once
	cora := s.signedIn(t, store.Client, "cora@example.com")
	// Whose stream says nothing of what happens in the other rows.
	alone := func(name string) *Person { return s.signedIn(t, store.Client, name+"@example.com") }
	rows, came, silent := &sync.WaitGroup{}, &shares{}, &shares{}
	// All at once, whatever -parallel says: they hardly do anything but wait. They only begin one after the other.
	opening := make(chan struct{}, 2)
	row := func(name string, who *Person, run func(*window)) {
		number := s.submitAs(t, who.name+"@example.com", "Through a proxy: "+name)
		rows.Go(func() {
			t.Run(name, func(t *testing.T) {
				opening <- struct{}{}
				leave := sync.OnceFunc(func() { <-opening })
				defer leave()
				run(&window{t: t, s: s, came: came, silent: silent, beside: who, number: number, opened: leave})
			})
		})
	}

	for _, c := range []struct {
		name   string
		who    *Person
		fault  func(*http.Request, *deploytest.Proxy)
		ends   string
		within time.Duration
		notice time.Duration // how long it may take to notice that something is missing
	}{
		{"buffers everything", cora, deploytest.BuffersAll, "polling", 10 * time.Second, 10 * time.Second},
		{"gzip", cora, deploytest.Gzips(true), "live", 5 * time.Second, 5 * time.Second},
		{"gzip that collects", cora, deploytest.Gzips(false), "polling", 10 * time.Second, 10 * time.Second},
		{"black hole after 100 bytes", cora, deploytest.LetsThrough(100), "polling", 10 * time.Second, 10 * time.Second},
	} {
		row(c.name, c.who, func(w *window) {
			w.open(c.fault)
			w.reaches(c.ends, c.within, w.since)
			for i := range 2 {
				w.hears(fmt.Sprintf("Answer %d.", i), c.notice)
			}
			w.reaches(c.ends, c.within, time.Now())
		})
	}

	// The stream begins as it should. That it has died shows when the next ping does not come.
	row("black hole after 2600 bytes", alone("holly"), func(w *window) {
		w.open(deploytest.LetsThrough(2600))
		w.reaches("live", 5*time.Second, w.since)
		for i := range 3 {
			w.hears(fmt.Sprintf("Into the hole, %d.", i), 25*time.Second)
		}
		w.reaches("polling", 45*time.Second, w.since)
	})
	row("cuts after 5 s of silence", alone("ida"), func(w *window) {
		w.open(cutsAllIdle(5 * time.Second))
		w.allow("/live/poll answered 502")
		w.reaches("polling", 45*time.Second, w.since)
		w.hears("So it is asked.", 5*time.Second)
		// Nor may a poll be silent for longer: once that is known, none is cut any more.
		w.await(2*time.Minute, "performance.getEntriesByType('resource').filter((r) => r.name.includes('/live/poll?') && r.duration > 1500 && r.duration < 4000).length > 2", "polls that are answered")
		w.hears("And it comes.", 5*time.Second)
	})
	row("cuts after 30 s of silence", alone("ian"), func(w *window) {
		w.open(cutsAllIdle(30 * time.Second))
		w.reaches("live", 5*time.Second, w.since)
		until(w.t, "30 s are over", 2*time.Minute, func() bool { return time.Since(w.since) > 32*time.Second })
		w.hears("Still there.", 5*time.Second)
		if _, asked := w.streamsOpen(); asked != 1 {
			w.t.Errorf("it took %d streams", asked)
		}
	})

	page := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<!DOCTYPE html><title>Sign in</title><p>Who are you?"))
	}
	for name, answer := range map[string]http.HandlerFunc{
		"502": status(502), "503": status(503), "401": status(401), "204": status(204), "a page": page, "reset": reset,
		"302 to sign in": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == signIn {
				page(w, r)
			} else {
				http.Redirect(w, r, signIn, http.StatusFound)
			}
		},
	} {
		row(name+" for a while", cora, func(w *window) {
			o := &outage{answer: answer}
			w.open(o.fault)
			w.allow("answered 502", "answered 503", "Failed to fetch")
			w.reaches("live", 5*time.Second, w.since)
			w.outage(o, "on the stream", deploytest.IsStream)
			w.outage(o, "on everything", func(*http.Request) bool { return true })
			w.outage(o, "on all but the stream", func(r *http.Request) bool { return !deploytest.IsStream(r) })
		})
	}

	row("401, and the session is over", alone("olga"), func(w *window) {
		o := &outage{answer: status(401)}
		w.open(o.fault)
		w.reaches("live", 5*time.Second, w.since)
		over := o.begin(func(*http.Request) bool { return true })
		w.server.CloseClientConnections()
		w.await(time.Minute, "states.at(-1).state === 'reconnecting'", "the fault noticed")
		s.exec("UPDATE sessions SET revoked_at = now() FROM users WHERE users.id = user_id AND email = 'olga@example.com'")
		w.reaches("expired", 15*time.Second, over)
		if at := JS[float64](w.Person, "states.find((s) => s.state === 'expired').at"); time.UnixMilli(int64(at)).Before(over) {
			w.t.Error("it believed the proxy")
		}
	})
	rows.Wait()
	came.within(t, "states", 0.5)
	silent.within(t, "silences", 0.9)
}

// shares are the parts of its time that each thing took.
type shares struct {
	mu sync.Mutex
	of []float64
}

func (s *shares) add(took, within time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of = append(s.of, took.Seconds()/within.Seconds())
}

// within holds that so many of them, of each one, did not take longer than they may.
func (s *shares) within(t *testing.T, what string, most float64) {
	t.Helper()
	slices.Sort(s.of)
	share := s.of[int(float64(len(s.of))*most)]
	t.Logf("%.0f %% of %d %s took %.2f of their time at most", 100*most, len(s.of), what, share)
	if share > 1 {
		t.Error("that is too long")
	}
}

// window is one page behind one proxy.
type window struct {
	*Person
	t      *testing.T
	s      *site
	came   *shares
	silent *shares
	beside *Person // whose browser it is in
	number int64   // of the ticket it shows
	server *httptest.Server
	since  time.Time // when it was opened
	opened func()
}

// recorder keeps, in the page, the states it has shown and when the words waited for came.
const recorder = `(() => {
  window.states = [], window.seen = {}, window.awaited = [];
  const look = () => {
    const state = document.documentElement.dataset.live;
    if (states.at(-1)?.state !== state) states.push({ at: Date.now(), state });
    for (const words of awaited) if (!seen[words] && document.body.innerText.includes(words)) seen[words] = Date.now();
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
  look();
})()`

func (w *window) open(fault func(*http.Request, *deploytest.Proxy)) {
	w.t.Helper()
	w.server = httptest.NewServer(&deploytest.Proxy{Target: w.s.listen, Fault: fault})
	w.t.Cleanup(w.server.CloseClientConnections)
	_, port, _ := strings.Cut(w.server.Listener.Addr().String(), ":")
	w.Person = w.s.at("http://%s.localhost:"+port).open(w.t, w.beside.ctx, w.t.Name(), store.Client)
	w.Open(fmt.Sprintf("/tickets/%d", w.number))
	w.since = time.Now()
	JS[any](w.Person, recorder)
	w.mark()
	w.opened()
}

// await is for what may take longer than a test's patience, looked at from inside the page: there are many.
func (w *window) await(within time.Duration, expression, what string) {
	w.t.Helper()
	for deadline := time.Now().Add(within); ; {
		yes, err := eval[bool](w.Person, `new Promise((resolve) => {
  const began = Date.now();
  const look = () => { if (`+expression+`) resolve(true); else if (Date.now() - began > 5000) resolve(false); else setTimeout(look, 50); };
  look();
})`)
		if yes {
			return
		}
		if w.ctx.Err() != nil || time.Now().After(deadline) {
			w.t.Fatalf("not within %s: %s (%v); states %v", within, what, err, JS[[]state](w.Person, "states"))
		}
	}
}

type state struct {
	At    float64
	State string
}

// reaches waits for a state that comes in time, and says when it came.
func (w *window) reaches(name string, within time.Duration, since time.Time) {
	w.t.Helper()
	w.await(5*within+time.Minute, fmt.Sprintf("document.documentElement.dataset.live === %q", name), "the state "+name)
	took := time.Since(since)
	w.t.Logf("%s after %.1f s, of %s", name, took.Seconds(), within)
	w.came.add(took, within)
}

// says has somebody else answer, and gives the time of it.
func (w *window) says(words string) time.Time {
	w.t.Helper()
	JS[any](w.Person, fmt.Sprintf("awaited.push(%q)", words))
	w.s.reply(w.t, w.number, words)
	return time.Now()
}

// hears holds that what somebody else says comes onto the page, and that the page did not claim to be current
// meanwhile, but for the time it takes to notice.
func (w *window) hears(words string, notice time.Duration) {
	w.t.Helper()
	w.heard(words, w.says(words), notice)
}

func (w *window) heard(words string, said time.Time, notice time.Duration) {
	w.t.Helper()
	w.await(5*notice+time.Minute, fmt.Sprintf("seen[%q]", words), words)
	came := JS[float64](w.Person, fmt.Sprintf("seen[%q]", words))
	states := JS[[]state](w.Person, "states")
	claims := float64(0)
	for i, s := range states {
		until := came
		if i+1 < len(states) {
			until = min(came, states[i+1].At)
		}
		if s.State == "live" || s.State == "polling" {
			claims += max(0, until-max(s.At, float64(said.UnixMilli())))
		}
	}
	w.t.Logf("%q is there after %.1f s, %.1f s of them in silence", words, (came-float64(said.UnixMilli()))/1000, claims/1000)
	w.silent.add(time.Duration(claims)*time.Millisecond, notice)
	if claims > float64((notice + 10*time.Second).Milliseconds()) {
		w.t.Errorf("that is silence for far more than %s: %v", notice, states)
	}
	w.unreloaded()
}

// outage is a fault that begins and ends while people look.
type outage struct {
	answer http.HandlerFunc

	mu    sync.Mutex
	over  time.Time
	hits  func(*http.Request) bool
	asked int
}

// signIn is the page of a proxy that wants to know everybody itself.
const signIn = "/proxy/sign-in"

// lasts is long enough for a page to have noticed, whatever it was doing.
const lasts = 6 * time.Second

// begin starts the fault, for what hits says, and tells when it will be over.
func (o *outage) begin(hits func(*http.Request) bool) (over time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over, o.hits, o.asked = time.Now().Add(lasts), hits, 0
	return o.over
}

func (o *outage) fault(r *http.Request, p *deploytest.Proxy) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if time.Now().Before(o.over) && o.hits(r) {
		if r.URL.Path != signIn { // where the one before was sent
			o.asked++
		}
		p.Instead = o.answer
	}
}

// outage lets the proxy's fault last for a while, and holds that the page is live again soon, with all that was
// said, and that it did not ask without end.
func (w *window) outage(o *outage, where string, hits func(*http.Request) bool) {
	w.t.Helper()
	w.t.Log(where)
	over := o.begin(hits)
	if hits(httptest.NewRequest("GET", "/live", nil)) {
		w.server.CloseClientConnections() // what has the stream refused has ended it too
	}
	during := "Said during it, " + where + "."
	said := w.says(during)
	until(w.t, "it is over", 10*lasts, func() bool { return time.Now().After(over) })
	w.heard(during, said, 5*time.Second)
	w.reaches("live", 15*time.Second, over)
	w.hears("Said after it, "+where+".", 5*time.Second)
	if JS[bool](w.Person, "'signedOut' in document.documentElement.dataset") {
		w.t.Error("it says that the session is over")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	w.t.Logf("%d requests", o.asked)
	if o.asked > 40 {
		w.t.Error("that is too many")
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// reset ends the connection as a firewall does, or a program that was killed.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.(*net.TCPConn).SetLinger(0) //nolint:errcheck // it is closed next
		conn.Close()
	}
}

// cutsAllIdle waits so long for a word of anything: of a stream, or of an answer that is held.
func cutsAllIdle(patience time.Duration) func(*http.Request, *deploytest.Proxy) {
	stream := deploytest.CutsIdle(patience)
	return func(r *http.Request, p *deploytest.Proxy) {
		p.Patience = patience
		stream(r, p)
	}
}
