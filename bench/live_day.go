package main

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	dayConnects = 100000
	dayEvents   = 1000000
	dayOpen     = 300 // readers at a time
	dayTickets  = 10  // changed by a commit, two events each
	dayWriters  = 3
)

// measureDay: what many a day brings in a few minutes. Readers come, with the cursor of their last visit, and go;
// meanwhile tickets change. What it costs must not add up.
func measureDay(ctx context.Context, s side) error {
	d, ok := s.(*desk)
	if !ok {
		return nil
	}
	c := newCrowd(s)
	defer c.close()
	goroutines, err := d.gauge("go_goroutines")
	if err != nil {
		return err
	}
	var connects, failed, events atomic.Int64
	var all sync.WaitGroup
	begun := time.Now()
	for w := range dayOpen {
		all.Go(func() {
			for i := w; ctx.Err() == nil && connects.Add(1) <= dayConnects; i = (i + dayOpen) % readers {
				if c.connect(i) != nil {
					failed.Add(1)
					continue
				}
				wait(ctx, rand.N(100*time.Millisecond))
				c.conns[i].Close()
			}
		})
	}
	for range dayWriters {
		all.Go(func() {
			for ctx.Err() == nil && events.Add(2*dayTickets) <= dayEvents {
				if d.change(ctx, 100001+rand.IntN(readers-dayTickets), dayTickets) != nil {
					failed.Add(1)
				}
			}
		})
	}
	ended := make(chan struct{})
	go func() { all.Wait(); close(ended) }()
	for done, share := false, 0.1; !done; {
		select {
		case <-ended:
			done = true
		case <-time.After(50 * time.Millisecond):
		}
		if passed := min(float64(connects.Load())/dayConnects, float64(events.Load())/dayEvents); passed >= share {
			fmt.Printf("  %-10s after %3.0f %% of it: memory %.0f MB\n", s.name(), 100*share, float64(memory(s.process()))/1024)
			share += 0.3
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	took := time.Since(begun)
	left := goroutines + 1
	for end := time.Now().Add(time.Minute); left > goroutines && time.Now().Before(end); {
		wait(ctx, time.Second)
		if left, err = d.gauge("go_goroutines"); err != nil {
			return err
		}
	}
	fmt.Printf("  %-10s %d connects and %d events in %.0f s, %d failed: goroutines before %d, after %d\n",
		s.name(), dayConnects, dayEvents, took.Seconds(), failed.Load(), goroutines, left)
	return nil
}

// gauge reads one figure of the metrics.
func (d *desk) gauge(name string) (n int, err error) {
	response, err := http.Get("http://" + d.metrics + "/metrics")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), name+" "); found {
			_, err = fmt.Sscan(value, &n)
			return n, err
		}
	}
	return 0, fmt.Errorf("the metrics have no %s", name)
}
