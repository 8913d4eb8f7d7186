package store

import (
	"context"
	"log/slog"
	"time"
)

// dueTasks is what becomes due by the clock alone. Each does all that is due at once, in one statement or one
// transaction a row, and copes with another node doing the same: it locks what it takes and skips what is locked.
var dueTasks = []struct {
	name string
	do   func(*Upkeep, context.Context) error
}{
	{"replies that were held", (*Upkeep).sendHeld},
	{"presences that nobody keeps up", (*Upkeep).ForgetPresences},
	{"bulk changes without a node", (*Upkeep).FailBulk},
	{"wake tickets", wakeTickets},
	{"customers who wait for long", (*Upkeep).remindOfWaiting},
}

// dueEvery is how late what is due may be.
const dueEvery = time.Second

// RunDue does what is due, every second, until ctx is done. What fails is logged and tried again.
func (u *Upkeep) RunDue(ctx context.Context, log *slog.Logger) {
	tick := time.NewTicker(dueEvery)
	defer tick.Stop()
	for {
		for _, task := range dueTasks {
			if err := task.do(u, ctx); err != nil && ctx.Err() == nil {
				log.Error("what was due could not be done", "task", task.name, "error", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
