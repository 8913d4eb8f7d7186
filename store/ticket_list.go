package store

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// PageSize is how many rows a list shows at a time.
const PageSize = 50

// TicketFilter is which tickets a list has, in which order, and which piece of it is asked for.
type TicketFilter struct {
	Query  Query
	Sort   TicketSort // by default the last changed first
	After  string     // a page's Next: the rows that follow it
	Before string     // a page's Previous: the rows that precede it
	Limit  int        // PageSize where 0
}

// TicketSort is what a list is ordered by. A leading "-" turns the order round.
type TicketSort string

// ticketSorts maps each order to its key. Each ends with the number, so that no two rows are equal.
var ticketSorts = map[TicketSort]struct {
	key, client, kind string
	descending        bool
	demands           Term
}{
	"updated": {key: "t.updated_at", client: "t.client_updated_at", kind: "timestamptz", descending: true},
	"age":     {key: "t.created_at", kind: "timestamptz"},
	"status":  {key: "t.status_rank", kind: "smallint"},
	// The most pressing first, and of those the oldest: both ascend, so that one comparison pages through them.
	"priority": {key: "t.priority_rank", kind: "smallint"},
	"assignee": {key: "coalesce(g.full_name, '')", kind: "text"},
	// These two are of tickets that have the time: the query must demand it, since a list hides nothing it does not say.
	"waiting":  {key: "t.waiting_since", kind: "timestamptz", demands: Term{Field: FieldIs, Values: []string{"unanswered"}}},
	"resolved": {key: "t.resolved_at", kind: "timestamptz", descending: true, demands: Term{Field: FieldResolved, Values: []string{"30d"}}},
}

// Valid says whether lists can be ordered so.
func (s TicketSort) Valid() bool {
	_, ok := ticketSorts[TicketSort(strings.TrimPrefix(string(s), "-"))]
	return ok
}

// sortable says whether a list of q can be ordered by the sort key: each of its tickets has what it goes by.
func (q Query) sortable(key string) bool {
	needs := ticketSorts[TicketSort(key)].demands
	return needs.Field == "" || slices.ContainsFunc(q.parts(), func(n Node) bool {
		t, ok := n.(Term)
		return ok && t.Field == needs.Field && (needs.Field == FieldResolved || slices.Equal(t.Values, needs.Values))
	})
}

// SortKeys lists the keys that a list of q can be ordered by, for role.
func (q Query) SortKeys(role Role) []string {
	keys := []string{"updated", "age", "priority", "status", "assignee"}
	if role.Staff() && q.sortable("waiting") {
		keys = append(keys, "waiting")
	}
	if q.sortable("resolved") {
		keys = append(keys, "resolved")
	}
	return keys
}

// TicketPage is a piece of a list. Next and Previous are "" at its ends.
type TicketPage struct {
	Tickets  []Ticket
	Next     string
	Previous string
	Version  int64 // of the topic "tickets", as the actor may know it
}

// Tickets lists the tickets that the actor may see, a page at a time, by key. A name in the query that means nothing
// is *InvalidQuery; an unknown order or a damaged page key is *Invalid.
func (s *Store) Tickets(ctx context.Context, actor Actor, filter TicketFilter) (page TicketPage, err error) {
	defer wrap(&err, "Tickets")
	query, err := newTicketQuery(actor, filter)
	if err != nil {
		return TicketPage{}, err
	}
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		condition, err := filter.Query.condition(ctx, tx, actor, query.args)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		batch.Queue(listVersionSQL(actor)).QueryRow(func(row pgx.Row) error { return row.Scan(&page.Version) })
		batch.Queue(query.sql(condition), query.args).Query(func(rows pgx.Rows) error {
			page.Tickets, err = all[Ticket](rows, nil)
			return err
		})
		return tx.SendBatch(ctx, batch).Close()
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
	err = tx.QueryRow(ctx, listVersionSQL(actor)).Scan(&version)
	return version, err
}

func listVersionSQL(actor Actor) string {
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
	return sql
}

// ticketQuery is one page of a list as SQL, and what is needed to name its neighbours.
type ticketQuery struct {
	args     pgx.StrictNamedArgs
	filter   TicketFilter
	where    []string
	join     string
	order    string
	sort     string
	backward bool
	limit    int
}

func newTicketQuery(actor Actor, filter TicketFilter) (ticketQuery, error) {
	q := ticketQuery{filter: filter, limit: filter.Limit, args: pgx.StrictNamedArgs{}}
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
	if !filter.Query.sortable(q.sort) {
		fixed := filter.Query.Require(sort.demands).String()
		return q, &InvalidQuery{Text: filter.Query.String(), Mistakes: []Mistake{{
			Sentence: fmt.Sprintf("Not every ticket can be sorted by this, only those of %s.", Query{sort.demands}), Offer: fixed, Fixed: fixed}}}
	}
	key := sort.key
	if actor.Role == Client {
		if sort.client != "" {
			key = sort.client
		}
		// The policy says it too; said here, the index on the client serves.
		q.where = append(q.where, "t.client_id = (SELECT auth.uid())")
	}

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
		q.where = append(q.where, fmt.Sprintf("(%s, t.number) %s (@key::text::%s, @number)", key, beyond, sort.kind))
		q.args["key"], q.args["number"] = mark.Key, mark.Number
	}
	if q.sort == "assignee" {
		q.join = " LEFT JOIN users g ON g.id = t.agent_id"
	}
	q.order = fmt.Sprintf(" ORDER BY %s %s, t.number %s", key, direction, direction)
	return q, nil
}

// sql is the page's query. Its rows are picked before anything is joined to them; one more than shown tells whether
// there is a next page.
func (q ticketQuery) sql(condition string) string {
	return fmt.Sprintf("SELECT%s FROM (SELECT t.* FROM tickets t%s WHERE %s%s LIMIT %d) t%s%s",
		ticketColumns, q.join, strings.Join(append(q.where, condition), " AND "), q.order, q.limit+1, ticketPeople, q.order)
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
	case "waiting":
		k.Key = t.WaitingSince.Format(time.RFC3339Nano)
	case "resolved":
		k.Key = t.ResolvedAt.Format(time.RFC3339Nano)
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
	case "updated", "age", "waiting", "resolved":
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
