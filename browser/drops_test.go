package browser

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"autocrm/store"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// weakLine is a proxy that drops the streams that go through it, or, while it is down, whatever asks for news.
type weakLine struct {
	http.Handler
	mu    sync.Mutex
	drops []context.CancelFunc
	down  bool
}

func (l *weakLine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	if l.down && strings.HasPrefix(r.URL.Path, "/live") {
		l.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	if r.URL.Path == "/live" {
		ctx, drop := context.WithCancel(r.Context())
		l.drops = append(l.drops, drop)
		r = r.WithContext(ctx)
	}
	l.mu.Unlock()
	l.Handler.ServeHTTP(w, r)
}

// drop ends all streams without a word.
func (l *weakLine) drop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, drop := range l.drops {
		drop()
	}
	l.drops = nil
}

func (l *weakLine) set(down bool) {
	l.mu.Lock()
	l.down = down
	l.mu.Unlock()
}

// behindWeakLine is development reached through a weak line; streams is how many the server holds.
func behindWeakLine(t testing.TB) (s *site, line *weakLine, streams func() int) {
	t.Helper()
	port, metrics := freePort(t), "127.0.0.1:"+freePort(t)
	line = &weakLine{Handler: &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: "127.0.0.1:" + port})
			r.Out.Host = r.In.Host
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}}
	proxy := httptest.NewServer(line)
	t.Cleanup(proxy.CloseClientConnections)
	public := proxy.URL[strings.LastIndex(proxy.URL, ":"):]
	address := func(role store.Role, _ string) string { return fmt.Sprintf("http://%s.localhost%s", role, public) }
	settings := []string{"METRICS_ADDR=" + metrics}
	for _, role := range store.Roles {
		settings = append(settings, strings.ToUpper(string(role))+"_URL="+address(role, ""))
	}
	return serve(t, port, address, settings), line, func() int { return streamsAt(t, metrics) }
}

// metrics are the page's own figures once all that can go has gone.
func (p *Person) metrics() map[string]float64 {
	p.t.Helper()
	do(p, performance.Enable, performance.EnableParams{})
	do(p, heapprofiler.CollectGarbage, struct{}{})
	all := map[string]float64{}
	for _, m := range do(p, performance.GetMetrics, struct{}{}).Metrics {
		all[m.Name] = m.Value
	}
	return all
}

// pass lets time pass in the page, in a moment of ours.
func (p *Person) pass(d time.Duration) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	passed := make(chan struct{})
	var once sync.Once
	if err := chromedp.Listen(ctx, func(event any) {
		if _, ok := event.(*emulation.EventVirtualTimeBudgetExpired); ok {
			once.Do(func() { close(passed) })
		}
	}); err != nil {
		p.t.Fatal(err)
	}
	budget := float64(d.Milliseconds())
	do(p, emulation.SetVirtualTimePolicy, emulation.SetVirtualTimePolicyParams{Policy: emulation.VirtualTimePolicyAdvance, Budget: &budget})
	select {
	case <-passed:
	case <-ctx.Done():
		p.t.Fatalf("%s: time does not pass", p.name)
	}
}

// TestDrops drops a page's stream 500 times: each time it comes back, and nothing of the old one stays, neither
// here nor there.
func TestDrops(t *testing.T) {
	t.Parallel()
	s, line, streams := behindWeakLine(t)
	number := s.submit(t, "The line is weak")
	cora := s.signedIn(t, store.Client, "cora@example.com")
	cora.Open(fmt.Sprintf("/tickets/%d", number))
	live(cora)
	const healthy = 18 * time.Second // a stream that stood for so long was one
	var before map[string]float64
	start := time.Now()
	for i := range 500 {
		cora.pass(healthy)
		line.drop()
		cora.ExpectState("reconnecting")
		cora.pass(time.Second)
		cora.ExpectLive()
		if i%100 == 99 {
			until(t, "the server holds one stream", patience, func() bool { return streams() == 1 })
		}
		if i == 249 { // until now the browser has kept a record of each request
			before = cora.metrics()
		}
	}
	took := time.Since(start)
	after := cora.metrics()
	_, asked := cora.streamsOpen()
	t.Logf("%d streams in %s", asked, took.Round(time.Millisecond))
	// The console keeps a line for each failed request, about 70 KB here.
	for name, more := range map[string]float64{"JSEventListeners": 0, "Nodes": 0, "JSHeapUsedSize": 200_000} {
		t.Logf("%s %.0f, then %.0f", name, before[name], after[name])
		if after[name] > before[name]+more {
			t.Errorf("%s grows", name)
		}
	}
	until(t, "the server holds one stream", patience, func() bool { return streams() == 1 })
	s.reply(t, number, "It held.")
	cora.Expect("It held.")
	settled(t, cora)
}

// TestAway is a page whose server is away: it tries ever more rarely, and at random, since many pages lost the
// same server. When the server is back, so is the page.
func TestAway(t *testing.T) {
	t.Parallel()
	s, line, _ := behindWeakLine(t)
	number := s.submit(t, "The server is away")
	cora := s.signedIn(t, store.Client, "cora@example.com")
	cora.Open(fmt.Sprintf("/tickets/%d", number))
	live(cora)
	const step = 250 * time.Millisecond
	var early, late []time.Duration
	for round := range 5 {
		line.set(true)
		line.drop()
		cora.ExpectState("reconnecting")
		before, _ := cora.newsAsked()
		var at []time.Duration
		for now := time.Duration(0); len(at) < 7; now += step {
			cora.pass(step)
			asked := before
			until(t, "the question is refused", patience, func() (over bool) {
				asked, over = cora.newsAsked()
				return over
			})
			for len(at) < asked-before {
				at = append(at, now)
			}
		}
		var pauses []time.Duration
		for i := range 6 {
			pauses = append(pauses, at[i+1]-at[i])
		}
		t.Logf("round %d: %v", round, pauses)
		early, late = append(early, pauses[:3]...), append(late, pauses[3:]...)
		s.reply(t, number, fmt.Sprintf("Said while the server was away, %d.", round))
		line.set(false)
		until(t, "the page is live again", time.Minute, func() bool {
			if _, over := cora.newsAsked(); over {
				cora.pass(time.Second)
			} else { // the page's patience with the server is of its own time
				cora.pass(10 * time.Millisecond)
			}
			return JS[string](cora, "document.documentElement.dataset.live") == "live"
		})
		cora.Expect(fmt.Sprintf("Said while the server was away, %d.", round))
	}
	if sum(late) < 2*sum(early) {
		t.Errorf("the later pauses are %s in all, the first ones %s", sum(late), sum(early))
	}
	slices.Sort(late)
	if slices.Max(late)-slices.Min(late) < 4*step || len(slices.Compact(late)) < len(late)/2 {
		t.Errorf("the pauses are not at random: %v", late)
	}
}

func sum(all []time.Duration) (d time.Duration) {
	for _, one := range all {
		d += one
	}
	return d
}

// newsAsked is how often the page has asked for news, by either wire, and whether nothing of that is under way.
func (c *traffic) newsAsked() (n int, over bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	over = true
	for _, r := range c.order {
		if strings.HasPrefix(r.path, "/live") {
			n++
			over = over && r.over
		}
	}
	return n, over
}
