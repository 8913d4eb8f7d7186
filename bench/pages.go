package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"time"

	"autocrm/migrations"
	"autocrm/store"

	"github.com/jackc/pgx/v5"
	"gocloud.dev/blob/memblob"
)

const tickets = 10000

// fill makes the demo's people and as many tickets as the figures are for, with five entries each.
func fill(ctx context.Context, owner string) error {
	if _, err := migrations.Apply(ctx, owner); err != nil {
		return err
	}
	// The demo brings people who can sign in. Its files are not asked for.
	files := memblob.OpenBucket(nil)
	defer files.Close()
	if err := store.Demo(ctx, owner, files); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, owner)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	// As a restored backup comes in: without triggers, so that it takes seconds.
	_, err = conn.Exec(ctx, `
		SET session_replication_role = replica;
		INSERT INTO users (email, full_name, user_role)
			SELECT 'client' || n || '@example.com', 'Client ' || n, 'client' FROM generate_series(1, 500) n;
		INSERT INTO users (email, full_name, user_role)
			SELECT 'agent' || n || '@example.com', 'Agent ' || n, 'agent' FROM generate_series(1, 20) n;
		WITH clients AS (SELECT array_agg(id) AS ids FROM users WHERE user_role = 'client'),
		     agents AS (SELECT array_agg(id) AS ids FROM users WHERE user_role = 'agent')
		INSERT INTO tickets (client_id, agent_id, subject, description, status, priority, created_at, updated_at, client_updated_at, first_response_at, resolved_at)
			SELECT clients.ids[1 + n * 7 % array_length(clients.ids, 1)],
			       CASE WHEN n % 10 > 1 THEN agents.ids[1 + n * 13 % array_length(agents.ids, 1)] END,
			       'Ticket about matter ' || n, repeat('Words of the customer. ', 20),
			       (ARRAY['closed', 'resolved', 'closed', 'open', 'closed', 'pending', 'closed', 'new', 'resolved', 'on_hold'])[1 + n * 3 % 10],
			       (ARRAY['low', 'medium', 'medium', 'high', 'urgent'])[1 + n % 5],
			       now() - n * interval '10 minutes', now() - n * interval '9 minutes', now() - n * interval '9 minutes',
			       now() - n * interval '10 minutes' + interval '1 hour',
			       CASE WHEN n * 3 % 10 IN (0, 1, 2, 4, 6, 8) THEN now() - n * interval '9 minutes' END
			FROM generate_series(1, `+fmt.Sprint(tickets)+`) n, clients, agents;
		INSERT INTO ticket_activities (ticket_id, user_id, activity_type, content, is_internal, created_at)
			SELECT t.id, CASE WHEN k % 2 = 0 THEN t.client_id ELSE coalesce(t.agent_id, t.client_id) END,
			       CASE WHEN k = 4 THEN 'internal_note' ELSE 'comment' END, repeat('Words of an **answer**. ', 15), k = 4, t.created_at + k * interval '20 minutes'
			FROM tickets t, generate_series(1, 5) k;
		SET session_replication_role = origin;
		ANALYZE`)
	return err
}

// person is somebody signed in on a portal.
type person struct {
	http *http.Client
	base string
}

// signIn goes through the sign-in page as a browser without scripts would.
func (a *app) signIn(ctx context.Context, portal store.Role, email string) (*person, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	p := &person{base: "http://" + string(portal) + ".localhost:" + a.port}
	p.http = &http.Client{Jar: jar, Transport: &http.Transport{
		// *.localhost is this machine to a browser; not every system's resolver knows.
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+a.port)
		},
		DisableCompression: true,
	}}
	form := url.Values{"email": {email}, "password": {store.DemoPassword}}
	response, err := p.http.PostForm(p.base+"/sign-in", form)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK || response.Request.URL.Path != "/" {
		return nil, fmt.Errorf("signing in as %s ended with %s at %s", email, response.Status, response.Request.URL)
	}
	return p, nil
}

func (p *person) get(ctx context.Context, path string) (size int64, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, nil)
	if err != nil {
		return 0, err
	}
	response, err := p.http.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("GET %s: %s", path, response.Status)
	}
	return io.Copy(io.Discard, response.Body)
}

// measurePages asks for each page again and again, one request at a time.
func measurePages(ctx context.Context, a *app, owner string) error {
	conn, err := pgx.Connect(ctx, owner)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var own int64 // a ticket of the client who asks
	err = conn.QueryRow(ctx, `SELECT max(number) FROM tickets t JOIN users u ON u.id = t.client_id WHERE u.email = 'client@example.com'`).Scan(&own)
	if err != nil {
		return err
	}

	fmt.Printf("\npages at %d tickets, warm, one request at a time, ms\n", tickets)
	for _, visit := range []struct {
		portal store.Role
		paths  []string
	}{
		{store.Client, []string{"/", "/tickets", fmt.Sprintf("/tickets/%d", own)}},
		{store.Agent, []string{"/", "/queue", "/my-tickets", "/tickets", "/tickets?status=open&sort=priority", "/tickets/1001", "/tickets/6001"}},
		{store.Admin, []string{"/", "/tickets", "/users", "/tickets/6001"}},
	} {
		p, err := a.signIn(ctx, visit.portal, string(visit.portal)+"@example.com")
		if err != nil {
			return err
		}
		for _, path := range visit.paths {
			var took []time.Duration
			var size int64
			for i := range 220 {
				begun := time.Now()
				if size, err = p.get(ctx, path); err != nil {
					return err
				}
				if i >= 20 {
					took = append(took, time.Since(begun))
				}
			}
			slices.Sort(took)
			fmt.Printf("  %-7s %-36s p50 %6.1f   p95 %6.1f   %4d KB\n", visit.portal, path, ms(took[100]), ms(took[190]), size/1024)
		}
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
