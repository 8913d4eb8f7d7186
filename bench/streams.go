package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"autocrm/store"

	"github.com/jackc/pgx/v5"
)

const (
	streams = 1000
	changes = 200
	between = 50 * time.Millisecond
)

// measureStreams opens the streams as agents, changes tickets in SQL, and times from each commit to each change event.
func measureStreams(ctx context.Context, a *app, owner string) error {
	conn, err := pgx.Connect(ctx, owner)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	agent, err := a.signIn(ctx, store.Agent, "agent@example.com")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	before := a.memory()
	var mu sync.Mutex
	committed := map[string]time.Time{} // the topic of a changed ticket -> when its commit returned
	var late []time.Duration
	var delivered atomic.Int64
	open := make(chan error, streams)
	for range streams {
		go agent.listen(ctx, open, func(data string) {
			now := time.Now()
			topic, _, _ := strings.Cut(strings.TrimPrefix(data, `{"topic":"`), `"`)
			mu.Lock()
			defer mu.Unlock()
			if at, ours := committed[topic]; ours {
				late = append(late, now.Sub(at))
				delivered.Add(1)
			}
		})
	}
	for range streams {
		if err := <-open; err != nil {
			return fmt.Errorf("open a stream: %w", err)
		}
	}
	fmt.Printf("\n%d streams open: %.1f KB each (%.1f MB in all, client not counted)\n",
		streams, float64(a.memory()-before)/streams, float64(a.memory())/1024)

	for i := range changes {
		number := 2001 + i
		mu.Lock() // so that no event is weighed before its commit is noted
		_, err := conn.Exec(ctx, `UPDATE tickets SET priority = CASE priority WHEN 'low' THEN 'high' ELSE 'low' END WHERE number = $1`, number)
		committed[fmt.Sprintf("ticket-%d", number)] = time.Now()
		mu.Unlock()
		if err != nil {
			return err
		}
		time.Sleep(between)
	}
	deadline := time.Now().Add(10 * time.Second)
	for delivered.Load() < streams*changes && time.Now().Before(deadline) {
		time.Sleep(10 * time.Millisecond)
	}
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(late)
	fmt.Printf("%d changes, one every %s: %d of %d events arrived\n", changes, between, len(late), streams*changes)
	if len(late) > 0 {
		fmt.Printf("  from commit to event  p50 %.1f ms   p99 %.1f ms   max %.1f ms\n",
			ms(late[len(late)/2]), ms(late[len(late)*99/100]), ms(late[len(late)-1]))
	}
	return nil
}

// listen holds one stream open and hands over each change; it says on open when hello has come, or what failed.
func (p *person) listen(ctx context.Context, open chan<- error, change func(data string)) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+"/live", nil)
	if err != nil {
		open <- err
		return
	}
	response, err := p.http.Do(request)
	if err != nil {
		open <- err
		return
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		open <- fmt.Errorf("%s", response.Status)
		return
	}
	event := ""
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		line := lines.Text()
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			event = name
		} else if data, ok := strings.CutPrefix(line, "data: "); ok && event == "change" {
			change(data)
		} else if ok && event == "hello" {
			open <- nil
		}
	}
}
