package doctor

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What still counts as at once. A page gives up after 5 s without a hello.
const (
	holdsBack = time.Second
	slow      = 800 * time.Millisecond
)

// examineStream opens the stream as the portal's probe, has a canary told on it, waits for the heartbeat, and
// signs out, which must end it. Long polling is tried at the same time.
func (d *doctor) examineStream(ctx context.Context, p *portal) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cookie, err := p.gate.Cookie(p.token)
	if err != nil {
		d.report.add(p.finding("stream", Error, "The probe's cookie cannot be made.", sentence(oneLine(err)), ""))
		return
	}
	first, firstCancel := context.WithTimeout(ctx, d.pace.ask)
	poll, pollErr := p.startPoll(first, cookie)
	firstCancel()

	w := p.open(ctx, cookie)
	began := w.until(ctx, d.pace.hello, func() bool { return !w.hello.IsZero() || w.refused() })
	if w.refused() {
		d.report.add(w.refusal(p))
		d.reportPoll(p, poll, polled{err: pollErr}, time.Time{})
		d.signOut(ctx, p, cookie, nil)
		return
	}

	// The canary, told on both.
	var committed time.Time
	made, topic := make(chan struct{}), ""
	if poll != nil {
		go poll.watchFor(ctx, p, cookie, func() string { <-made; return topic })
	}
	topic, err = d.probes.Canary(ctx)
	committed = time.Now()
	close(made)
	if err != nil {
		d.report.add(p.finding("stream", Error, "No change could be made to watch for.", sentence(oneLine(err)), "See what is said of the database."))
		d.signOut(ctx, p, cookie, nil)
		return
	}
	arrived := func() bool { return !w.changes[topic].IsZero() }
	if began {
		w.until(ctx, d.pace.change, arrived)
	}
	got := polled{err: pollErr}
	if poll != nil {
		got = poll.wait(ctx, d.pace.change)
	}
	told := arrived()
	beating := told && w.until(ctx, d.pace.heartbeat, func() bool { return len(w.pings) > 1 || d.pace.heartbeat == 0 })
	cut := w.ended
	d.signOut(ctx, p, cookie, w)

	d.note(p, w, topic, committed)
	if !cut.IsZero() && w.bye == "" && began {
		d.report.note(p, func(f *Figures) { f.Cut = milliseconds(cut.Sub(w.asked)) })
		d.report.add(w.cutShort(p, cut))
	} else {
		d.report.add(w.verdict(p, began, told, beating, committed, topic, got, d.pace))
	}
	d.reportPoll(p, poll, got, committed)
}

// wait gives what became of the canary.
func (w *poller) wait(ctx context.Context, patience time.Duration) polled {
	select {
	case got := <-w.seen:
		return got
	case <-time.After(patience):
		return polled{err: fmt.Errorf("it tells nothing of a change within %s", span(patience))}
	case <-ctx.Done():
		return polled{err: ctx.Err()}
	}
}

// refused says whether the answer is something other than a stream.
func (w *watch) refused() bool {
	if w.answer == nil {
		return w.err != nil
	}
	return w.answer.StatusCode != http.StatusOK || !strings.HasPrefix(w.answer.Header.Get("Content-Type"), "text/event-stream")
}

func (w *watch) refusal(p *portal) Finding {
	const whole = "nginx: one `location /` for the whole portal; a rule of its own for /live, a cache or a sign-in of the proxy's must go."
	switch a := w.answer; {
	case a == nil:
		return p.finding("stream", Error, "The stream gets no answer.", sentence(oneLine(w.err)), "See in the proxy's error log why it does not pass /live on.")
	case a.StatusCode == http.StatusUnauthorized && a.Header.Get("X-Request-Id") != "":
		return p.finding("stream", Error, "The app does not know the probe's session.",
			"The doctor and the app do not share DATABASE_URL or SECRET_KEY, or the proxy takes cookies away.", "Run the doctor with the environment of `autocrm serve`.")
	case a.StatusCode == http.StatusServiceUnavailable && a.Header.Get("X-Request-Id") != "":
		return p.finding("stream", Error, "The app itself has no live updates just now.",
			"It cannot read the event log; its log says why, and /readyz whether that lasts.", "See what is said of the database.")
	case a.StatusCode >= 500:
		return p.finding("stream", Error, fmt.Sprintf("The proxy answers %s on /live instead of the app.", a.Status),
			"It does not reach the app there, or gave up waiting.", whole)
	case a.StatusCode >= 300 && a.StatusCode < 400:
		return p.finding("stream", Error, fmt.Sprintf("Something on the way answers /live with a redirect to %s.", a.Header.Get("Location")),
			"The app never redirects there: a sign-in or a rewriting rule of the proxy's does. A browser follows, and gives the stream up for good.", whole)
	case a.StatusCode == http.StatusOK:
		return p.finding("stream", Error, fmt.Sprintf("On /live comes %s and not a stream.", contentType(a)),
			"Something on the way answers in the app's place, or changes the content type. A browser gives the stream up for good.", whole)
	default:
		return p.finding("stream", Error, fmt.Sprintf("/live is answered with %s.", a.Status), "Something on the way does not let the stream through.", whole)
	}
}

// note keeps what was measured.
func (d *doctor) note(p *portal, w *watch, topic string, committed time.Time) {
	since := func(at, from time.Time) float64 {
		if at.IsZero() || from.IsZero() {
			return 0
		}
		// A change may be there before its maker hears of its own commit.
		return milliseconds(max(at.Sub(from), 10*time.Microsecond))
	}
	d.report.note(p, func(f *Figures) {
		if w.answer != nil {
			f.Protocol = w.answer.Proto
		}
		f.FirstByte, f.Hello, f.Change = since(w.first, w.asked), since(w.hello, w.asked), since(w.changes[topic], committed)
		if len(w.pings) > 1 {
			f.Ping = since(w.pings[1], w.pings[0])
		}
	})
}

// cutShort is about a stream that ended with no bye while nobody ended it.
func (w *watch) cutShort(p *portal, cut time.Time) Finding {
	after, silent := cut.Sub(w.asked), cut.Sub(w.last)
	how := "The connection is cut"
	if w.err == nil {
		how = "The answer is ended"
	}
	return p.finding("stream", Error, fmt.Sprintf("The stream is cut after %s, %s of them in silence.", span(after), span(silent)),
		how+" by something on the way that waits less than the 15 s between two heartbeats, or restarts.",
		"nginx: `proxy_read_timeout 60s;`. HAProxy: `timeout server 60s`, `timeout client 60s`. Apache: `timeout=60` on the line `ProxyPass`.")
}

// verdict is about a stream that was there until the probe signed out.
func (w *watch) verdict(p *portal, began, arrived, beating bool, committed time.Time, topic string, got polled, pace pace) Finding {
	cure := unbuffered(w.answer)
	packed := ""
	if w.answer != nil {
		packed = w.answer.Header.Get("Content-Encoding")
	}
	helloAfter, changeAfter := w.hello.Sub(w.asked), max(0, w.changes[topic].Sub(committed))
	switch {
	case !began && !w.hello.IsZero():
		return p.finding("stream", Error, "The proxy holds the whole stream back until it ends.",
			"It hands an answer on when it has all of it"+packing(packed)+"; of a stream that is never. Pages fall back to polling.", cure)
	case !began && w.err == nil:
		return p.finding("stream", Error, fmt.Sprintf("Nothing arrives on the stream within %s, also not when it ends.", span(pace.hello)),
			"Something on the way swallows it"+packing(packed)+". Pages fall back to polling.", cure)
	case !began:
		return p.finding("stream", Error, "The stream breaks off before it begins.", sentence(oneLine(w.err)), cure)
	case helloAfter > holdsBack:
		return p.finding("stream", Error, fmt.Sprintf("The proxy holds the stream back for %s.", span(helloAfter)),
			"It collects what the app sends before it hands it on"+packing(packed)+", and so each change comes late.", cure)
	case !arrived && got.err == nil:
		return p.finding("stream", Error, fmt.Sprintf("The stream begins, but a change does not arrive on it within %s; polling has it.", span(pace.change)),
			"The proxy lets the first bytes through and then collects"+packing(packed)+".", cure)
	case !arrived:
		return p.finding("stream", Error, fmt.Sprintf("A change is not told within %s, neither on the stream nor by polling.", span(pace.change)),
			"The app does not read the event log, or reads another database's.", "Compare DATABASE_URL of the doctor and of `autocrm serve`; /readyz and the app's log say more.")
	case !beating:
		return p.finding("stream", Error, fmt.Sprintf("No heartbeat within %s; it should come every 15 s.", span(pace.heartbeat)),
			"The proxy collects small pieces of the stream"+packing(packed)+".", cure)
	case w.bye == "" && w.ended.IsZero():
		return p.finding("stream", Warning, fmt.Sprintf("Signing out does not end the stream within %s.", span(pace.bye)),
			"The app did not hear of it, or the proxy holds the end back.", "Compare DATABASE_URL of the doctor and of `autocrm serve`.")
	case packed != "":
		return p.finding("stream", Warning, fmt.Sprintf("The stream is compressed on the way (%s).", packed),
			"The proxy compresses text/event-stream although the app says no-transform. Many hold small pieces back while they do.",
			"nginx: take text/event-stream out of `gzip_types`. Apache: `SetEnvIf Request_URI ^/live no-gzip`.")
	case !w.current:
		return p.finding("stream", Warning, "The stream says itself that it is not current.", "The app could not read the event log for some seconds.", "See what is said of the database.")
	case changeAfter > slow:
		return p.finding("stream", Warning, fmt.Sprintf("A change takes %s from its commit to the page.", span(changeAfter)),
			"The app is not woken by the database and looks once a second, or it or the line is overloaded.", "See what is said of LISTEN, then of the load of the machines.")
	}
	heartbeat := ""
	if len(w.pings) > 1 {
		heartbeat = fmt.Sprintf(", heartbeat each %s", span(w.pings[1].Sub(w.pings[0])))
	}
	return p.finding("stream", OK, fmt.Sprintf("%s: hello after %s, a change after %s%s, ended %s after signing out.",
		w.answer.Proto, span(helloAfter), span(changeAfter), heartbeat, span(w.ended.Sub(w.left))), "", "")
}

func packing(encoding string) string {
	if encoding == "" {
		return ""
	}
	return ", compressing it (" + encoding + ")"
}

// unbuffered is how what answers is told to hold nothing back; it names itself in its answers.
func unbuffered(answer *http.Response) string {
	const (
		nginx  = "nginx: remove `proxy_ignore_headers X-Accel-Buffering`, or set `proxy_buffering off;` and `gzip off;` for /live"
		apache = "Apache: `ProxyPass … flushpackets=on`, and `SetEnvIf Request_URI ^/live no-gzip`"
		others = "a CDN or a company's proxy: let /live pass unbuffered and unscanned"
	)
	server := ""
	if answer != nil {
		server = strings.ToLower(answer.Header.Get("Server"))
	}
	switch {
	case strings.Contains(server, "nginx"), strings.Contains(server, "openresty"):
		return nginx + "."
	case strings.Contains(server, "apache"):
		return apache + "."
	}
	return nginx + ". " + apache + ". Else " + others + "."
}

// reportPoll says how the way out for buffered streams works.
func (d *doctor) reportPoll(p *portal, poll *poller, got polled, committed time.Time) {
	if got.err == nil && poll == nil {
		return
	}
	if got.err != nil {
		d.report.add(p.finding("polling", Error, "Long polling does not work: "+oneLine(got.err)+".",
			"A page whose stream is held back would have nothing left.", "Let /live/poll through as it comes, and give it 30 s to answer."))
		return
	}
	if committed.IsZero() {
		d.report.add(p.finding("polling", OK, fmt.Sprintf("Answers in %s.", span(poll.answered)), "", ""))
		return
	}
	after := max(0, got.at.Sub(committed))
	d.report.note(p, func(f *Figures) { f.Poll = milliseconds(max(after, 10*time.Microsecond)) })
	d.report.add(p.finding("polling", OK, fmt.Sprintf("Works too; a change is told after %s.", span(after)), "", ""))
}
