package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"autocrm/store"
)

const (
	herd       = 1000
	herdSpread = 200 * time.Millisecond // live.js spreads the asking for a list over this
	counted    = 12 * time.Second       // PostgreSQL adds up what a connection did at the latest after ten
)

// measureHerd changes a ticket that many agents have on a list, and has each of them ask for the list again.
func measureHerd(ctx context.Context, s side) error {
	d, ok := s.(*desk)
	if !ok {
		return nil
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: herd}}
	defer client.CloseIdleConnections()
	ask := func() (failed int, took []time.Duration) {
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range herd {
			all.Go(func() {
				time.Sleep(rand.N(herdSpread))
				begun := time.Now()
				err := d.get(ctx, client, store.Agent, i, "/tickets/rows")
				mu.Lock()
				defer mu.Unlock()
				took = append(took, time.Since(begun))
				if err != nil {
					failed++
				}
			})
		}
		all.Wait()
		return failed, took
	}
	ask() // connect, and have the sessions used
	if err := d.changeAll(ctx, 0); err != nil {
		return err
	}
	count := func() (n int, err error) {
		wait(ctx, counted)
		return d.transactions(ctx)
	}
	first, err := count()
	if err != nil {
		return err
	}
	idle, err := count() // what goes on anyway
	if err != nil {
		return err
	}
	failed, took := ask()
	after, err := count()
	if err != nil {
		return err
	}
	fmt.Printf("  %-10s %d agents ask for a list again within %s: %d database transactions; %d failed; p50 %.0f ms, p99 %.0f ms\n",
		s.name(), herd, herdSpread, after-idle-(idle-first), failed, ms(quantile(took, .5)), ms(quantile(took, .99)))
	return nil
}

func (d *desk) transactions(ctx context.Context) (n int, err error) {
	err = d.people.pool.QueryRow(ctx, `SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()`).Scan(&n)
	return n, err
}

// get asks for a page as one of the people.
func (d *desk) get(ctx context.Context, client *http.Client, role store.Role, person int, path string) error {
	cookie, err := d.cookie(role, d.people.tokens[role][person])
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.address()+path, nil)
	if err != nil {
		return err
	}
	request.Host = d.host(role)
	request.Header.Set("Cookie", cookie)
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	io.Copy(io.Discard, response.Body)
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return nil
}
