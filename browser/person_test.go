package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a fact may take to come true where a test is not about how long it takes.
const patience = 15 * time.Second

// Person sits before a browser of their own: cookies and storage are nobody else's. A failure shows what was on
// the screen, in the console and on the network.
type Person struct {
	t      testing.TB
	name   string
	portal store.Role
	site   *site
	ctx    context.Context
	traffic
}

// newPerson opens a browser at a portal; nobody is signed in.
func (s *site) newPerson(t testing.TB, name string, portal store.Role) *Person {
	t.Helper()
	return s.open(t, chromium, name, portal, chromedp.WithNewBrowserContext())
}

// newTab opens a second tab in the same browser and the same window, before the first.
func (p *Person) newTab(name string) *Person {
	p.t.Helper()
	return p.site.open(p.t, p.ctx, name, p.portal, chromedp.WithNewWindow(false))
}

func (s *site) open(t testing.TB, parent context.Context, name string, portal store.Role, options ...chromedp.ContextOption) *Person {
	t.Helper()
	p := &Person{t: t, name: name, portal: portal, site: s}
	ctx, cancel := chromedp.NewContext(parent, append(options, chromedp.WithListener(p.listen))...)
	p.ctx = ctx
	t.Cleanup(func() {
		if t.Failed() {
			p.report()
		}
		cancel()
		p.check()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	p.size(1280, 800)
	return p
}

// signedIn is a person of that role who has come in through the sign-in page. The account is made if missing.
func (s *site) signedIn(t testing.TB, role store.Role, email string) *Person {
	t.Helper()
	s.actor(t, role, email)
	name, _, _ := strings.Cut(email, "@")
	p := s.newPerson(t, name, role)
	p.SignIn(email)
	return p
}

// SignIn goes through the page, and is done on the portal's first page.
func (p *Person) SignIn(email string) {
	p.t.Helper()
	p.Open("/sign-in")
	p.Fill("Email", email)
	p.Fill("Password", storetest.Password)
	p.Click("Sign in")
	p.ExpectPath("/")
	p.Expect("Sign out")
	if p.portal.Staff() { // most tests are about what is sent, not about the moment in which it can be taken back
		JS[any](p, `document.cookie = "undo=off; path=/"`)
	}
}

// holdsReplies has the person's replies held for a moment, as is usual.
func (p *Person) holdsReplies() {
	p.t.Helper()
	JS[any](p, `document.cookie = "undo=; path=/; max-age=0"`)
}

// Open goes to a path of the person's portal, or to a whole address.
func (p *Person) Open(path string) {
	p.t.Helper()
	address := path
	if strings.HasPrefix(path, "/") {
		address = p.site.urls[p.portal] + path
	}
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	answer, err := chromedp.Call(ctx, page.Navigate, page.NavigateParams{URL: address})
	if err == nil && answer.ErrorText != "" {
		err = errors.New(answer.ErrorText)
	}
	if err != nil {
		p.t.Fatalf("%s opens %s: %v", p.name, path, err)
	}
	p.ExpectJS("document.readyState === 'complete'", path+" has loaded")
}

// traverse goes steps of the history on, or back if negative. The page answers before it goes, lest it be asked twice.
func (p *Person) traverse(steps int) {
	p.t.Helper()
	JS[any](p, fmt.Sprintf("setTimeout(() => history.go(%d)) && null", steps))
}

// beforeScripts has a hand on the first element that matches as soon as a page opened from now on has it, which is
// before any script of ours: act is called on it. A short page may be parsed to its end in one go; what observes it
// still comes before the scripts that wait for that end.
func (p *Person) beforeScripts(selector, act string) {
	p.t.Helper()
	do(p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: fmt.Sprintf(`
		new MutationObserver((_, watch) => {
			const element = document.querySelector(%s);
			if (element) element.%s;
			if (element || document.readyState === "complete") watch.disconnect();
		}).observe(document, { childList: true, subtree: true });`, quote(selector), act)})
}

func (p *Person) size(width, height int64) {
	p.t.Helper()
	do(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1})
}

// eval evaluates an expression in the page, waiting for a promise. An error is often a page that is just going.
func eval[T any](p *Person, expression string) (value T, err error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	yes := true
	answer, err := chromedp.Call(ctx, runtime.Evaluate, runtime.EvaluateParams{Expression: expression, ReturnByValue: &yes, AwaitPromise: &yes})
	if err != nil {
		return value, err
	}
	if e := answer.ExceptionDetails; e != nil {
		text := e.Text
		if e.Exception != nil {
			text += " " + e.Exception.Description
		}
		return value, errors.New(text)
	}
	if len(answer.Result.Value) == 0 {
		return value, nil
	}
	return value, json.Unmarshal(answer.Result.Value, &value)
}

// JS is eval for a page that stays.
func JS[T any](p *Person, expression string) T {
	p.t.Helper()
	value, err := eval[T](p, expression)
	if err != nil {
		p.t.Fatalf("%s: %s: %v", p.name, expression, err)
	}
	return value
}

// ExpectJS waits until an expression is true.
func (p *Person) ExpectJS(expression, what string) {
	p.t.Helper()
	p.expect(patience, expression, what)
}

func (p *Person) expect(within time.Duration, expression, what string) {
	p.t.Helper()
	deadline := time.Now().Add(within)
	pause := 10 * time.Millisecond
	for {
		yes, err := eval[bool](p, "Boolean("+expression+")")
		if yes {
			return
		}
		if time.Now().After(deadline) || p.ctx.Err() != nil {
			p.t.Fatalf("%s: not within %s: %s (%v)", p.name, within, what, err)
		}
		time.Sleep(pause)
		pause = min(2*pause, 50*time.Millisecond) // asking is work for the page too
	}
}

// Expect waits for words that can be read on the page.
func (p *Person) Expect(words string) {
	p.t.Helper()
	p.ExpectJS(reads(words), fmt.Sprintf("%q on the page", words))
}

// ExpectGone waits until the words cannot be read any more.
func (p *Person) ExpectGone(words string) {
	p.t.Helper()
	p.ExpectJS("document.body && !("+reads(words)+")", fmt.Sprintf("%q gone from the page", words))
}

// reads is true where the words can be read.
func reads(words string) string {
	return fmt.Sprintf(`document.body?.innerText.replace(/\s+/g, " ").includes(%s)`, quote(words))
}

// ExpectPath waits until the address has that path.
func (p *Person) ExpectPath(path string) {
	p.t.Helper()
	p.ExpectJS("location.pathname === "+quote(path)+" && document.readyState === 'complete'", "the page "+path)
}

// ExpectLive waits until the page says that it is live.
func (p *Person) ExpectLive() {
	p.t.Helper()
	p.ExpectState("live")
}

// ExpectState waits for a state of the live updates.
func (p *Person) ExpectState(state string) {
	p.t.Helper()
	p.expect(30*time.Second, "document.documentElement.dataset.live === "+quote(state), "the state "+state)
}

// mark makes a reload seen: unreloaded fails if the page is not the one that was marked.
func (p *Person) mark() {
	p.t.Helper()
	JS[any](p, "window.marked = performance.timeOrigin")
}

func (p *Person) unreloaded() {
	p.t.Helper()
	if !JS[bool](p, "window.marked === performance.timeOrigin && performance.getEntriesByType('navigation').length === 1") {
		p.t.Errorf("%s: the page was loaded anew", p.name)
	}
}

// picture writes what is on the screen.
func (p *Person) picture(path string) error {
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return err
	}
	return os.WriteFile(path, png, 0o644)
}

func (p *Person) report() {
	path := filepath.Join(os.TempDir(), "autocrm-"+strings.NewReplacer("/", "-", " ", "-").Replace(p.t.Name()+"-"+p.name)+".png")
	if err := p.picture(path); err != nil {
		path = err.Error()
	}
	where, _ := eval[string](p, `location.href + "  data-live=" + document.documentElement.dataset.live`)
	p.t.Logf("---- %s at %s\nscreen: %s\nconsole:\n%s\nnetwork:\n%s",
		p.name, where, path, strings.Join(p.consoleLog(), "\n"), strings.Join(p.lastRequests(25), "\n"))
}

func quote(s string) string {
	text, _ := json.Marshal(s)
	return string(text)
}
