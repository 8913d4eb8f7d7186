package chaos

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestListenerKilled ends the connection that listens, again and again.
func TestListenerKilled(t *testing.T) {
	t.Parallel()
	r := newRig(t, setup{})
	r.write(t)
	broke := time.Now()
	for range 3 + 17*btoi(long) {
		until(t, "the listener stands", patience, func() bool { return r.killListener(t) > 0 })
		r.tell(t)
	}
	healed := time.Now()
	r.flows(t, "again", healed, patience)
	until(t, "the listener stands again", patience, func() bool {
		return one[int](t, r.db, `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'autocrm_listener'`) == 1
	})
	r.report(t, "listener's connection killed", broke, healed, "it listens again after "+rounded(time.Since(healed)).String())
	r.check(t, noResync)
}

func (r *rig) killListener(t *testing.T) int {
	t.Helper()
	return one[int](t, r.db, `SELECT count(pg_terminate_backend(pid))::int FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'autocrm_listener'`)
}

// TestWithoutNotify takes NOTIFY out of the triggers: all is told, within the second in which the log is read anyway.
func TestWithoutNotify(t *testing.T) {
	t.Parallel()
	r := newRig(t, setup{})
	r.write(t)
	broke := time.Now()
	r.rewrite(t, `pg_notify(`, func(source string) string {
		return strings.ReplaceAll(source, "pg_notify(", "concat(")
	})
	r.rest() // whatever rings now would be heard by all
	var slowest time.Duration
	for range 3 {
		for _, took := range r.tell(t) {
			slowest = max(slowest, took)
		}
	}
	if slowest < 20*time.Millisecond {
		t.Errorf("all was told within %s: is there another bell?", slowest)
	}
	r.write(t)
	r.report(t, "NOTIFY removed", broke, time.Now(), "told after at most "+rounded(slowest).String())
	r.check(t, noResync)
}

// TestClockMoved moves the clock that the log is written by, forward by an hour and back by two.
func TestClockMoved(t *testing.T) {
	t.Parallel()
	r := newRig(t, setup{})
	for _, by := range []string{"1 hour", "-1 hour"} {
		r.write(t)
		broke := time.Now()
		r.rewrite(t, `clock_timestamp()`, func(source string) string {
			source = strings.ReplaceAll(source, "(clock_timestamp() + interval '1 hour')", "clock_timestamp()")
			return strings.ReplaceAll(source, "clock_timestamp()", fmt.Sprintf("(clock_timestamp() + interval '%s')", by))
		})
		r.flows(t, "by a clock moved "+by, time.Now(), patience)
		took := r.tell(t)
		var slowest time.Duration
		for w, d := range took {
			if w.mode == streaming {
				slowest = max(slowest, d)
			}
		}
		r.report(t, "clock moved by "+by, broke, broke, "told after at most "+rounded(slowest).String())
		// Pages that come back and a node that starts read by the same clock.
		r.nodes[0].End(syscall.SIGTERM)
		r.nodes[0].start()
		r.check(t, noResync)
	}
}

// rewrite replaces every function of the log that holds text by what change makes of it.
func (r *rig) rewrite(t *testing.T, text string, change func(string) string) {
	t.Helper()
	type function struct{ Definition string }
	found := rows[function](t, r.db, `SELECT pg_get_functiondef(p.oid) FROM pg_proc p
		WHERE p.pronamespace = 'live'::regnamespace AND p.prokind = 'f' AND strpos(p.prosrc, $1) > 0`, text)
	if len(found) == 0 {
		t.Fatalf("no function of the log holds %q any more", text)
	}
	for _, f := range found {
		r.db.exec(t, change(f.Definition))
	}
}
