package browser

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// fault is what went wrong on a page, and when it was told.
type fault struct {
	text string
	at   time.Time
}

// traffic is what a person's browser said and asked. A script's error, a breach of the content security policy
// and an answer 5xx are faults of the product wherever they happen; a test that provokes one says so with allow.
type traffic struct {
	mu       sync.Mutex
	console  []string
	faults   []fault
	allowed  []string
	requests map[network.RequestID]*request
	order    []*request
	streams  int // open now
	most     int // open at once
}

type request struct {
	method, path string
	loader       cdp.LoaderID // the page that asked
	at           time.Time    // when it was sent
	since        float64      // the same on Chromium's own clock
	status       int64
	answered     time.Time
	failed       string
	over         bool
}

func (r *request) String() string {
	answer := fmt.Sprint(r.status)
	if r.failed != "" {
		answer = r.failed
	}
	if !r.over {
		answer += " …"
	}
	return fmt.Sprintf("  %s %s %s %s", r.at.Format("05.000"), r.method, r.path, answer)
}

// listen sees every event of the tab, in order. It must not call the browser.
func (c *traffic) listen(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		var text []string
		for _, arg := range e.Args {
			text = append(text, string(arg.Value)+arg.Description)
		}
		c.say(string(e.Type), strings.Join(text, " "), e.Type == runtime.ConsoleAPICalledTypeError)
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		c.say("exception", text, true)
	case *log.EventEntryAdded:
		// The network's own errors are judged by their status below.
		fault := e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork || e.Entry.Source == log.EntrySourceSecurity
		c.say(string(e.Entry.Source)+" "+string(e.Entry.Level), e.Entry.Text+" "+e.Entry.URL, fault)
	case *network.EventRequestWillBeSent:
		c.sent(e)
	case *network.EventResponseReceived:
		if r := c.requests[e.RequestID]; r != nil {
			r.status = e.Response.Status
			r.answered = r.at.Add(time.Duration((float64(e.Timestamp) - r.since) * float64(time.Second)))
			if r.status >= 500 {
				c.faults = append(c.faults, fault{fmt.Sprintf("%s %s answered %d", r.method, r.path, r.status), time.Now()})
			}
		}
	case *page.EventFrameNavigated:
		// What the page before had open went with it, and Chromium does not always say so.
		if e.Frame.ParentID == "" {
			for id, r := range c.requests {
				if r.loader != e.Frame.LoaderID && r.path == "/live" {
					c.end(id, "page left")
				}
			}
		}
	case *network.EventLoadingFinished:
		c.end(e.RequestID, "")
	case *network.EventLoadingFailed:
		c.end(e.RequestID, e.ErrorText)
	}
}

func (c *traffic) say(kind, text string, faulty bool) {
	c.console = append(c.console, "  "+kind+": "+text)
	if faulty {
		c.faults = append(c.faults, fault{kind + ": " + text, time.Now()})
	}
}

func (c *traffic) sent(e *network.EventRequestWillBeSent) {
	if c.requests == nil {
		c.requests = map[network.RequestID]*request{}
	}
	if before := c.requests[e.RequestID]; before != nil && e.RedirectResponse != nil {
		before.status = e.RedirectResponse.Status
		before.answered = before.at.Add(time.Duration((float64(e.Timestamp) - before.since) * float64(time.Second)))
		c.end(e.RequestID, "")
	}
	path := e.Request.URL
	if u, err := url.Parse(path); err == nil && u.Host != "" {
		if path = u.Path; u.Path != "/live" && u.Path != "/live/poll" && u.RawQuery != "" {
			path += "?" + u.RawQuery
		}
	}
	seconds := float64(e.WallTime)
	r := &request{method: e.Request.Method, path: path, loader: e.LoaderID, since: float64(e.Timestamp),
		at: time.UnixMicro(int64(seconds * 1e6))}
	c.requests[e.RequestID] = r
	c.order = append(c.order, r)
	if path == "/live" {
		c.streams++
		c.most = max(c.most, c.streams)
	}
}

func (c *traffic) end(id network.RequestID, failed string) {
	r := c.requests[id]
	if r == nil || r.over {
		return
	}
	r.over, r.failed = true, failed
	if r.path == "/live" {
		c.streams--
	}
}

// allow says that this test provokes faults with these words in them.
func (c *traffic) allow(words ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.allowed = append(c.allowed, words...)
}

// check fails the test for what went wrong without anybody having looked.
func (p *Person) check() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.most > 1 {
		p.t.Errorf("%s: %d streams were open at once", p.name, p.most)
	}
faults:
	for _, fault := range p.faults {
		// What a page asks of a server that is away fails at once; that it says so may take a moment.
		if strings.Contains(fault.text, "Failed to fetch") && slices.ContainsFunc(p.site.absences, func(o absence) bool {
			return fault.at.After(o.from) && fault.at.Before(o.to.Add(time.Second))
		}) {
			continue
		}
		for _, allowed := range p.allowed {
			if strings.Contains(fault.text, allowed) {
				continue faults
			}
		}
		p.t.Errorf("%s: %s", p.name, fault.text)
	}
}

// streamsOpen is how many streams this tab holds, and has asked for since it was opened.
func (c *traffic) streamsOpen() (open, asked int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.order {
		if r.path == "/live" {
			asked++
		}
	}
	return c.streams, asked
}

// asked is how often something under that path was asked for after start.
func (c *traffic) asked(path string, start time.Time) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.order {
		if strings.HasPrefix(r.path, path) && r.at.After(start) {
			n++
		}
	}
	return n
}

// answered is when the last request of that method and path was answered, as long as that was after start.
func (c *traffic) answered(method, path string, start time.Time) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := len(c.order) - 1; i >= 0; i-- {
		r := c.order[i]
		if r.method == method && strings.HasPrefix(r.path, path) && r.at.After(start) && !r.answered.IsZero() {
			return r.answered, true
		}
	}
	return time.Time{}, false
}

func (c *traffic) consoleLog() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.console...)
}

func (c *traffic) lastRequests(n int) (out []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.order[max(0, len(c.order)-n):] {
		out = append(out, r.String())
	}
	return out
}
