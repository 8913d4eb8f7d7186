package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// PageSize is how many rows a list shows at a time.
const PageSize = 50

// TicketFilter narrows a list; a zero field does not.
type TicketFilter struct {
	Status     Status
	Active     bool // only tickets that somebody still has to do something about
	Priority   Priority
	Assignee   *uuid.UUID
	Unassigned bool
	Younger    time.Duration // created at most so long ago
	Older      time.Duration // created longer ago
	Sort       TicketSort    // by default the last changed first
	After      string        // a page's Next: the rows that follow it
	Before     string        // a page's Previous: the rows that precede it
	Limit      int           // PageSize where 0
}

// TicketSort is what a list is ordered by. A leading "-" turns the order round.
type TicketSort string

// ticketSorts maps each order to its key. Each ends with the number, so that no two rows are equal.
var ticketSorts = map[TicketSort]struct {
	key, client, kind string
	descending        bool
}{
	"updated": {key: "t.updated_at", client: "t.client_updated_at", kind: "timestamptz", descending: true},
	"age":     {key: "t.created_at", kind: "timestamptz"},
	"status":  {key: "t.status_rank", kind: "smallint"},
	// The most pressing first, and of those the oldest: both ascend, so that one comparison pages through them.
	"priority": {key: "t.priority_rank", kind: "smallint"},
	"assignee": {key: "coalesce(g.full_name, '')", kind: "text"},
}

// Valid says whether lists can be ordered so.
func (s TicketSort) Valid() bool {
	_, ok := ticketSorts[TicketSort(strings.TrimPrefix(string(s), "-"))]
	return ok
}

// TicketPage is a piece of a list. Next and Previous are "" at its ends.
type TicketPage struct {
	Tickets  []Ticket
	Next     string
	Previous string
	Version  int64 // of the topic "tickets", as the actor may know it
}

// Tickets lists the tickets that the actor may see, a page at a time, by key. An unknown filter value or a
// damaged page key is *Invalid.
func (s *Store) Tickets(ctx context.Context, actor Actor, filter TicketFilter) (page TicketPage, err error) {
	defer wrap(&err, "Tickets")
	query, err := newTicketQuery(actor, filter)
	if err != nil {
		return TicketPage{}, err
	}
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if page.Version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		page.Tickets, err = all[Ticket](tx.Query(ctx, query.sql, query.args))
		return err
	})
	if err != nil {
		return TicketPage{}, err
	}
	return query.cut(page), nil
}

// ListVersion is the version of the topic "tickets" for the actor: what a list made now would carry.
func (s *Store) ListVersion(ctx context.Context, actor Actor) (version int64, err error) {
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		version, err = listVersion(ctx, tx, actor)
		return err
	})
	return version, err
}

// listVersion is the place of the last commit that the actor may know of. For a client that is not the last
// commit of all: when something happened out of its sight is nothing it may read either.
func listVersion(ctx context.Context, tx pgx.Tx, actor Actor) (version int64, err error) {
	sql := `SELECT greatest((SELECT max(floor) FROM event_epochs), (SELECT max(place) FROM event_commits))`
	if actor.Role == Client {
		sql = `
		SELECT greatest(
			(SELECT max(c.place) FROM events e JOIN event_commits c USING (xid) WHERE e.client_id = (SELECT auth.uid())),
			(SELECT max(c.place) FROM events e JOIN event_commits c USING (xid) WHERE e.old_client_id = (SELECT auth.uid())),
			-- What the log has forgotten: two lists that differ must never have one version.
			(SELECT (extract(epoch FROM max(client_updated_at)) * 1000000)::bigint FROM tickets WHERE client_id = (SELECT auth.uid())),
			0)`
	}
	err = tx.QueryRow(ctx, sql).Scan(&version)
	return version, err
}

// ticketQuery is one page of a list as SQL, and what is needed to name its neighbours.
type ticketQuery struct {
	sql      string
	args     pgx.StrictNamedArgs
	filter   TicketFilter
	sort     string
	backward bool
	limit    int
	client   bool
	where    []string // what narrows the list, without the page
}

func newTicketQuery(actor Actor, filter TicketFilter) (ticketQuery, error) {
	q := ticketQuery{filter: filter, limit: filter.Limit, args: pgx.StrictNamedArgs{}, client: actor.Role == Client}
	if q.limit <= 0 || q.limit > PageSize {
		q.limit = PageSize
	}
	if filter.Sort == "" {
		filter.Sort = "updated"
	}
	if !filter.Sort.Valid() {
		return q, invalid("sort", "Sort by updated, age, status, priority or assignee.")
	}
	turned := strings.HasPrefix(string(filter.Sort), "-")
	q.sort = strings.TrimPrefix(string(filter.Sort), "-")
	sort := ticketSorts[TicketSort(q.sort)]
	key := sort.key
	if q.client && sort.client != "" {
		key = sort.client
	}

	var where []string
	if q.client {
		// The policy says it too; said here, the index on the client serves.
		where = append(where, "t.client_id = (SELECT auth.uid())")
	}
	if filter.Status != "" {
		if !filter.Status.Valid() {
			return q, invalid("status", "There is no status %q.", filter.Status)
		}
		where = append(where, "t.status = @status")
		q.args["status"] = filter.Status
	}
	if filter.Active {
		where = append(where, "t.status IN ('new', 'open', 'pending', 'on_hold')")
	}
	if filter.Priority != "" {
		if !filter.Priority.Valid() {
			return q, invalid("priority", "There is no priority %q.", filter.Priority)
		}
		where = append(where, "t.priority = @priority")
		q.args["priority"] = filter.Priority
	}
	if filter.Unassigned {
		where = append(where, "t.agent_id IS NULL")
	} else if filter.Assignee != nil {
		where = append(where, "t.agent_id = @assignee")
		q.args["assignee"] = filter.Assignee
	}

	if filter.Younger > 0 {
		where = append(where, "t.created_at >= now() - @younger::interval")
		q.args["younger"] = filter.Younger
	}
	if filter.Older > 0 {
		where = append(where, "t.created_at < now() - @older::interval")
		q.args["older"] = filter.Older
	}

	q.where = slices.Clone(where)
	at := filter.After
	if filter.Before != "" {
		at, q.backward = filter.Before, true
	}
	descending := sort.descending != turned != q.backward
	direction, beyond := "ASC", ">"
	if descending {
		direction, beyond = "DESC", "<"
	}
	if at != "" {
		mark, err := readPageKey(at, q.sort)
		if err != nil {
			return q, err
		}
		where = append(where, fmt.Sprintf("(%s, t.number) %s (@key::text::%s, @number)", key, beyond, sort.kind))
		q.args["key"], q.args["number"] = mark.Key, mark.Number
	}
	condition := ""
	if len(where) > 0 {
		condition = " WHERE " + strings.Join(where, " AND ")
	}
	byName := ""
	if q.sort == "assignee" {
		byName = " LEFT JOIN users g ON g.id = t.agent_id"
	}
	order := fmt.Sprintf(" ORDER BY %s %s, t.number %s", key, direction, direction)
	// The page's rows are picked before anything is joined to them. One more than shown tells whether there is
	// a next page.
	q.sql = fmt.Sprintf("SELECT%s FROM (SELECT t.* FROM tickets t%s%s%s LIMIT %d) t%s%s",
		ticketColumns, byName, condition, order, q.limit+1, ticketPeople, order)
	return q, nil
}

// cut takes the surplus row off the page and names the neighbours.
func (q ticketQuery) cut(page TicketPage) TicketPage {
	more := len(page.Tickets) > q.limit
	if more {
		page.Tickets = page.Tickets[:q.limit]
	}
	if q.backward {
		slices.Reverse(page.Tickets)
	}
	if len(page.Tickets) == 0 {
		return page
	}
	if more || q.backward {
		page.Next = q.pageKey(page.Tickets[len(page.Tickets)-1])
	}
	if (more && q.backward) || (!q.backward && q.filter.After != "") {
		page.Previous = q.pageKey(page.Tickets[0])
	}
	return page
}

// pageKey says where in its order a row stands.
type pageKey struct {
	Sort   string
	Key    string
	Number int64
}

func (q ticketQuery) pageKey(t Ticket) string {
	k := pageKey{Sort: q.sort, Number: t.Number}
	switch q.sort {
	case "updated":
		k.Key = t.UpdatedAt.Format(time.RFC3339Nano)
	case "age":
		k.Key = t.CreatedAt.Format(time.RFC3339Nano)
	case "status":
		k.Key = fmt.Sprint(slices.Index(Statuses, t.Status) + 1)
	case "priority":
		k.Key = fmt.Sprint(len(Priorities) - slices.Index(Priorities, t.Priority))
	case "assignee":
		k.Key = t.AgentName
	}
	text, _ := json.Marshal(k)
	return base64.RawURLEncoding.EncodeToString(text)
}

// readPageKey accepts only what pageKey makes: the key is cast in SQL, and a hostile one must not fail there.
func readPageKey(text, sort string) (k pageKey, err error) {
	damaged := invalid("page", "This page of the list does not exist. Start again from the first.")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(raw, &k) != nil || k.Sort != sort || strings.ContainsRune(k.Key, 0) {
		return k, damaged
	}
	switch sort {
	case "updated", "age":
		at, err := time.Parse(time.RFC3339Nano, k.Key)
		if err != nil || at.Year() < 1 || at.Year() > 9999 {
			return k, damaged
		}
		k.Key = at.Format(time.RFC3339Nano)
	case "status", "priority":
		if rank, err := strconv.Atoi(k.Key); err != nil || rank < -9 || rank > 9 {
			return k, damaged
		}
	}
	return k, nil
}

// condition is what narrows the list, as a WHERE, with the arguments that it needs.
func (q ticketQuery) condition() string {
	if len(q.where) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(q.where, " AND ")
}

func (q ticketQuery) conditionArgs() pgx.StrictNamedArgs {
	args := maps.Clone(q.args)
	delete(args, "key")
	delete(args, "number")
	return args
}
