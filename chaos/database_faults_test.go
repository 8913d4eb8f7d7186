package chaos

import (
	"syscall"
	"testing"
	"time"
)

// TestDatabase restarts PostgreSQL, kills it and pauses it.
func TestDatabase(t *testing.T) {
	t.Parallel()
	r := newRig(t, setup{db: ownDatabase(t)})
	c := r.db.cluster
	for _, fault := range []struct {
		name       string
		break_     func()
		heal       func()
		saysItself bool // pages must be told, within this node's 5 s, that they are not current
	}{
		{name: "restarted", break_: c.stop, heal: c.start},
		{name: "killed", break_: c.kill, heal: c.start},
		{name: "paused", break_: func() { c.signal(syscall.SIGSTOP) }, heal: func() { c.signal(syscall.SIGCONT) }, saysItself: true},
	} {
		t.Run(fault.name, func(t *testing.T) {
			r.write(t)
			broke := time.Now()
			fault.break_()
			if fault.saysItself {
				until(t, "every page says that it is not current", patience, func() bool {
					for _, w := range r.watchers {
						if w.mode == streaming && w.state() == live {
							return false
						}
					}
					return true
				})
				time.Sleep(time.Until(broke.Add(either(8*time.Second, 20*time.Second)))) // the fault's own length
			}
			fault.heal()
			healed := time.Now()
			r.flows(t, "again", healed, patience)
			until(t, "every page is live", patience, r.allLive)
			r.report(t, "PostgreSQL "+fault.name, broke, healed)
			r.check(t, noResync)
		})
	}
}
