package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"autocrm/postgres"
	"autocrm/store"
)

const (
	readers     = 5000
	randomRate  = 200 // changes a second, each to one reader
	commonRate  = 10  // changes a second, each to all readers
	randomFor   = 8 * time.Second
	commonFor   = 6 * time.Second
	rampFor     = 3 * time.Second
	rampFrom    = 20 // changes a second to all readers, where the search for the limit begins
	rampTo      = 90
	settle      = 5 * time.Second // until memory is what it will stay
	maxLate     = 500 * time.Millisecond
	maxLatency  = time.Second
	reconnectIn = 500 * time.Millisecond // live.js spreads the first return over this
)

// runLive measures the streams of AutoCRM and, in the same run and with the same reader, those of a loop that
// does nothing but write to sockets. Figures of two runs differ by a third; their ratios do not.
// only names the one part to measure; "": all.
func runLive(ctx context.Context, binary, dir, only string) error {
	// The reader shares two cores with what it measures: its own collector must not be what is measured.
	debug.SetGCPercent(400)
	if err := raiseDescriptors(); err != nil {
		return err
	}
	server, err := postgres.Start(ctx, postgres.Options{Dir: filepath.Join(dir, "live"), Durable: true})
	if err != nil {
		return err
	}
	defer server.Stop(context.WithoutCancel(ctx))
	if err := server.EnsureDatabase(ctx, "autocrm"); err != nil {
		return err
	}
	people, err := fillLive(ctx, server.URL(postgres.Superuser, "autocrm"))
	if err != nil {
		return fmt.Errorf("fill the database: %w", err)
	}
	defer people.close()

	secure, err := newCertificate(dir)
	if err != nil {
		return err
	}
	for _, part := range []struct {
		name  string
		title string
		role  store.Role
		alone bool // the bare loop has nothing of the kind
		tls   certificate
		f     func(context.Context, side) error
	}{
		{name: "customers", title: fmt.Sprintf("%d customers, a ticket and a stream each", readers), role: store.Client, f: measurePrivate},
		{name: "secure", title: fmt.Sprintf("%d customers over TLS and HTTP/2", readers), role: store.Client, tls: secure, f: measureSecure},
		{name: "lists", title: fmt.Sprintf("%d agents with a list before them", herd), role: store.Agent, alone: true, f: measureHerd},
		{name: "day", title: "a day in fast motion", role: store.Client, alone: true, f: measureDay},
		{name: "agents", title: fmt.Sprintf("%d agents, each told of every change", readers), role: store.Agent, f: measureCommon},
	} {
		if only != "" && only != part.name {
			continue
		}
		fmt.Printf("\n%s\n", part.title)
		for i, start := range []func(context.Context) (side, error){
			func(ctx context.Context) (side, error) {
				return startDesk(ctx, binary, filepath.Join(dir, "live"), server, people, part.role, part.tls)
			},
			func(ctx context.Context) (side, error) { return startFloor(ctx, part.tls) },
		} {
			if part.alone && i > 0 {
				break
			}
			s, err := start(ctx)
			if err != nil {
				return err
			}
			err = part.f(ctx, s)
			s.stop()
			if err != nil {
				return fmt.Errorf("%s: %w", s.name(), err)
			}
		}
	}
	return nil
}

// side is one of the two that are compared.
type side interface {
	name() string
	address() string
	request(reader int, cursor string) string // the GET of a stream
	changeOne(ctx context.Context, reader int) error
	changeAll(ctx context.Context, n int) error
	process() int
	stop()
}

// restless is a side that is more than its streams.
type restless interface {
	ordinaryPage(ctx context.Context) error
	counts() (resumed, queried int, err error)
}

// measurePrivate: what a stream costs, changes that concern one stream each, and all streams lost at once.
func measurePrivate(ctx context.Context, s side) error {
	c := newCrowd(s)
	defer c.close()
	before := memory(s.process())
	opened, err := c.open(ctx, 0)
	if err != nil {
		return err
	}
	wait(ctx, settle)
	idle := memory(s.process())
	fmt.Printf("  %-10s memory %5.1f KB a stream (all open in %.1f s)\n", s.name(), float64(idle-before)/readers, opened.Seconds())

	c.reset()
	busy := processorTime(s.process())
	begun := time.Now()
	late, err := pace(ctx, randomRate, randomFor, func(n int) error {
		reader := n * 7919 % readers // each once
		defer func() { c.answered[reader].Store(time.Now().UnixMicro()) }()
		return s.changeOne(ctx, reader)
	})
	if err != nil {
		return err
	}
	expected := int64(randomFor.Seconds() * randomRate)
	c.wait(ctx, expected)
	cores := (processorTime(s.process()) - busy).Seconds() / time.Since(begun).Seconds()
	since := c.since()
	fmt.Printf("  %-10s %d changes/s to random ones: %d of %d arrived, p50 %.1f ms, p99 %.1f ms; after the commit's answer to its maker p50 %.1f ms, p99 %.1f ms; %.2f cores%s\n",
		s.name(), randomRate, c.arrived.Load(), expected, ms(c.quantile(.5)), ms(c.quantile(.99)), ms(quantile(since, .5)), ms(quantile(since, .99)), cores, lateness(late))
	return measureReturn(ctx, s, c, idle)
}

// measureReturn cuts every stream at once.
func measureReturn(ctx context.Context, s side, c *crowd, idle int) error {
	desk, ok := s.(restless)
	if !ok {
		return nil
	}
	resumed, queried, err := desk.counts()
	if err != nil {
		return err
	}
	c.cut()
	stop, pages := make(chan struct{}), make(chan []time.Duration)
	go func() {
		var took []time.Duration
		for {
			begun := time.Now()
			if desk.ordinaryPage(ctx) == nil {
				took = append(took, time.Since(begun))
			}
			select {
			case <-stop:
				pages <- took
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	back, err := c.open(ctx, reconnectIn)
	close(stop)
	took := <-pages
	if err != nil {
		return err
	}
	nowResumed, nowQueried, err := desk.counts()
	if err != nil {
		return err
	}
	fmt.Printf("  %-10s all cut at once: all live again in %.1f s; %d resumes from memory, %d by query; ordinary pages meanwhile p99 %.0f ms of %d\n",
		s.name(), back.Seconds(), nowResumed-resumed, nowQueried-queried, ms(quantile(took, .99)), len(took))
	wait(ctx, settle)
	fmt.Printf("  %-10s memory after that %+.1f KB a stream\n", s.name(), float64(memory(s.process())-idle)/readers)
	return nil
}

// measureCommon: changes that every stream is told of, at a common rate and up to the limit.
func measureCommon(ctx context.Context, s side) error {
	c := newCrowd(s)
	defer c.close()
	before := memory(s.process())
	if _, err := c.open(ctx, 0); err != nil {
		return err
	}
	wait(ctx, settle)
	idle := memory(s.process())
	step := func(rate int, d time.Duration) (kept bool, line string, err error) {
		c.reset()
		busy, begun := processorTime(s.process()), time.Now()
		late, err := pace(ctx, rate, d, func(n int) error { return s.changeAll(ctx, n) })
		if err != nil {
			return false, "", err
		}
		expected := int64(d.Seconds()*float64(rate)) * readers
		c.wait(ctx, expected)
		cores := (processorTime(s.process()) - busy).Seconds() / time.Since(begun).Seconds()
		p99 := c.quantile(.99)
		line = fmt.Sprintf("%d of %d arrived, p50 %.0f ms, p99 %.0f ms, %.2f cores%s", c.arrived.Load(), expected, ms(c.quantile(.5)), ms(p99), cores, lateness(late))
		return late <= maxLate && p99 <= maxLatency && c.arrived.Load() == expected, line, nil
	}
	if _, _, err := step(commonRate, time.Second); err != nil { // warm
		return err
	}
	_, line, err := step(commonRate, commonFor)
	if err != nil {
		return err
	}
	fmt.Printf("  %-10s %d changes/s to all: %s\n", s.name(), commonRate, line)
	most := 0
	for rate := rampFrom; rate <= rampTo; rate += max(2, rate/8) {
		kept, line, err := step(rate, rampFor)
		if err != nil {
			return err
		}
		if !kept {
			fmt.Printf("  %-10s too much is %d a second: %s\n", s.name(), rate, line)
			break
		}
		most = rate
	}
	fmt.Printf("  %-10s kept up with %d changes/s: %d deliveries a second, none missing\n", s.name(), most, most*readers)
	wait(ctx, settle)
	after := memory(s.process())
	fmt.Printf("  %-10s memory idle %.1f KB a stream, after the burst %.1f\n", s.name(), float64(idle-before)/readers, float64(after-before)/readers)
	return nil
}

// pace calls f at rate for d and says how far it fell behind. A few callers share the work: one commit at a
// time would be the limit otherwise.
func pace(ctx context.Context, rate int, d time.Duration, f func(n int) error) (late time.Duration, err error) {
	var mu sync.Mutex
	var workers sync.WaitGroup
	due := make(chan int, rate*int(d/time.Second+1))
	begun := time.Now()
	at := func(n int) time.Time { return begun.Add(time.Duration(n) * time.Second / time.Duration(rate)) }
	for range 4 {
		workers.Go(func() {
			for n := range due {
				if e := f(n); e != nil {
					mu.Lock()
					err = e
					mu.Unlock()
				}
				mu.Lock()
				late = max(late, time.Since(at(n)))
				mu.Unlock()
			}
		})
	}
	for n := range int(d.Seconds() * float64(rate)) {
		wait(ctx, time.Until(at(n)))
		due <- n
	}
	close(due)
	workers.Wait()
	if ctx.Err() != nil {
		return late, ctx.Err()
	}
	return late, err
}

func lateness(late time.Duration) string {
	if late <= maxLate {
		return ""
	}
	return fmt.Sprintf(", publisher %.0f ms late", ms(late))
}

func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func raiseDescriptors() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = limit.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Cur < 2*readers {
		return fmt.Errorf("this needs %d open files; ulimit -Hn says %d", 2*readers, limit.Cur)
	}
	return os.Setenv("GOTRACEBACK", "single")
}
