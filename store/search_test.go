package store_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
)

// The words of the property test: few, so that they meet; some are another's beginning, some need folding.
var searchWords = []string{"printer", "print", "paper", "jam", "Café", "cafe", "ÜBER", "uber", "don't", "e-mail", "mail", "x86", "42", "invoice", "inv"}

func someWords(r *rand.Rand, most int) string {
	words := make([]string, 1+r.IntN(most))
	for i := range words {
		words[i] = searchWords[r.IntN(len(searchWords))]
	}
	return strings.Join(words, []string{" ", ", ", ". ", "\n"}[r.IntN(4)])
}

// paper is a ticket as somebody may read it.
type paper struct {
	store.Ticket
	texts []string
	files int
}

// readable is all that a viewer may read of its tickets, by number.
func readable(t *testing.T, db *storetest.DB, who store.Actor) map[int64]paper {
	t.Helper()
	ctx := context.Background()
	papers := map[int64]paper{}
	page := store.TicketPage{Next: ""}
	for first := true; first || page.Next != ""; first = false {
		var err error
		if page, err = db.Store.Tickets(ctx, who, store.TicketFilter{After: page.Next}); err != nil {
			t.Fatal(err)
		}
		for _, ticket := range page.Tickets {
			thread, err := db.Store.Thread(ctx, who, ticket.Number, 0)
			if err != nil {
				t.Fatal(err)
			}
			own := paper{Ticket: thread.Ticket, texts: []string{fmt.Sprint(ticket.Number), ticket.Subject, ticket.Description}}
			if who.Role.Staff() {
				own.texts = append(own.texts, ticket.ClientName, ticket.ClientEmail)
			}
			files := thread.Files
			for _, a := range thread.Activities {
				own.texts = append(own.texts, a.Content)
				files = append(files, a.Files...)
			}
			for _, f := range files {
				own.texts = append(own.texts, f.FileName)
			}
			own.files = len(files)
			papers[ticket.Number] = own
		}
	}
	return papers
}

// flat is the brute force's own idea of words: lower case, no accents, only letters and digits.
func flat(text string) []string {
	text = strings.NewReplacer("é", "e", "É", "e", "ü", "u", "Ü", "u").Replace(text)
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
}

// reader is the brute force: it goes by what it reads on a ticket. ids are the people of the desk by their addresses.
type reader struct {
	store.Actor
	ids map[string]uuid.UUID
	now time.Time
}

// holds says whether a ticket fulfils a node.
func (r reader) holds(n store.Node, p paper) bool {
	switch n := n.(type) {
	case store.And:
		return !slices.ContainsFunc(n, func(n store.Node) bool { return !r.holds(n, p) })
	case store.Or:
		return slices.ContainsFunc(n, func(n store.Node) bool { return r.holds(n, p) })
	case store.Not:
		return !r.holds(n.Node, p)
	case store.Text:
		want := flat(n.Words)
		return len(want) > 0 && slices.ContainsFunc(p.texts, func(text string) bool {
			have := flat(text)
			for i := 0; i+len(want) <= len(have); i++ {
				last := len(want) - 1
				if slices.Equal(have[i:i+last], want[:last]) && (have[i+last] == want[last] || n.Prefix && strings.HasPrefix(have[i+last], want[last])) {
					return true
				}
			}
			return false
		})
	case store.Term:
		return r.compares(n, p)
	}
	panic("no brute force for this")
}

// termsOf are the comparisons in a query.
func termsOf(n store.Node) (terms []store.Term) {
	var parts []store.Node
	switch n := n.(type) {
	case store.Term:
		return []store.Term{n}
	case store.Not:
		return termsOf(n.Node)
	case store.And:
		parts = n
	case store.Or:
		parts = n
	}
	for _, part := range parts {
		terms = append(terms, termsOf(part)...)
	}
	return terms
}

func (r reader) compares(t store.Term, p paper) bool {
	active := slices.Contains([]store.Status{"new", "open", "pending", "on_hold"}, p.Status)
	one := func(is func(string) bool) bool { return slices.ContainsFunc(t.Values, is) }
	called := func(id uuid.UUID) func(string) bool {
		return func(v string) bool { return v == "me" && id == r.UserID || r.ids[v] == id }
	}
	switch t.Field {
	case store.FieldStatus:
		return one(func(v string) bool { return v == string(p.Status) || v == "active" && active })
	case store.FieldPriority:
		return slices.Contains(t.Values, string(p.Priority))
	case store.FieldAssignee:
		if p.AgentID == nil {
			return slices.Contains(t.Values, "none")
		}
		return one(called(*p.AgentID))
	case store.FieldFrom:
		return one(called(p.ClientID))
	case store.FieldTag:
		return one(func(v string) bool {
			return v == "none" && len(p.Tags) == 0 || slices.ContainsFunc(p.Tags, func(tag store.TicketTag) bool { return tag.Name == v })
		})
	case store.FieldCreated:
		return r.when(t, p.CreatedAt)
	case store.FieldUpdated:
		return r.when(t, p.UpdatedAt)
	case store.FieldResolved:
		return p.ResolvedAt != nil && r.when(t, *p.ResolvedAt)
	case store.FieldHas:
		return p.files > 0
	case store.FieldIs:
		return one(func(v string) bool {
			return v == "unanswered" && p.WaitingSince != nil && active || v == "snoozed" && p.SnoozedUntil != nil && p.SnoozedUntil.After(r.now)
		})
	case store.FieldNumber:
		return bounds(t, func(v string) int {
			n, _ := strconv.ParseInt(v, 10, 64)
			return cmp.Compare(p.Number, n)
		})
	}
	panic("no brute force for " + string(t.Field))
}

// when compares days by their dates and ages by their length. Of an age, less is later.
func (r reader) when(t store.Term, at time.Time) bool {
	days, isAge := strings.CutSuffix(t.Values[0], "d")
	if !isAge {
		return bounds(t, func(v string) int { return strings.Compare(at.UTC().Format(time.DateOnly)[:len(v)], v) })
	}
	if t.Compare == store.Equal {
		t.Compare = store.Less
	}
	n, _ := strconv.Atoi(days)
	return bounds(t, func(string) int { return cmp.Compare(r.now.Sub(at), time.Duration(n)*24*time.Hour) })
}

// bounds is what a comparison means, where compare says how the ticket's own stands to a value.
func bounds(t store.Term, compare func(string) int) bool {
	switch t.Compare {
	case store.Less:
		return compare(t.Values[0]) < 0
	case store.AtMost:
		return compare(t.Values[0]) <= 0
	case store.More:
		return compare(t.Values[0]) > 0
	case store.AtLeast:
		return compare(t.Values[0]) >= 0
	case store.Between:
		return (t.Values[0] == "" || compare(t.Values[0]) >= 0) && (t.Values[1] == "" || compare(t.Values[1]) <= 0)
	}
	return slices.ContainsFunc(t.Values, func(v string) bool { return compare(v) == 0 })
}

// someTerm is a comparison that role may ask for; some compare with what no ticket has.
func someTerm(r *rand.Rand, role store.Role) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	compare := func() string { return pick("", "<", "<=", ">", ">=") }
	day := func() string { return time.Now().UTC().AddDate(0, 0, -r.IntN(14)).Format(time.DateOnly) }
	times := []string{
		compare() + day(), compare() + day(), compare() + fmt.Sprintf("%dd", 1+r.IntN(12)), compare() + day()[:7],
		day() + "..", ".." + day(), time.Now().UTC().AddDate(0, 0, -9).Format(time.DateOnly) + ".." + time.Now().UTC().AddDate(0, 0, -3).Format(time.DateOnly),
	}
	terms := []string{
		"status:" + pick("active", "new", "open", "pending", "on_hold", "resolved", "closed", "cancelled", "open,resolved", "active,closed"),
		"priority:" + pick("urgent", "high", "medium", "low", "high,low"),
		"created:" + pick(times...), "updated:" + pick(times...), "resolved:" + pick(times...),
		"has:attachment",
		"number:" + pick("1003", "1002,1005,1099", "1004..1008", "..1003", "1007.."),
		"number:" + compare() + fmt.Sprint(1001+r.IntN(12)),
	}
	if role.Staff() {
		terms = append(terms,
			"assignee:"+pick("me", "none", "ana@example.com", "ada@example.com", "me,none", "none,ada@example.com"),
			"from:"+pick("me", "cleo@mail.example", "otto@example.com"),
			"tag:"+pick("vip", "none", "late", "vip,none", "vip,late"),
			"is:"+pick("unanswered", "snoozed", "unanswered,snoozed", "unassigned", "mine", "active"))
	}
	return pick(terms...)
}

func someQuery(r *rand.Rand, role store.Role, depth int) string {
	word := func() string { return searchWords[r.IntN(len(searchWords))] }
	var parts []string
	for range 1 + r.IntN(3) {
		part := ""
		switch k := r.IntN(14); {
		case k < 4:
			part = word()
		case k < 5:
			part = "pri*"
		case k < 7:
			part = `"` + word() + " " + word() + `"`
		case k < 8 && depth > 0:
			part = "(" + someQuery(r, role, depth-1) + " OR " + someQuery(r, role, depth-1) + ")"
		case k < 9 && depth > 0:
			part = "(" + someQuery(r, role, depth-1) + ")"
		case k < 10:
			part = fmt.Sprint(1001 + r.IntN(12))
		default:
			part = someTerm(r, role)
		}
		if r.IntN(4) == 0 {
			part = "-" + part
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}

// searchFixture is a small desk in which everything says the same few words.
func searchFixture(t *testing.T, db *storetest.DB, r *rand.Rand) (people []store.Actor) {
	t.Helper()
	ctx := context.Background()
	cleo, otto := db.Person(t, store.Client, "cleo@mail.example"), db.Person(t, store.Client, "otto@example.com")
	ana, ada := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Admin, "ada@example.com")
	db.Exec(t, `UPDATE users SET full_name = 'Jam Übermann' WHERE id = $1`, otto.UserID)
	for i := range 12 {
		client := []store.Actor{cleo, otto}[i%2]
		number, err := db.Store.Submit(ctx, client, store.NewTicket{ID: uuid.New(), Subject: someWords(r, 2), Description: someWords(r, 3), Priority: store.PriorityLow})
		if err != nil {
			t.Fatal(err)
		}
		for range r.IntN(4) {
			m := store.Message{ID: uuid.New(), Body: someWords(r, 4)}
			who := client
			if r.IntN(2) == 0 {
				who, m.Internal = ana, r.IntN(2) == 0
			}
			if r.IntN(3) == 0 {
				up, err := db.Store.Upload(ctx, searchWords[r.IntN(len(searchWords))]+"_scan.txt", strings.NewReader("x"))
				if err != nil {
					t.Fatal(err)
				}
				m.Files = []store.Upload{up}
			}
			if err := db.Store.Reply(ctx, who, number, m); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The fields differ as the words do. No time is near an age that is asked for.
	for number := int64(1001); number <= 1012; number++ {
		one := func(of ...string) string { return of[number%int64(len(of))] }
		at := func() string {
			return fmt.Sprintf("now() - interval '%d days 7 hours'", r.IntN(12))
		}
		db.Exec(t, `UPDATE tickets SET status = $2, priority = $3, agent_id = (SELECT id FROM users WHERE email = $4) WHERE number = $1`,
			number, one("new", "open", "pending", "on_hold", "resolved", "closed", "cancelled"), one("urgent", "high", "medium", "low"), one("ana@example.com", "ada@example.com", ""))
		db.Exec(t, `UPDATE tickets SET created_at = `+at()+` WHERE number = $1`, number)
		db.Exec(t, `UPDATE tickets SET updated_at = `+at()+`, client_updated_at = `+at()+`, resolved_at = CASE WHEN resolved_at IS NOT NULL THEN `+at()+` END WHERE number = $1`, number)
		if tags := one("", "", "vip", "late", "vip, late"); tags != "" {
			if err := db.Store.Tag(ctx, ana, number, tags); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, number := range []int64{1002, 1009} {
		db.Exec(t, `UPDATE tickets SET snoozed_until = now() + $2::interval WHERE number = $1`, number, []string{"1 hour", "-1 hour"}[number%2])
	}
	return []store.Actor{cleo, otto, ana, ada}
}

func foundBy(t *testing.T, db *storetest.DB, who store.Actor, text string, newest bool) []int64 {
	t.Helper()
	result, err := db.Store.Search(context.Background(), who, store.Search{Text: text, Newest: newest, Exact: true})
	if err != nil {
		t.Fatalf("%s searches %s: %v", who.Email, text, err)
	}
	numbers := []int64{}
	for _, hit := range result.Hits {
		numbers = append(numbers, hit.Ticket.Number)
	}
	return numbers
}

// TestSearchEqualsBruteForce: whatever is asked, each person finds exactly those of the tickets it may read that
// fulfil the query as it may read them; and nothing else, such as by the words of a note, is found by a client. A search
// finds the same as a list that is narrowed to it and as a view that counts it.
func TestSearchEqualsBruteForce(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.Store.Limits.SearchTime = time.Minute // what is found is asked here, of any query; TestSlowSearchIsGivenUp asks after the time
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	people := searchFixture(t, db, r)
	papers := make([]map[int64]paper, len(people))
	ids := map[string]uuid.UUID{}
	for i, who := range people {
		papers[i] = readable(t, db, who)
		ids[who.Email] = who.UserID
	}
	found, narrowed := 0, map[store.Field]int{}
	counted, counts := make([][]string, len(people)), make([][]int, len(people))
	for round := range 250 {
		text := someQuery(r, people[round%len(people)].Role, 2)
		for i, who := range people {
			query, err := store.ParseQuery(who.Role, text)
			if err != nil {
				var wrong *store.InvalidQuery
				if _, asked := db.Store.Search(context.Background(), who, store.Search{Text: text}); who.Role.Staff() || !errors.As(asked, &wrong) {
					t.Fatalf("%s: %v, %v", text, err, asked)
				}
				continue
			}
			read := reader{who, ids, time.Now()}
			want := []int64{}
			for number, own := range papers[i] {
				if read.holds(query.Root, own) {
					want = append(want, number)
				}
			}
			slices.Sort(want)
			found += len(want)
			counted[i], counts[i] = append(counted[i], text), append(counts[i], len(want))
			for _, term := range termsOf(query.Root) {
				n := 0
				for _, own := range papers[i] {
					if read.holds(term, own) {
						n++
					}
				}
				if n > 0 && n < len(papers[i]) {
					narrowed[term.Field]++
				}
			}
			for how, got := range map[string][]int64{"searches": foundBy(t, db, who, text, false), "searches the newest": foundBy(t, db, who, text, true),
				"lists": listedBy(t, db, who, query)} {
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("seed %d: %s %s %s: %v, want %v", seed, who.Email, how, text, got, want)
				}
			}
		}
	}
	for i, who := range people {
		for chunk := range slices.Chunk(counted[i], 10) {
			got, _, err := db.Store.CountTickets(context.Background(), who, chunk)
			if err != nil {
				t.Fatal(err)
			}
			for j, text := range chunk {
				if want := counts[i][j]; got[j] != store.CountUnknown && int(got[j]) != want {
					t.Errorf("seed %d: %s counts %d for %s, want %d", seed, who.Email, got[j], text, want)
				}
			}
			counts[i] = counts[i][len(chunk):]
		}
	}
	if found < 250 || len(narrowed) < 11 {
		t.Errorf("only %d tickets were to be found in all, and by %v: the test looks for nothing", found, narrowed)
	}
}

func listedBy(t *testing.T, db *storetest.DB, who store.Actor, query store.Query) []int64 {
	t.Helper()
	page, err := db.Store.Tickets(context.Background(), who, store.TicketFilter{Query: query})
	if err != nil {
		t.Fatalf("%s lists %s: %v", who.Email, query, err)
	}
	numbers := []int64{}
	for _, ticket := range page.Tickets {
		numbers = append(numbers, ticket.Number)
	}
	return numbers
}
