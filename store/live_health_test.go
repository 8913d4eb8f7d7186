package store_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"
)

func openHealth(t *testing.T, db *storetest.DB) *store.HealthLog {
	t.Helper()
	log, err := store.OpenHealthLog(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log
}

func TestLagsTellWithinWhatTime(t *testing.T) {
	t.Parallel()
	lags := make(store.Lags, len(store.LagBounds)+1)
	if lags.Count() != 0 || lags.Within(.5) != 0 || store.Lags(nil).Within(.5) != 0 {
		t.Error("nothing counted is something")
	}
	for range 98 {
		lags.Add(1500 * time.Microsecond)
	}
	lags.Add(800 * time.Millisecond)
	lags.Add(2 * time.Minute)
	if got := lags.Within(.5); got < time.Millisecond || got > 2500*time.Microsecond {
		t.Errorf("the median of nearly all at 1.5 ms is %s", got)
	}
	if got := lags.Within(.99); got < 500*time.Millisecond || got > time.Second {
		t.Errorf("99 %% are within %s; the last but one took 800 ms", got)
	}
	if got := lags.Within(1); got != time.Minute {
		t.Errorf("beyond the last step: %s", got)
	}
	var sum store.Lags
	sum.Plus(lags)
	sum.Plus(nil)
	if sum.Plus(lags); sum.Count() != 200 {
		t.Errorf("twice a hundred is %d", sum.Count())
	}
}

func TestLiveHealthAddsUpTheNodesForAdmins(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), storetest.New(t)
	log, admin := openHealth(t, db), db.Person(t, store.Admin, "ada@example.com")
	write := func(node string, minute time.Time, listening, up bool, samples ...store.LiveSample) {
		t.Helper()
		if err := log.WriteSamples(ctx, node, minute, listening, up, samples); err != nil {
			t.Fatal(err)
		}
	}
	read := func(who store.Actor) store.LiveHealth {
		t.Helper()
		h, err := db.Store.LiveHealth(ctx, who)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if h := read(admin); h.Since != nil || len(h.Nodes) != 0 || len(h.Points) != 144 || len(h.Portals) != 3 {
		t.Errorf("before anything: %d nodes, %d points, %d portals", len(h.Nodes), len(h.Points), len(h.Portals))
	}
	now, quick := time.Now(), store.Lags{}
	quick.Add(2 * time.Millisecond)
	// A minute is written several times, and each time is the whole of it.
	write("a", now, true, true, store.LiveSample{Portal: store.Agent, Streams: 9, Connects: 9})
	write("a", now, true, true, store.LiveSample{Portal: store.Agent, Streams: 3, Connects: 10, Failed: 1, Reasons: map[string]int{"unavailable": 1, "no session": 4}, Lags: quick},
		store.LiveSample{Portal: store.Client, Streams: 1})
	write("b", now, false, true, store.LiveSample{Portal: store.Agent, Streams: 4, Polls: 2, Connects: 5, Reasons: map[string]int{"no session": 1}, Lags: quick})
	write("left", now, true, false, store.LiveSample{Portal: store.Agent, Streams: 50, Connects: 1})
	write("old", now.Add(-3*time.Hour), true, true, store.LiveSample{Portal: store.Agent, Streams: 6, Connects: 2, Failed: 2})
	db.Exec(t, `UPDATE live_samples SET sampled_at = now() - interval '3 hours' WHERE node = 'old'`)

	h := read(admin)
	agent := h.Portals[1]
	if agent.Portal != store.Agent || agent.Streams != 7 || agent.Polls != 2 || agent.Connects != 16 || agent.Failed != 1 || agent.Lags.Count() != 2 {
		t.Errorf("the agents' portal: %+v", agent)
	}
	if want := []store.ReasonCount{{Portal: store.Agent, Reason: "no session", Count: 5}, {Portal: store.Agent, Reason: "unavailable", Count: 1}}; !reflect.DeepEqual(agent.Reasons, want) {
		t.Errorf("reasons %+v, want %+v", agent.Reasons, want)
	}
	if len(h.Nodes) != 2 || h.Nodes[0].Node != "a" || h.Nodes[0].Streams != 4 || !h.Nodes[0].Listening || h.Nodes[1].Node != "b" || h.Nodes[1].Listening {
		t.Errorf("the nodes that are there: %+v", h.Nodes)
	}
	var connects, failed, measured int
	for _, p := range h.Points {
		connects, failed = connects+p.Connects, failed+p.Failed
		if p.Minutes > 0 {
			measured++
		}
	}
	if connects != 18 || failed != 3 || measured != 2 || h.Since == nil || h.Version == 0 {
		t.Errorf("over the day %d connects, %d failures, %d points, since %v", connects, failed, measured, h.Since)
	}
	if part, ok := store.Succeeded(connects, failed); !ok || part < .85 || part > .86 {
		t.Errorf("the success rate is %v", part)
	}

	agentSees := read(db.Person(t, store.Agent, "ana@example.com"))
	if agentSees.Since != nil || len(agentSees.Nodes) != 0 || agentSees.Portals[1].Connects != 0 {
		t.Errorf("an agent sees %+v", agentSees.Portals)
	}

	upkeep, err := store.OpenUpkeep(ctx, db.URL, db.Files, store.EventRetention)
	if err != nil {
		t.Fatal(err)
	}
	defer upkeep.Close()
	if err := upkeep.Tidy(ctx, now.Add(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if h := read(admin); h.Since == nil || len(h.Nodes) != 2 || h.Portals[1].Connects != 16 {
		t.Errorf("tidying took what is of the last day: %+v", h.Nodes)
	}
	var left int
	if err := db.Owner.QueryRow(ctx, `SELECT count(*) FROM live_samples WHERE node = 'old'`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d samples of 27 hours ago are still there: %v", left, err)
	}
}

func TestOneExaminationAtATime(t *testing.T) {
	t.Parallel()
	ctx, db := t.Context(), storetest.New(t)
	log, other := openHealth(t, db), openHealth(t, db) // two nodes
	ada, bea := db.Person(t, store.Admin, "ada@example.com"), db.Person(t, store.Admin, "bea@example.com")
	ana := db.Person(t, store.Agent, "ana@example.com")
	if _, err := log.BeginExamination(ctx, ana); !errors.Is(err, store.ErrForbidden) {
		t.Errorf("an agent begins one: %v", err)
	}
	events := openLog(t, db)
	before := head(t, events)
	first, err := log.BeginExamination(ctx, ada)
	if err != nil {
		t.Fatal(err)
	}
	var conflict *store.Conflict
	if _, err := other.BeginExamination(ctx, bea); !errors.As(err, &conflict) {
		t.Errorf("a second one: %v", err)
	}
	if e, err := db.Store.Examinations(ctx, bea); err != nil || e.UnderWay == nil || e.UnderWay.By != "Ada" || e.Last != nil {
		t.Errorf("%+v %v", e, err)
	}
	found := []store.Finding{{Subject: "database", Check: "listen", Level: store.LevelWarning, Sentence: "Late.", Cause: "A pooler.", Cure: "Go past it."}}
	if err := log.EndExamination(ctx, first, found); err != nil {
		t.Fatal(err)
	}
	e, err := db.Store.Examinations(ctx, bea)
	if err != nil || e.UnderWay != nil || e.Last == nil || !reflect.DeepEqual(e.Last.Findings, found) || e.Last.EndedAt == nil {
		t.Fatalf("%+v %v", e, err)
	}
	// The beginning and the end are told, to admins alone, and what was found is not in the log.
	told := after(t, events, before)
	if len(told) != 2 || told[0].Source != "examinations" || len(told[1].Changes) != 0 {
		t.Fatalf("the log has %+v", told)
	}
	if signals := told[1].Signals(bea); len(signals) != 1 || signals[0].Topic != "health" || signals[0].Version > e.Version {
		t.Errorf("told as %+v, the page has version %d", signals, e.Version)
	}
	if mine, err := db.Store.Examinations(ctx, ana); err != nil || mine.Last != nil {
		t.Errorf("an agent reads %+v, %v", mine, err)
	}

	// A node that dies at it holds nobody up for long, and what was found before stays.
	if _, err := log.BeginExamination(ctx, ada); err != nil {
		t.Fatal(err)
	}
	db.Exec(t, `UPDATE examinations SET started_at = now() - interval '3 minutes' WHERE ended_at IS NULL`)
	if e, err := db.Store.Examinations(ctx, bea); err != nil || e.UnderWay != nil || e.Last == nil {
		t.Errorf("after its node has died: %+v %v", e, err)
	}
	third, err := other.BeginExamination(ctx, bea)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.EndExamination(ctx, third, nil); err != nil {
		t.Fatal(err)
	}
	if e, err := db.Store.Examinations(ctx, ada); err != nil || e.UnderWay != nil || e.Last == nil || e.Last.By != "Ada" {
		t.Errorf("after one of which nothing came: %+v %v", e, err)
	}
}
