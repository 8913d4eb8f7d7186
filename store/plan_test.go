package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/jackc/pgx/v5"
)

const (
	planTickets = 20000
	page        = 8192 // bytes; what PostgreSQL reads at a time
)

// overheard collects what a store says to the database.
type overheard struct {
	mu         sync.Mutex
	statements []statement
}

type statement struct {
	sql  string
	args []any
}

func (o *overheard) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	o.hear(data.SQL, data.Args)
	return ctx
}

func (o *overheard) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	for _, q := range data.Batch.QueuedQueries {
		o.hear(q.SQL, q.Arguments)
	}
	return ctx
}

func (o *overheard) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (o *overheard) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

func (o *overheard) hear(sql string, args []any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if words := strings.Fields(sql); slices.Contains([]string{"SELECT", "WITH"}, strings.ToUpper(words[0])) {
		o.statements = append(o.statements, statement{sql, args})
	}
}

func (o *overheard) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// take returns what was said since it was last asked.
func (o *overheard) take() []statement {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := o.statements
	o.statements = nil
	return taken
}

// planNode is what EXPLAIN tells of one step of a plan.
type planNode struct {
	Type     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Rows     float64    `json:"Actual Rows"`
	Removed  float64    `json:"Rows Removed by Filter"`
	Loops    float64    `json:"Actual Loops"`
	Hit      int        `json:"Shared Hit Blocks"`
	Read     int        `json:"Shared Read Blocks"`
	Plans    []planNode `json:"Plans"`
}

func (n planNode) walk(visit func(planNode)) {
	visit(n)
	for _, child := range n.Plans {
		child.walk(visit)
	}
}

// large are the tables that grow for ever. Nothing that people wait for reads one of them whole.
func large(relation string) bool {
	return slices.Contains([]string{"tickets", "ticket_activities", "ticket_tags", "attachments", "documents"}, relation) ||
		strings.HasPrefix(relation, "event") && relation != "event_epochs"
}

// The plans of what is asked most, as the role and with the claims of who asks: an owner's plans are others. Pages
// counts all that a statement reads, also what its functions do.
func TestPlansDoNotGrowWithTheTables(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	if err := store.Demo(ctx, db.URL, db.Files); err != nil {
		t.Fatal(err)
	}
	if err := store.DemoVolume(ctx, db.OwnerURL, planTickets, func(string, int, int) {}); err != nil {
		t.Fatal(err)
	}
	// A log with something in it, of tickets that many have.
	for i := range 30 {
		db.Exec(t, `UPDATE tickets SET priority = CASE priority WHEN 'low' THEN 'medium' ELSE 'low' END WHERE number % 300 = $1`, i)
	}
	db.Exec(t, `INSERT INTO notifications (user_id, kind, ticket_id, read_at)
		SELECT u.id, 'answered', t.id, CASE WHEN t.number % 50 > 0 THEN now() END
		FROM tickets t JOIN (SELECT id, row_number() OVER (ORDER BY id) AS n, count(*) OVER () AS n_all FROM users WHERE user_role = 'agent') u ON t.number % u.n_all + 1 = u.n`)
	db.Exec(t, `VACUUM ANALYZE`)

	var heard overheard
	asked, closeIt, err := db.Store.Traced(&heard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeIt)
	one := func(sql string, into any) {
		t.Helper()
		if err := db.Owner.QueryRow(ctx, sql).Scan(into); err != nil {
			t.Fatal(err)
		}
	}
	session := func(role store.Role, email string) store.Actor {
		return db.Session(t, store.Actor{Role: role, Portal: role, Email: email, UserID: idOf(t, db, email)})
	}
	var busy string // who wrote most of the tickets
	one(`SELECT u.email FROM tickets t JOIN users u ON u.id = t.client_id GROUP BY u.id ORDER BY count(*) DESC LIMIT 1`, &busy)
	agent, admin, client := session(store.Agent, "agent@example.com"), session(store.Admin, "admin@example.com"), session(store.Client, busy)
	var rare string // on one ticket or two
	one(`SELECT substring(description FROM '[A-Z]{2}-[0-9]{5}') FROM tickets WHERE description ~ '[A-Z]{2}-[0-9]{5}' ORDER BY number LIMIT 1`, &rare)
	var long, own int64
	one(`SELECT t.number FROM tickets t JOIN ticket_activities a ON a.ticket_id = t.id GROUP BY t.id ORDER BY count(*) DESC LIMIT 1`, &long)
	one(`SELECT max(t.number) FROM tickets t JOIN users u ON u.id = t.client_id WHERE u.email = '`+busy+`'`, &own)
	asking := func(text string) store.Query {
		q, err := store.ParseQuery(store.Agent, text)
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	list := func(filter store.TicketFilter) func(store.Actor) error {
		return func(actor store.Actor) error {
			found, err := asked.Tickets(ctx, actor, filter)
			if err != nil || len(found.Tickets) == 0 {
				return fmt.Errorf("%d tickets, %w", len(found.Tickets), err)
			}
			if found.Next != "" {
				filter.After = found.Next
				_, err = asked.Tickets(ctx, actor, filter)
			}
			return err
		}
	}

	for _, q := range []struct {
		name  string
		actor store.Actor
		pages int // at most, a statement
		ask   func(store.Actor) error
	}{
		{"all tickets", agent, 700, list(store.TicketFilter{})},
		{"all tickets, oldest first", agent, 700, list(store.TicketFilter{Sort: "age"})},
		{"the queue", agent, 700, list(store.TicketFilter{Query: asking("status:active assignee:none -is:snoozed"), Sort: "priority"})},
		{"an agent's tickets", agent, 700, list(store.TicketFilter{Query: asking("status:active assignee:me -is:snoozed")})},
		{"tickets of a status", agent, 700, list(store.TicketFilter{Query: asking("status:pending")})},
		{"a long ticket", agent, 700, func(a store.Actor) error { _, err := asked.Thread(ctx, a, long, 0); return err }},
		{"a ticket's version", agent, 20, func(a store.Actor) error { _, err := asked.TicketVersion(ctx, a, long); return err }},
		{"the version of lists", agent, 50, func(a store.Actor) error { _, err := asked.ListVersion(ctx, a); return err }},
		{"the agent's dashboard", agent, 700, func(a store.Actor) error { _, err := asked.AgentDashboard(ctx, a); return err }},
		{"counts of views", agent, 3000, func(a store.Actor) error {
			counts, _, err := asked.CountTickets(ctx, a, []string{"status:active assignee:none -is:snoozed", "status:active assignee:me", "status:pending", "status:closed",
				"resolved:7d", "is:snoozed", "priority:urgent status:active", ""})
			if err == nil && len(counts) != 8 {
				err = fmt.Errorf("%d counts", len(counts))
			}
			return err
		}},
		{"the palette", agent, 700, func(a store.Actor) error { _, err := asked.FindFirst(ctx, a); return err }},
		{"search by a rare word", agent, 1000, func(a store.Actor) error { _, err := asked.Search(ctx, a, store.Search{Text: rare}); return err }},
		{"a ticket's number in the palette", agent, 100, func(a store.Actor) error { _, err := asked.Find(ctx, a, fmt.Sprint(long)); return err }},
		{"what is unread", agent, 700, func(a store.Actor) error { _, err := asked.UnreadNotifications(ctx, a, 20); return err }},
		{"what one was told", agent, 700, func(a store.Actor) error { _, err := asked.Notifications(ctx, a, 0, 20); return err }},
		{"the admin's overview", admin, 9000, func(a store.Actor) error { _, err := asked.AdminDashboard(ctx, a); return err }},
		{"a client's tickets", client, 2000, list(store.TicketFilter{})},
		{"a client's ticket", client, 700, func(a store.Actor) error { _, err := asked.Thread(ctx, a, own, 0); return err }},
		{"the version of a client's lists", client, 700, func(a store.Actor) error { _, err := asked.ListVersion(ctx, a); return err }},
		{"the client's dashboard", client, 700, func(a store.Actor) error { _, err := asked.ClientDashboard(ctx, a); return err }},
	} {
		t.Run(q.name, func(t *testing.T) {
			heard.take()
			if err := q.ask(q.actor); err != nil {
				t.Fatal(err)
			}
			said := heard.take()
			if len(said) == 0 {
				t.Fatal("nothing was asked")
			}
			for _, s := range said {
				checkPlan(t, db, q.actor, s, q.pages)
			}
		})
	}
}

func checkPlan(t *testing.T, db *storetest.DB, actor store.Actor, s statement, pages int) {
	t.Helper()
	var text []byte
	var role string
	err := db.Store.Seeing(context.Background(), actor, func(tx pgx.Tx) error {
		if err := tx.QueryRow(context.Background(), `SELECT current_user`).Scan(&role); err != nil {
			return err
		}
		return tx.QueryRow(context.Background(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+s.sql, s.args...).Scan(&text)
	})
	if err != nil || role != "authenticated" {
		t.Fatalf("%v as %s, of %s", err, role, s.sql)
	}
	var explained []struct{ Plan planNode }
	if err := json.Unmarshal(text, &explained); err != nil {
		t.Fatal(err)
	}
	plan := explained[0].Plan
	if read := plan.Hit + plan.Read; read > pages {
		t.Errorf("reads %d pages (%d KB), more than %d, for\n%s\n%s", read, read*page/1024, pages, s.sql, text)
	}
	plan.walk(func(n planNode) {
		if n.Type == "Seq Scan" && large(n.Relation) && n.Loops > 0 && n.Rows+n.Removed > 100 {
			t.Errorf("reads all of %s for\n%s\n%s", n.Relation, s.sql, text)
		}
	})
}
