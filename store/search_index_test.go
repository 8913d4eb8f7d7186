package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// outOfStep lists the tickets whose document is not what their data make, as sets of words with their weights.
func outOfStep(t *testing.T, db *storetest.DB) []int64 {
	t.Helper()
	rows, _ := db.Owner.Query(context.Background(), `
		WITH words AS (
			SELECT 'kept' AS side, number, client_id, w.lexeme, weight FROM search.documents, unnest(public || internal || people) w, unnest(w.weights) weight
			UNION SELECT 'made', number, client_id, w.lexeme, weight FROM search.made, unnest(public || internal || people) w, unnest(w.weights) weight)
		SELECT DISTINCT number FROM words GROUP BY number, client_id, lexeme, weight HAVING count(DISTINCT side) <> 2 ORDER BY 1`)
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	return numbers
}

// TestSearchIndexKeepsInStep: whatever changes the data, in the app or in psql, the words are those of the data when
// it commits, and stay where it rolls back.
func TestSearchIndexKeepsInStep(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	cleo, otto, ana := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Client, "otto@example.com"), db.Person(t, store.Agent, "ana@example.com")
	number, other := submit(t, db, cleo, "The zebra"), submit(t, db, otto, "The okapi")
	up, err := db.Store.Upload(ctx, "giraffe_map.txt", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	note := store.Message{ID: uuid.New(), Body: "a secret walrus", Internal: true, Files: []store.Upload{up}}
	if err := db.Store.Reply(ctx, ana, number, note); err != nil {
		t.Fatal(err)
	}
	said := store.Message{ID: uuid.New(), Body: "an open gnu"}
	if err := db.Store.Reply(ctx, ana, number, said); err != nil {
		t.Fatal(err)
	}
	check := func(step string, who store.Actor, text string, want ...int64) {
		t.Helper()
		if got := foundBy(t, db, who, text, true); !slices.Equal(got, want) {
			t.Errorf("%s: %s finds %v by %s, want %v", step, who.Email, got, text, want)
		}
		if numbers := outOfStep(t, db); len(numbers) > 0 {
			t.Errorf("%s: out of step: %v", step, numbers)
		}
	}
	check("written", ana, "zebra walrus giraffe gnu cleo", number)
	check("written", cleo, "zebra gnu", number)
	check("written", cleo, "walrus")
	check("written", cleo, "giraffe")
	db.Exec(t, `UPDATE tickets SET subject = 'The yak' WHERE number = $1`, number)
	check("renamed", ana, "zebra")
	check("renamed", cleo, "yak", number)
	db.Exec(t, `UPDATE users SET full_name = 'Quokka Person' WHERE id = $1`, cleo.UserID)
	check("another name", ana, "quokka", number)
	db.Exec(t, `UPDATE tickets SET client_id = $2 WHERE number = $1`, number, otto.UserID)
	check("another client", ana, "quokka")
	check("another client", cleo, "yak")
	check("another client", otto, "gnu", number)
	db.Exec(t, `UPDATE ticket_activities SET content = 'an open ibex' WHERE id = $1`, said.ID)
	check("edited", otto, "ibex", number)
	db.Exec(t, `UPDATE attachments SET file_name = 'lemur.txt' WHERE file_name = 'giraffe_map.txt'`)
	check("file renamed", ana, "lemur", number)
	db.Exec(t, `UPDATE ticket_activities SET ticket_id = (SELECT id FROM tickets WHERE number = $2) WHERE id = $1`, said.ID, other)
	check("moved", otto, "ibex", other)
	db.Exec(t, `DELETE FROM ticket_activities WHERE id = $1`, note.ID)
	check("note deleted", ana, "walrus")

	tx, err := db.Owner.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, `UPDATE tickets SET subject = 'The tapir' WHERE number = $1`, number); err != nil {
		t.Fatal(err)
	}
	check("not committed", ana, "tapir")
	tx.Rollback(ctx)
	check("rolled back", ana, "yak", number)
	db.Exec(t, `DELETE FROM tickets WHERE number = $1`, number)
	check("deleted", ana, "yak")
	db.Exec(t, `SELECT search.rebuild()`)
	check("rebuilt", ana, "okapi ibex", other)
}

// TestSearchFunctionsKnowWhoAsks: what may be called directly gives a client nothing of other people's tickets, and
// nothing of what is hidden on its own; without claims it gives nothing.
func TestSearchFunctionsKnowWhoAsks(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	cleo, otto, ana := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Client, "otto@example.com"), db.Person(t, store.Agent, "ana@example.com")
	own, others := submit(t, db, cleo, "zebra crossing"), submit(t, db, otto, "zebra crossing")
	if err := db.Store.Reply(ctx, ana, own, store.Message{ID: uuid.New(), Body: "a secret walrus", Internal: true}); err != nil {
		t.Fatal(err)
	}
	inMatrixTx(t, db, func(tx pgx.Tx) {
		for _, c := range []struct {
			name, sql              string
			client, staff, nobodys int
		}{
			{"newest", `SELECT number FROM search.newest('''zebra''', 100000, 10)`, 1, 2, 0},
			{"newest, hidden words", `SELECT number FROM search.newest('''walrus''', 100000, 10)`, 0, 1, 0},
			{"newest, the requester", `SELECT number FROM search.newest('''cleo''', 100000, 10)`, 0, 1, 0},
			{"matches", `SELECT 1 FROM search.documents_ids() id WHERE search.matches(id, '''zebra''')`, 1, 2, 0},
			{"matches, hidden words", `SELECT 1 FROM search.documents_ids() id WHERE search.matches(id, '''walrus''')`, 0, 1, 0},
			{"says", `SELECT 1 FROM search.documents_ids() id WHERE search.says(id, 'zebra crossing')`, 1, 2, 0},
			{"says, hidden words", `SELECT 1 FROM search.documents_ids() id WHERE search.says(id, 'secret walrus')`, 0, 1, 0},
			{"ranked", `SELECT 1 FROM search.ranked('''zebra''', ARRAY(SELECT search.documents_ids()))`, 1, 2, 0},
			{"near", `SELECT 1 FROM search.near('zebrra') w WHERE w = 'zebra'`, 1, 1, 0},
			{"people", `SELECT search.people('''otto''', 10)`, 0, 1, 0},
		} {
			// The ids of all tickets, as somebody may have guessed them.
			if _, err := tx.Exec(ctx, `CREATE OR REPLACE FUNCTION search.documents_ids() RETURNS SETOF uuid LANGUAGE sql SECURITY DEFINER AS 'SELECT ticket_id FROM search.documents'`); err != nil {
				t.Fatal(err)
			}
			for who, want := range map[*store.Actor]int{&cleo: c.client, &ana: c.staff, {Claims: []byte("")}: c.nobodys} {
				got := -1
				err := rlsAs(t, tx, *who, func(tx pgx.Tx) error {
					return tx.QueryRow(ctx, `SELECT count(*) FROM (`+c.sql+`) found`).Scan(&got)
				})
				if err != nil || got != want {
					t.Errorf("%s as %s: %d, %v, want %d", c.name, orNobody(*who), got, err, want)
				}
			}
		}
		for _, sql := range []string{`SELECT ticket_id FROM search.documents`, `SELECT word FROM search.words`, `SELECT search.rebuild()`,
			`SELECT search.refresh(NULL)`, `SELECT search.learn(NULL)`, `SELECT search.walked('''a''', 1, 1)`, `SELECT 1 FROM search.made`} {
			if rlsAffects(t, tx, ana, sql, nil) {
				t.Errorf("an agent may: %s", sql)
			}
		}
	})
	_ = others
}

// TestSearchMendsWords: a slip in a name or a subject still finds, and says so; a client is not told words that stand
// on other people's tickets.
func TestSearchMendsWords(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	cleo, otto, ana := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Client, "otto@example.com"), db.Person(t, store.Agent, "ana@example.com")
	db.Exec(t, `UPDATE users SET full_name = 'Otto Fernández' WHERE id = $1`, otto.UserID)
	number := submit(t, db, otto, "The printer hums")
	for _, c := range []struct {
		who        store.Actor
		text, from string
		to         string
	}{
		{ana, "pirnter", "pirnter", "printer"}, {ana, "prinnter hums", "prinnter", "printer"}, {ana, "fernandes", "fernandes", "fernandez"},
		{otto, "pirnter", "pirnter", "printer"}, {otto, "fernandes", "", ""}, {cleo, "pirnter", "", ""}, {ana, "xyzzyx", "", ""},
	} {
		result, err := db.Store.Search(ctx, c.who, store.Search{Text: c.text})
		if err != nil {
			t.Fatal(err)
		}
		var want []store.Correction
		found := 0
		if c.to != "" {
			want, found = []store.Correction{{From: c.from, To: c.to}}, 1
		}
		if !slices.Equal(result.Corrected, want) || len(result.Hits) != found || found == 1 && result.Hits[0].Ticket.Number != number {
			t.Errorf("%s: %s: %d found, corrected %v, want %v", c.who.Email, c.text, len(result.Hits), result.Corrected, want)
		}
		if exact, err := db.Store.Search(ctx, c.who, store.Search{Text: c.text, Exact: true}); err != nil || len(exact.Hits) > 0 {
			t.Errorf("%s as it is: %d found, %v", c.text, len(exact.Hits), err)
		}
	}
}

// TestSearchRanksAndMarks: the best comes first, and what was looked for is marked in it.
func TestSearchRanksAndMarks(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	cleo, ana := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	subject := submit(t, db, cleo, "My Café is cold")
	message := submit(t, db, cleo, "Another thing")
	if err := db.Store.Reply(ctx, cleo, message, store.Message{ID: uuid.New(), Body: strings.Repeat("many other words ", 40) + "and the <b>cafe</b> too"}); err != nil {
		t.Fatal(err)
	}
	result, err := db.Store.Search(ctx, ana, store.Search{Text: "cafe"})
	if err != nil || len(result.Hits) != 2 {
		t.Fatalf("%d found: %v", len(result.Hits), err)
	}
	first, second := result.Hits[0], result.Hits[1]
	if first.Ticket.Number != subject || !slices.Contains(first.Subject, store.Piece{Text: "Café", Marked: true}) {
		t.Errorf("first is %d: %v", first.Ticket.Number, first.Subject)
	}
	if second.Where != "message" || !slices.Contains(second.Snippet, store.Piece{Text: "cafe", Marked: true}) {
		t.Errorf("then %s: %v", second.Where, second.Snippet)
	}
	// A number that is typed leads to the ticket that has it.
	result, err = db.Store.Search(ctx, ana, store.Search{Text: "1001"})
	if err != nil || len(result.Hits) == 0 || result.Hits[0].Ticket.Number != 1001 {
		t.Errorf("by number: %v, %v", result.Hits, err)
	}
	found, err := db.Store.Suggest(ctx, ana, "caf")
	if err != nil || len(found.Tickets) != 2 {
		t.Errorf("half a word suggests %d: %v", len(found.Tickets), err)
	}
	found, err = db.Store.Suggest(ctx, ana, "cle")
	if err != nil || len(found.People) != 1 || found.People[0].ID != cleo.UserID {
		t.Errorf("half a name suggests %v: %v", found.People, err)
	}
	found, err = db.Store.Suggest(ctx, cleo, "an")
	if err != nil || len(found.People) != 0 {
		t.Errorf("a client is suggested %v: %v", found.People, err)
	}
	found, err = db.Store.Suggest(ctx, ana, "cafe sta")
	if err != nil || len(found.Completions) != 1 || found.Completions[0].Text != "cafe status:" {
		t.Errorf("completions %v: %v", found.Completions, err)
	}
}

// TestSlowSearchIsGivenUp: a search that takes too long ends in words and in time, and meanwhile others are served.
func TestSlowSearchIsGivenUp(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	cleo, ana := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Agent, "ana@example.com")
	number := submit(t, db, cleo, "zebra")
	db.Exec(t, `ALTER FUNCTION search.estimate RENAME TO guessed`)
	db.Exec(t, `CREATE FUNCTION search.estimate(query text) RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT 1::bigint FROM pg_sleep(20)'`)
	db.Exec(t, `GRANT EXECUTE ON FUNCTION search.estimate TO authenticated`)
	const searches = 40
	begun := time.Now()
	ended := make(chan error, searches)
	for range searches {
		go func() {
			_, err := db.Store.Search(ctx, ana, store.Search{Text: "zebra"})
			ended <- err
		}()
	}
	for range 20 {
		before := time.Now()
		if _, err := db.Store.Thread(ctx, ana, number, 0); err != nil || time.Since(before) > 500*time.Millisecond {
			t.Errorf("a ticket takes %v while others search: %v", time.Since(before), err)
		}
	}
	slow, busy := 0, 0
	for range searches {
		switch err := <-ended; {
		case errors.Is(err, store.ErrSearchSlow):
			slow++
		case errors.Is(err, store.ErrSearchBusy):
			busy++
		default:
			t.Errorf("a search ended with %v", err)
		}
	}
	if took := time.Since(begun); slow == 0 || busy == 0 || took > 8*time.Second {
		t.Errorf("%d too slow, %d too many, after %v", slow, busy, took)
	}
}
