package store

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// SearchWindow is how many tickets a search ranks at most: the newest. Nobody reads further, and to rank all tickets
// that have a common word would take seconds.
const SearchWindow = 500

// Why a search found nothing, other than that there is nothing. Both are for words on the page, not failures.
var (
	ErrSearchSlow = errors.New("the search took longer than it may")
	ErrSearchBusy = errors.New("too many searches at once")
)

// What a search may take of what others need.
const (
	searchWait        = 2 * time.Second // for one of the searchers
	searchConnections = 2
	searchWaiters     = 16

	suggestionWindow = 100 // what suggestions are ranked of
)

// Search is what is looked for. The zero Order ranks the newest SearchWindow.
type Search struct {
	Text   string // in the language of ParseQuery
	Newest bool   // the newest first, without end, instead of the best first
	Below  int64  // where not 0: only tickets of a lower number. Pages of Newest walk by it, those of the ranked order stay in their window by it
	Page   int    // of the ranked order, from 0
	Exact  bool   // take misspelt words as they are
	limit  int
	typing bool // the last word goes on
}

// SearchResult is a page of what was found.
type SearchResult struct {
	Query     Query
	Hits      []Hit
	Count     int          // tickets found, SearchWindow at most; of Newest those of this page
	More      bool         // there are more than Count: the window, or this page, does not hold all
	Below     int64        // what to ask for the next page with
	Walked    bool         // the newest first, whatever was asked: without words there is nothing to rank by
	Last      bool         // no page follows
	Corrected []Correction // words that nothing has, and what was looked for instead
}

// Correction is a word that was taken for a misspelt one.
type Correction struct{ From, To string }

// Hit is a ticket found, and where: the pieces of its subject and of what it was found by.
type Hit struct {
	Ticket  Ticket
	Subject []Piece
	Where   string // message, note, description, file or "": what Snippet is of
	By      string // who wrote it, where that is known
	Snippet []Piece
	Person  []Piece // the requester's name, where it was found by it
}

// Piece is a piece of a text; Marked where it is what was looked for.
type Piece struct {
	Text   string
	Marked bool
}

// Search finds tickets that the actor may see. A text that cannot be followed is *InvalidQuery; see ErrSearchSlow and
// ErrSearchBusy for the rest.
func (s *Store) Search(ctx context.Context, actor Actor, search Search) (result SearchResult, err error) {
	defer wrap(&err, "Search")
	query, err := ParseQuery(actor.Role, search.Text)
	if err != nil || query.IsZero() {
		return SearchResult{Last: true}, err
	}
	if search.limit == 0 {
		search.limit = PageSize
	}
	if search.Below <= 0 {
		search.Below = math.MaxInt64
	}
	err = s.searching(ctx, actor, func(tx pgx.Tx) error {
		f := finder{tx: tx, actor: actor, search: search}
		if result, err = f.run(ctx, query); err != nil || len(result.Hits) > 0 || search.Exact || search.Page > 0 || search.Below < math.MaxInt64 {
			return err
		}
		return f.correct(ctx, query, &result)
	})
	return result, err
}

// typed lets the last word go on, where the text ends in it.
func typed(n Node, text string) Node {
	switch n := n.(type) {
	case Text:
		if !n.Phrase && strings.HasSuffix(text, n.Words) {
			n.Prefix = true
		}
		return n
	case And:
		n = slices.Clone(n)
		n[len(n)-1] = typed(n[len(n)-1], text)
		return n
	}
	return n
}

// finder is one search in its transaction.
type finder struct {
	tx     pgx.Tx
	actor  Actor
	search Search
	texts  map[Text]textWords
}

type numbered struct {
	ID     uuid.UUID
	Number int64
}

// run finds a page of the query.
func (f *finder) run(ctx context.Context, query Query) (result SearchResult, err error) {
	result.Query = query
	result.Last = true
	if f.texts, err = readTexts(ctx, f.tx, query.Root); err != nil {
		return result, err
	}
	want := SearchWindow
	switch {
	case f.search.Newest:
		want = f.search.limit
	case f.search.typing:
		want = suggestionWindow
	}
	found, err := f.find(ctx, query, want+1)
	if err != nil || len(found) == 0 {
		return result, err
	}
	if result.More = len(found) > want; result.More {
		found = found[:want]
	}
	result.Count = len(found)
	marks := marksOf(query.Root, f.texts)
	var tickets []Ticket
	if f.search.Newest || marks.query == "" {
		result.Walked = true
		result.Below = found[len(found)-1].Number
		if !f.search.Newest && len(found) > f.search.limit {
			result.Count, result.More = f.search.limit, true
			found = found[:f.search.limit]
			result.Below = found[len(found)-1].Number
		}
		result.Last = !result.More
		tickets, err = f.read(ctx, found)
	} else {
		if found, err = f.withNumbers(ctx, found, query, marks); err != nil {
			return result, err
		}
		result.Below = found[0].Number + 1
		result.Last = len(found) <= (f.search.Page+1)*f.search.limit
		tickets, err = f.rank(ctx, found, marks)
	}
	if err != nil {
		return result, err
	}
	result.Hits, err = f.show(ctx, tickets, marks)
	return result, err
}

// find lists the newest tickets of the query, as many as wanted. Every one of them was read through what the actor
// may see.
func (f *finder) find(ctx context.Context, query Query, want int) (found []numbered, err error) {
	bound := boundOf(query.Root, f.texts)
	if bound.none {
		return nil, nil
	}
	args := pgx.StrictNamedArgs{"below": f.search.Below, "want": want}
	condition := "true"
	if !bound.exact {
		// What the index answers for by itself need not be asked again of each ticket.
		rest := query
		if parts, ok := query.Root.(And); ok {
			rest.Root = allOf(slices.DeleteFunc(slices.Clone(parts), func(n Node) bool { return boundOf(n, f.texts).exact }))
		}
		if condition, err = rest.condition(ctx, f.tx, f.actor, args); err != nil {
			return nil, err
		}
	}
	if bound.all {
		return f.tickets(ctx, condition, args)
	}
	if !bound.exact && !onlyTexts(query.Root) {
		// Whether the words narrow more than the rest: who is rarer leads.
		var words, rest int
		if err := f.tx.QueryRow(ctx, `SELECT search.estimate($1)`, bound.query).Scan(&words); err != nil {
			return nil, err
		}
		if words > mostListed {
			if rest, err = f.guess(ctx, condition, args); err != nil {
				return nil, err
			}
			if rest < words {
				args["bound"] = bound.query
				return f.tickets(ctx, condition+" AND search.matches(t.id, @bound::text::tsquery)", args)
			}
		}
	}
	step := want
	if !bound.exact {
		step = 4 * want
	}
	below := f.search.Below
	for {
		candidates, err := all[numbered](f.tx.Query(ctx, `SELECT ticket_id AS id, number FROM search.newest($1, $2, $3)`, bound.query, below, step))
		if err != nil || len(candidates) == 0 {
			return found, err
		}
		ids := make([]uuid.UUID, len(candidates))
		for i, c := range candidates {
			ids[i] = c.ID
		}
		args["candidates"], args["want"] = ids, want-len(found)
		some, err := f.tickets(ctx, "t.id = ANY (@candidates) AND "+condition, args)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
		if len(found) >= want || len(candidates) < step {
			return found, nil
		}
		below = candidates[len(candidates)-1].Number
		step = min(step*2, 20000)
	}
}

// withNumbers adds the tickets whose number was typed, where the window of the newest ends before them.
func (f *finder) withNumbers(ctx context.Context, found []numbered, query Query, m marks) ([]numbered, error) {
	if len(m.numbers) == 0 {
		return found, nil
	}
	args := pgx.StrictNamedArgs{"below": found[len(found)-1].Number, "want": len(m.numbers), "numbers": m.numbers}
	condition, err := query.condition(ctx, f.tx, f.actor, args)
	if err != nil {
		return nil, err
	}
	more, err := f.tickets(ctx, "t.number = ANY (@numbers) AND "+condition, args)
	return append(found, more...), err
}

func (f *finder) tickets(ctx context.Context, condition string, args pgx.StrictNamedArgs) ([]numbered, error) {
	own := ""
	if f.actor.Role == Client {
		own = "t.client_id = (SELECT auth.uid()) AND " // the policy says it too; said here, the index on the client serves
	}
	return all[numbered](f.tx.Query(ctx, `SELECT t.id, t.number FROM tickets t WHERE `+own+`t.number < @below AND (`+condition+`)
		ORDER BY t.number DESC LIMIT @want`, args))
}

// guess is how many tickets the planner expects of a condition.
func (f *finder) guess(ctx context.Context, condition string, args pgx.StrictNamedArgs) (rows int, err error) {
	var plan []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	asked := pgx.StrictNamedArgs{}
	for name, value := range args {
		if name != "below" && name != "want" {
			asked[name] = value
		}
	}
	err = f.tx.QueryRow(ctx, `EXPLAIN (FORMAT JSON) SELECT FROM tickets t WHERE `+condition, asked, pgx.QueryExecModeSimpleProtocol).Scan(&plan)
	if err != nil || len(plan) == 0 {
		return 0, err
	}
	return int(plan[0].Plan.Rows), nil
}

// read gives the tickets in the order found.
func (f *finder) read(ctx context.Context, found []numbered) ([]Ticket, error) {
	return all[Ticket](f.tx.Query(ctx, `SELECT`+ticketColumns+ticketFrom+` WHERE t.id = ANY ($1) ORDER BY t.number DESC`, idsOf(found)))
}

// rank gives the page of the best. A ticket whose number was typed is the best of all; of two that fit as well the
// younger one is better.
func (f *finder) rank(ctx context.Context, found []numbered, marks marks) ([]Ticket, error) {
	return all[Ticket](f.tx.Query(ctx, `
		SELECT`+ticketColumns+`
		FROM (SELECT n.id, coalesce(n.number = ANY ($3), false)::int * 100 + r.rank * (1 + 1 / (1 + extract(epoch FROM now() - n.created_at) / 2592000)) AS score
			FROM search.ranked($1, $2) r JOIN tickets n ON n.id = r.ticket_id
			ORDER BY score DESC, n.number DESC LIMIT $4 OFFSET $5) best
		JOIN tickets t ON t.id = best.id`+ticketPeople+`
		ORDER BY best.score DESC, t.number DESC`, marks.query, idsOf(found), marks.numbers, f.search.limit, f.search.Page*f.search.limit))
}

func idsOf(found []numbered) []uuid.UUID {
	ids := make([]uuid.UUID, len(found))
	for i, n := range found {
		ids[i] = n.ID
	}
	return ids
}

// onlyTexts says whether the node is about words alone.
func onlyTexts(n Node) bool {
	only := true
	walk(n, func(n Node) {
		if _, ok := n.(Term); ok {
			only = false
		}
	})
	return only
}
