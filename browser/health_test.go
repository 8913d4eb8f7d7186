package browser

import (
	"testing"
	"time"

	"autocrm/store"
)

// TestExamineNow has the doctor called from the admin portal; what it finds comes to the page, and to another
// admin's, by itself.
func TestExamineNow(t *testing.T) {
	t.Parallel()
	s := development(t)
	ada, bea := s.signedIn(t, store.Admin, "ada@example.com"), s.signedIn(t, store.Admin, "bea@example.com")
	for _, p := range []*Person{ada, bea} {
		p.Open("/health")
		p.ExpectLive()
		p.Expect("Nobody has asked it yet")
	}
	ada.Click("Examine now")
	for _, p := range []*Person{ada, bea} {
		p.Expect("An examination is under way, begun by Ada")
		p.ExpectJS(`!document.querySelector("#health-findings button")`, "no second examination is offered")
	}
	ada.look("health, examination under way")
	for _, p := range []*Person{bea, ada} {
		p.expect(time.Minute, `document.querySelector("#in-order")?.textContent.includes("heartbeat each")`, "what the doctor found is there")
		p.ExpectJS(`document.querySelector("#health-findings button")`, "the next can be begun")
		if text := JS[string](p, `document.querySelector("#health-findings").innerText`); JS[int](p, `document.querySelectorAll("#in-order .finding").length`) < 15 {
			t.Errorf("on %s's page stands:\n%s", p.name, text)
		}
	}
	// The figures come by themselves too, with the three streams of the probes or without.
	ada.Open("/health")
	ada.ExpectJS(`document.querySelectorAll("svg[role=img]").length === 3`, "the charts")
	ada.clickOn(`document.querySelector("#by-hour summary")`, "open the table")
	JS[any](ada, `void document.body.dispatchEvent(new CustomEvent("live:minute", { bubbles: true }))`)
	before := JS[string](ada, `document.querySelector("#health-figures").dataset.version`)
	s.exec(`UPDATE users SET full_name = 'Ada B' WHERE email = 'ada@example.com'`)
	ada.ExpectJS(`(document.body.dispatchEvent(new CustomEvent("live:minute", { bubbles: true })), document.querySelector("#health-figures").dataset.version !== `+quote(before)+`)`, "the figures are fetched by the clock")
	ada.ExpectJS(`document.querySelector("#by-hour").open`, "the table that was opened stays open")
}

// measured fills the database with what three nodes might have counted in a day, half an hour of it a bad one.
func (s *site) measured() {
	s.t.Helper()
	s.exec(`
		INSERT INTO live_samples (minute, node, portal, sampled_at, streams, polls, listening, up, connects, failed, reasons, lags)
		SELECT minute, node, portal, minute + interval '59 seconds', CASE WHEN bad THEN streams / 3 ELSE streams END, CASE WHEN bad THEN streams / 3 ELSE streams / 40 END,
		       NOT (bad OR node = 'desk3-b7e2'), true, streams / 12, CASE WHEN bad THEN streams / 6 ELSE 0 END,
		       CASE WHEN bad THEN jsonb_build_object('unavailable', streams / 6, 'no session', 2) WHEN streams % 9 = 0 THEN '{"no session": 1}' ELSE '{}' END,
		       CASE WHEN bad THEN '{0,0,0,1,2,5,8,6,5,4,2,1,0,0,0}'::bigint[]
		            WHEN portal = 'client' THEN '{3,4,1,0,0,0,0,0,0,0,0,0,0,0,0}' ELSE ARRAY[5,20,8,2,streams % 2,0,0,0,0,0,0,0,0,0,0] END
		FROM (SELECT minute, node, portal, age BETWEEN 300 AND 330 AS bad,
		             (weight * (60 + 40 * sin(age / 220.0) + age % 7))::int AS streams
		      FROM generate_series(0, 1439) AS age,
		           LATERAL (SELECT date_trunc('minute', now()) - age * interval '1 minute' AS minute) m,
		           unnest(ARRAY['desk1-3f2a', 'desk2-90c1', 'desk3-b7e2']) AS node,
		           (VALUES ('client', 1.7), ('agent', 0.5), ('admin', 0.06)) AS p (portal, weight)) day`)
	s.exec(`
		INSERT INTO examinations (started_at, ended_at, started_by, findings) SELECT now() - interval '3 minutes', now() - interval '2 minutes', id, '[
			{"subject": "help.example.com", "check": "stream", "level": "ok", "sentence": "HTTP/2.0: hello after 12 ms, a change after 9 ms, heartbeat each 15 s, ended 14 ms after signing out."},
			{"subject": "desk.example.com", "check": "request", "level": "ok", "sentence": "Reaches the app in 4 ms, as desk.example.com from 192.0.2.10, unchanged."},
			{"subject": "desk.example.com", "check": "stream", "level": "error", "sentence": "The proxy holds the stream back for 9 s.",
			 "cause": "It collects what the app sends before it hands it on, and so each change comes late.",
			 "cure": "nginx: remove ` + "`proxy_ignore_headers X-Accel-Buffering`, or set `proxy_buffering off;` and `gzip off;`" + ` for /live."},
			{"subject": "database", "check": "version", "level": "warning", "sentence": "PostgreSQL 15.3 answers in 1 ms, as autocrm_web.",
			 "cause": "It lacks corrections; after VACUUM FREEZE a listener that is behind may fail.", "cure": "Update to 15.16 or newer, which needs a restart alone."},
			{"subject": "files", "check": "attachments", "level": "ok", "sentence": "Written, read and deleted in 3 ms."}]'
		FROM users WHERE user_role = 'admin' LIMIT 1`)
}
