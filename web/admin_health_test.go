package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"autocrm/store"

	"github.com/PuerkitoBio/goquery"
)

func TestHealthIsForAdmins(t *testing.T) {
	t.Parallel()
	d, b, _ := adminAt(t)
	doc := b.get(t, "/health").want(t, http.StatusOK).html(t)
	if said := doc.Find(".empty__title").Text(); said != "Nothing has been measured yet" {
		t.Errorf("a system that has just been started says %q", said)
	}
	if text := doc.Find("#health-findings").Text(); !strings.Contains(text, "Nobody has asked it yet") {
		t.Errorf("of the doctor it says %q", text)
	}
	for _, role := range []store.Role{store.Client, store.Agent} {
		other := d.browser(t, role).signIn(t, d.Person(t, role, string(role)+"@example.com").Email)
		for _, path := range []string{"/health", "/health/figures", "/health/findings", "/health/examination"} {
			other.get(t, path).want(t, http.StatusNotFound)
		}
		other.post(t, "/health/examination", nil).want(t, http.StatusNotFound)
	}
	stranger := d.browser(t, store.Admin)
	if got := stranger.get(t, "/health/figures"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("nobody signed in: %d", got.StatusCode)
	}
	if n := number(t, d, `SELECT count(*) FROM examinations`); n != 0 {
		t.Errorf("%d examinations were begun", n)
	}

	health, err := store.OpenHealthLog(t.Context(), d.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer health.Close()
	var lags store.Lags
	lags.Add(3 * time.Millisecond)
	sample := store.LiveSample{Portal: store.Agent, Streams: 21, Polls: 1, Connects: 199, Failed: 1, Reasons: map[string]int{"unavailable": 1, "no session": 7}, Lags: lags}
	if err := health.WriteSamples(t.Context(), "web1-3f2a", time.Now(), false, true, []store.LiveSample{sample}); err != nil {
		t.Fatal(err)
	}
	doc = b.get(t, "/health").want(t, http.StatusOK).html(t)
	for _, want := range []string{"21", "1 page polls", "99.5 %", "199 of 200", "1 looks each second"} {
		if text := doc.Find("#health-stats").Text(); !strings.Contains(text, want) {
			t.Errorf("the figures are %q, without %q", text, want)
		}
	}
	if text := doc.Find("#health-figures").Text(); !strings.Contains(text, "7 signed out, 1 node not current") || !strings.Contains(text, "web1-3f2a") {
		t.Errorf("why some did not come about, or the node, is missing in %q", text)
	}
	charts := doc.Find("svg[role=img]")
	if charts.Length() != 3 || !strings.Contains(charts.First().AttrOr("aria-label", ""), "at most 21") {
		t.Errorf("%d charts, the first called %q", charts.Length(), charts.First().AttrOr("aria-label", ""))
	}
}

func TestExaminationsAreBegunOnceAndShown(t *testing.T) {
	t.Parallel()
	d, b, admin := adminAt(t)
	doc := b.get(t, "/health").want(t, 200).html(t)
	press(t, b, doc.Selection, "Examine now", nil).want(t, http.StatusSeeOther, "/health")
	under := b.get(t, "/health").want(t, 200).html(t)
	if text := under.Find("#health-findings").Text(); !strings.Contains(text, "begun by Root") || under.Find("#health-findings button").Length() != 0 {
		t.Errorf("under way, it says %q", text)
	}
	if under.Find(`#health-findings noscript`).Length() != 1 {
		t.Error("without scripts there is no way to see what came of it")
	}
	// From a page of before, or another admin's.
	again := press(t, b, doc.Selection, "Examine now", nil).want(t, http.StatusConflict).html(t)
	if said := again.Find(".notice").Text(); !strings.Contains(said, "under way already") {
		t.Errorf("it says %q", said)
	}
	b.get(t, "/health/examination").want(t, http.StatusSeeOther, "/health")

	src := under.Find("#health-findings").AttrOr("hx-get", "")
	part := b.get(t, src, "HX-Request", "true").want(t, 200)
	b.get(t, src, "HX-Request", "true", "If-None-Match", part.Header.Get("ETag")).want(t, http.StatusNotModified)

	d.Exec(t, `UPDATE examinations SET ended_at = now(), findings = '[
		{"subject": "files", "check": "attachments", "level": "ok", "sentence": "Written and read."},
		{"subject": "database", "check": "clock", "level": "warning", "sentence": "The clocks are apart."},
		{"subject": "agent.example.com", "check": "stream", "level": "error", "sentence": "It is <b>held back</b>.", "cause": "A proxy.", "cure": "nginx: `+"`gzip off;`"+`."}]'`)
	ended := b.get(t, src, "HX-Request", "true", "If-None-Match", part.Header.Get("ETag")).want(t, 200).html(t)
	order := ended.Find(".finding__where").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
	if strings.Join(order, "; ") != "agent.example.com, stream; database, clock; files, attachments" {
		t.Errorf("the findings stand as %q", order)
	}
	if text := ended.Find(".notice").Text(); !strings.Contains(text, "1 error, 1 warning.") || !strings.Contains(text, "by "+admin.Name) {
		t.Errorf("the verdict is %q", text)
	}
	if ended.Find(".finding b").Length() != 0 || ended.Find(".finding code").Text() != "gzip off;" {
		t.Errorf("the findings' text: %s", ended.Find(".findings").Text())
	}
	if ended.Find("#in-order .finding").Length() != 1 || ended.Find("button").Length() != 1 {
		t.Error("what is in order is not apart, or the button is not back")
	}
}

func TestLiveRegionsOfTheHealthPage(t *testing.T) {
	t.Parallel()
	_, b, _ := adminAt(t)
	page := b.get(t, "/health").want(t, 200).html(t)
	for _, id := range []string{"health-figures", "health-findings"} {
		region := page.Find("#" + id)
		again := b.get(t, region.AttrOr("hx-get", ""), "HX-Request", "true").want(t, 200).html(t).Find("body > *")
		if again.Length() != 1 || again.AttrOr("id", "") != id {
			t.Errorf("the fragment is %d elements, the first #%s", again.Length(), again.AttrOr("id", ""))
		}
		for _, name := range []string{"data-topic", "data-version", "hx-get", "hx-trigger", "hx-swap"} {
			if region.AttrOr(name, "-") != again.AttrOr(name, "+") {
				t.Errorf("#%s: %s is %q on the page and %q in the fragment", id, name, region.AttrOr(name, "-"), again.AttrOr(name, "+"))
			}
		}
	}
}

func TestWhoGetsNoStreamIsCounted(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	d.browser(t, store.Agent).get(t, "/live").want(t, http.StatusUnauthorized)
	cleo := d.browser(t, store.Client).signIn(t, d.Person(t, store.Client, "cleo@example.com").Email)
	cleo.get(t, "/live").want(t, http.StatusOK)
	d.Exec(t, `ALTER TABLE sessions RENAME TO away`)
	if got := cleo.get(t, "/live/poll"); got.StatusCode < 500 {
		t.Errorf("without a database: %d", got.StatusCode)
	}
	if got := d.turned.String(); got != "agent /live false\nclient /live/poll true\n" {
		t.Errorf("counted was %q", got)
	}
}
