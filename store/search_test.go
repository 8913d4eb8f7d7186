package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
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

// readable is all that a viewer may read of its tickets: by number, the texts.
func readable(t *testing.T, db *storetest.DB, who store.Actor) map[int64][]string {
	t.Helper()
	ctx := context.Background()
	texts := map[int64][]string{}
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
			own := []string{fmt.Sprint(ticket.Number), ticket.Subject, ticket.Description}
			if who.Role.Staff() {
				own = append(own, ticket.ClientName, ticket.ClientEmail)
			}
			for _, f := range thread.Files {
				own = append(own, f.FileName)
			}
			for _, a := range thread.Activities {
				own = append(own, a.Content)
				for _, f := range a.Files {
					own = append(own, f.FileName)
				}
			}
			texts[ticket.Number] = own
		}
	}
	return texts
}

// flat is the brute force's own idea of words: lower case, no accents, only letters and digits.
func flat(text string) []string {
	text = strings.NewReplacer("é", "e", "É", "e", "ü", "u", "Ü", "u").Replace(text)
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
}

// holds is the brute force: whether the texts of a ticket fulfil a node.
func holds(n store.Node, texts []string) bool {
	switch n := n.(type) {
	case store.And:
		return !slices.ContainsFunc(n, func(n store.Node) bool { return !holds(n, texts) })
	case store.Or:
		return slices.ContainsFunc(n, func(n store.Node) bool { return holds(n, texts) })
	case store.Not:
		return !holds(n.Node, texts)
	case store.Text:
		want := flat(n.Words)
		return len(want) > 0 && slices.ContainsFunc(texts, func(text string) bool {
			have := flat(text)
			for i := 0; i+len(want) <= len(have); i++ {
				last := len(want) - 1
				if slices.Equal(have[i:i+last], want[:last]) && (have[i+last] == want[last] || n.Prefix && strings.HasPrefix(have[i+last], want[last])) {
					return true
				}
			}
			return false
		})
	}
	panic("no brute force for this")
}

func someQuery(r *rand.Rand, depth int) string {
	word := func() string { return searchWords[r.IntN(len(searchWords))] }
	var parts []string
	for range 1 + r.IntN(3) {
		part := ""
		switch k := r.IntN(10); {
		case k < 4:
			part = word()
		case k < 5:
			part = "pri*"
		case k < 7:
			part = `"` + word() + " " + word() + `"`
		case k < 8 && depth > 0:
			part = "(" + someQuery(r, depth-1) + " OR " + someQuery(r, depth-1) + ")"
		case k < 9 && depth > 0:
			part = "(" + someQuery(r, depth-1) + ")"
		default:
			part = fmt.Sprint(1001 + r.IntN(12))
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

// TestSearchEqualsBruteForce: whatever is asked, each person finds exactly those of the tickets it may read whose
// texts, as it may read them, hold the query; and nothing else, such as the words of a note, is found by a client.
func TestSearchEqualsBruteForce(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.Store.Limits.SearchTime = time.Minute // what is found is asked here, of any query; TestSlowSearchIsGivenUp asks after the time
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	people := searchFixture(t, db, r)
	texts := make([]map[int64][]string, len(people))
	for i, who := range people {
		texts[i] = readable(t, db, who)
	}
	found := 0
	for range 250 {
		text := someQuery(r, 2)
		for i, who := range people {
			query, err := store.ParseQuery(who.Role, text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			want := []int64{}
			for number, own := range texts[i] {
				if holds(query.Root, own) {
					want = append(want, number)
				}
			}
			slices.Sort(want)
			found += len(want)
			for _, newest := range []bool{false, true} {
				got := foundBy(t, db, who, text, newest)
				slices.Sort(got)
				if !slices.Equal(got, want) {
					t.Errorf("seed %d: %s searches %s: %v, want %v", seed, who.Email, text, got, want)
				}
			}
		}
	}
	if found < 200 {
		t.Errorf("only %d tickets were to be found in all: the test looks for nothing", found)
	}
}
