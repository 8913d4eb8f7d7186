package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"autocrm/migrations"
	"autocrm/postgres"
	"autocrm/store"

	"github.com/jackc/pgx/v5"
)

// runDesk measures the desk at a million tickets. They take a minute to make: DESK_DATA keeps them for the next time, as
// a folder of this program's own or as the address of a database that holds them (its owner's login). DESK_TICKETS is
// for trying with fewer.
func runDesk(ctx context.Context, binary, dir string) error {
	count := os.Getenv("DESK_TICKETS")
	if count == "" {
		count = "1000000"
	}
	data := os.Getenv("DESK_DATA")
	var owner, login string
	if strings.Contains(data, "://") {
		owner, login = data, data
	} else {
		if data == "" {
			data = filepath.Join(dir, "desk")
		}
		server, err := postgres.Start(ctx, postgres.Options{Dir: data, Durable: true})
		if err != nil {
			return err
		}
		defer server.Stop(context.Background())
		if err := server.EnsureDatabase(ctx, "autocrm"); err != nil {
			return err
		}
		owner, login = server.URL(postgres.Superuser, "autocrm"), server.URL("autocrm_web", "autocrm")
	}
	if _, err := migrations.Apply(ctx, owner); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, owner)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	env := []string{"DATA_DIR=" + filepath.Join(dir, "app"), "DATABASE_URL=" + login, "DATABASE_OWNER_URL=" + owner}
	if err := makeDesk(ctx, conn, binary, count, env); err != nil {
		return err
	}
	app, err := start(ctx, binary, env...)
	if err != nil {
		return err
	}
	defer app.stop()
	d := deskBench{app: app, conn: conn, people: map[store.Role]*person{}}
	if err := d.find(ctx); err != nil {
		return err
	}
	if err := d.measureAsked(ctx); err != nil {
		return err
	}
	if err := d.measureBulk(ctx); err != nil {
		return err
	}
	return d.measureWeight(ctx)
}

// makeDesk fills the database where it is empty, with the command that people have for it.
func makeDesk(ctx context.Context, conn *pgx.Conn, binary, count string, env []string) error {
	var people int
	if err := conn.QueryRow(ctx, `SELECT count(*) FROM users`).Scan(&people); err != nil || people > 0 {
		return err
	}
	begun := time.Now()
	command := exec.CommandContext(ctx, binary, "demo", "--tickets", count)
	command.Env, command.Stdout, command.Stderr = append(os.Environ(), env...), os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("autocrm demo --tickets %s: %w", count, err)
	}
	fmt.Printf("autocrm demo --tickets %s took %.0f s\n", count, time.Since(begun).Seconds())
	return nil
}

// deskBench is the running product with what the questions need to know of its data.
type deskBench struct {
	app    *app
	conn   *pgx.Conn
	people map[store.Role]*person
	long   []int64  // tickets of 50 messages, which everybody may read
	rare   []string // words of a handful of tickets
	common []string // words of a good part of all
	busy   string   // the address of the customer with most tickets
	tags   []string
	names  []string
}

func (d *deskBench) find(ctx context.Context) error {
	var tickets, entries int
	err := d.conn.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM tickets), (SELECT count(*) FROM ticket_activities),
		       (SELECT u.email FROM tickets t JOIN users u ON u.id = t.client_id GROUP BY u.id ORDER BY count(*) DESC LIMIT 1)`).
		Scan(&tickets, &entries, &d.busy)
	if err != nil {
		return err
	}
	fmt.Printf("\n%d tickets, %d timeline entries\n", tickets, entries)
	rows, err := d.conn.Query(ctx, `
		SELECT t.number FROM (
			SELECT ticket_id FROM ticket_activities WHERE activity_type IN ('comment', 'internal_note') GROUP BY 1 HAVING count(*) = 50 LIMIT 60
		) long JOIN tickets t ON t.id = long.ticket_id ORDER BY t.number`)
	if err != nil {
		return err
	}
	if d.long, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
		return err
	}
	// Order numbers such as NW-88213 stand on one ticket or two.
	rows, err = d.conn.Query(ctx, `
		SELECT DISTINCT substring(description FROM '[A-Z]{2}-[0-9]{5}') FROM tickets TABLESAMPLE SYSTEM (0.5)
		WHERE description ~ '[A-Z]{2}-[0-9]{5}' LIMIT 60`)
	if err != nil {
		return err
	}
	if d.rare, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return err
	}
	rows, err = d.conn.Query(ctx, `SELECT name FROM tags ORDER BY name LIMIT 3`)
	if err != nil {
		return err
	}
	if d.tags, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return err
	}
	d.common = []string{"printer", "order", "invoice", "new", "need", "delivery", "screen error", "same account", "thank you", "office paper", "please check", "old page"}
	d.names = []string{"mendes", "carla", "anna m", "printer", "100", "smith", "garc"}
	if len(d.long) == 0 || len(d.rare) == 0 {
		return fmt.Errorf("the data were not made by autocrm demo --tickets")
	}
	return nil
}

func (d *deskBench) as(ctx context.Context, portal store.Role) (*person, error) {
	if p := d.people[portal]; p != nil {
		return p, nil
	}
	email := string(portal) + "@example.com"
	if portal == store.Client {
		email = d.busy
	}
	p, err := d.app.signIn(ctx, portal, email)
	if err == nil {
		d.people[portal] = p
	}
	return p, err
}

// asked is a question and what it may take.
type asked struct {
	what   string
	portal store.Role
	within time.Duration // 0: nobody promised
	paths  []string      // asked in turn
	pause  time.Duration // between two: a crowd's questions are put for all of them at once, a few times a second
}

func (d *deskBench) questions() []asked {
	each := func(format string, values []string) (paths []string) {
		for _, v := range values {
			paths = append(paths, fmt.Sprintf(format, url.QueryEscape(v)))
		}
		return paths
	}
	var long []string
	for _, number := range d.long {
		long = append(long, fmt.Sprintf("/tickets/%d", number))
	}
	return []asked{
		{"the agent's dashboard", store.Agent, 0, []string{"/"}, 0},
		{"the queue", store.Agent, 30 * time.Millisecond, []string{"/queue"}, 0},
		{"my tickets", store.Agent, 30 * time.Millisecond, []string{"/my-tickets"}, 0},
		{"all tickets", store.Agent, 30 * time.Millisecond, []string{"/tickets"}, 0},
		{"all tickets, sorted", store.Agent, 30 * time.Millisecond, []string{"/tickets?sort=priority", "/tickets?sort=-age", "/tickets?sort=status", "/tickets?status=open&sort=priority"}, 0},
		{"a ticket of 50 messages", store.Agent, 30 * time.Millisecond, long, 0},
		{"search by a rare word", store.Agent, 50 * time.Millisecond, each("/tickets?q=%s", d.rare), 0},
		{"search by common words", store.Agent, 250 * time.Millisecond, each("/tickets?q=%s", d.common), 0},
		{"counts of the views", store.Agent, 50 * time.Millisecond, []string{"/views/list"}, 250 * time.Millisecond},
		{"the palette, opened", store.Agent, 20 * time.Millisecond, []string{"/palette"}, 0},
		{"the palette, typed in", store.Agent, 0, each("/palette?q=%s", d.names), 0},
		{"the admin's overview", store.Admin, 100 * time.Millisecond, []string{"/"}, 0},
		{"the customer's dashboard", store.Client, 0, []string{"/"}, 0},
		{"the customer's list", store.Client, 20 * time.Millisecond, []string{"/tickets"}, 0},
	}
}

// measureAsked asks one question after the other, warm, and prints how long the answers took.
func (d *deskBench) measureAsked(ctx context.Context) error {
	fmt.Printf("\nwarm, one request at a time, as a person under row-level security, ms\n")
	for _, q := range d.questions() {
		p, err := d.as(ctx, q.portal)
		if err != nil {
			return err
		}
		var took []time.Duration
		var size int64
		missing := error(nil)
		repetitions := 220
		if q.pause > 0 {
			repetitions = 80
		}
		for i := range repetitions {
			if err := pauseBench(ctx, q.pause); err != nil {
				return err
			}
			begun := time.Now()
			if size, err = p.get(ctx, q.paths[i%len(q.paths)]); err != nil {
				missing = err
				break
			}
			if i >= 20 {
				took = append(took, time.Since(begun))
			}
		}
		if missing != nil {
			fmt.Printf("  %-7s %-28s %v\n", q.portal, q.what, missing)
			continue
		}
		slices.Sort(took)
		p50, p95 := took[len(took)/2], took[len(took)*95/100]
		fmt.Printf("  %-7s %-28s p50 %6.1f   p95 %6.1f   %4d KB   %s\n", q.portal, q.what, ms(p50), ms(p95), size/1024, verdict(p95, q.within))
	}
	return nil
}

// measureBulk changes about ten thousand tickets at once, all that a list shows, and undoes it.
func (d *deskBench) measureBulk(ctx context.Context) error {
	p, err := d.as(ctx, store.Agent)
	if err != nil {
		return err
	}
	var since time.Time
	err = d.conn.QueryRow(ctx, `SELECT date_trunc('day', created_at) + interval '1 day' FROM tickets ORDER BY created_at DESC OFFSET 10000 LIMIT 1`).Scan(&since)
	if err != nil {
		return err
	}
	list := "/tickets?q=" + url.QueryEscape("created:>="+since.Format(time.DateOnly))
	form := url.Values{"list": {list}, "whole": {"1"}, "do": {"priority high"}}
	fmt.Printf("\nchanging many tickets at once, from the press to the end\n")
	path := "/bulk"
	for _, what := range []string{"priority", "and undone"} {
		begun := time.Now()
		response, err := p.http.PostForm(p.base+path, form)
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("POST %s: %s", path, response.Status)
		}
		var id, state string
		var total, changed, refused int
		for state = "running"; state == "running"; {
			if err := pauseBench(ctx, 20*time.Millisecond); err != nil {
				return err
			}
			err := d.conn.QueryRow(ctx, `SELECT id::text, state, total, changed, refused FROM bulk_changes ORDER BY started_at DESC LIMIT 1`).
				Scan(&id, &state, &total, &changed, &refused)
			if err != nil {
				return err
			}
		}
		took := time.Since(begun)
		fmt.Printf("  agent   %-28s %s: %d tickets, %d changed, %d refused   %.1f s   %s\n", what, state, total, changed, refused,
			took.Seconds(), verdict(took, 10*time.Second))
		path = "/bulk/" + id + "/reversal"
	}
	return nil
}

func pauseBench(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func verdict(took, within time.Duration) string {
	switch {
	case within == 0:
		return ""
	case took <= within:
		return fmt.Sprintf("within %v", within)
	}
	return fmt.Sprintf("OVER %v", within)
}

var loaded = regexp.MustCompile(`(?:src|href)="(/static/[^"]+)"`)

// measureWeight adds up what a browser loads with a page: all of it at first, the page alone afterwards.
func (d *deskBench) measureWeight(ctx context.Context) error {
	fmt.Printf("\nsize of a page as it is sent, KB: on the first visit with all it loads, and after\n")
	for _, visit := range []struct {
		portal store.Role
		path   string
	}{
		{store.Agent, "/"}, {store.Agent, "/queue"}, {store.Agent, "/tickets"}, {store.Agent, fmt.Sprintf("/tickets/%d", d.long[0])},
		{store.Client, "/"}, {store.Client, "/tickets"}, {store.Admin, "/"},
	} {
		p, err := d.as(ctx, visit.portal)
		if err != nil {
			return err
		}
		sent, page, err := p.weigh(ctx, visit.path)
		if err != nil {
			return err
		}
		all, seen := sent, map[string]bool{}
		for _, found := range loaded.FindAllSubmatch(page, -1) {
			path := string(found[1])
			if seen[path] {
				continue
			}
			seen[path] = true
			part, _, err := p.weigh(ctx, path)
			if err != nil {
				return err
			}
			all += part
		}
		fmt.Printf("  %-7s %-16s first %5.1f (%d files)   after %5.1f\n", visit.portal, visit.path, kb(all), len(seen), kb(sent))
	}
	return nil
}

func kb(bytes int) float64 { return float64(bytes) / 1024 }

// weigh asks as browsers do and says how many bytes of body were sent, and, of a page, what they unpack to.
func (p *person) weigh(ctx context.Context, path string) (sent int, body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+path, nil)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Accept-Encoding", "gzip, br")
	response, err := p.http.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", path, response.Status)
	}
	if err != nil {
		return 0, nil, err
	}
	if response.Header.Get("Content-Encoding") != "gzip" {
		return len(raw), raw, nil
	}
	unpacked, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(unpacked)
	return len(raw), body, err
}
