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
		down, up   func()
		lasts      time.Duration
		saysItself bool // it lasts longer than a node trusts what it has read last
	}{
		{name: "restarted", down: c.stop, up: c.start, lasts: either(0, 10*time.Second), saysItself: long},
		{name: "killed", down: c.kill, up: c.start, lasts: either(0, 10*time.Second), saysItself: long},
		{name: "paused", down: func() { c.signal(syscall.SIGSTOP) }, up: func() { c.signal(syscall.SIGCONT) },
			lasts: either(8*time.Second, 20*time.Second), saysItself: true},
	} {
		t.Run(fault.name, func(t *testing.T) {
			r.write(t)
			broke := time.Now()
			fault.down()
			if fault.saysItself {
				until(t, "every page says that it is not current", patience, func() bool {
					for _, w := range r.watchers {
						if w.mode == streaming && w.state() == live {
							return false
						}
					}
					return true
				})
			}
			time.Sleep(time.Until(broke.Add(fault.lasts)))
			fault.up()
			healed := time.Now()
			r.flows(t, "again", healed, patience)
			until(t, "every page is live", patience, r.allLive)
			r.report(t, "PostgreSQL "+fault.name, broke, healed)
			r.check(t, noResync)
		})
	}
}
