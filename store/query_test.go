package store

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestQueriesAreRead(t *testing.T) {
	t.Parallel()
	for text, canonical := range map[string]string{
		"":                     "",
		"  status:open  ":      "status:open",
		"status:Open,NEW,open": "status:open,new",
		`status:open assignee:me "exact words" -not from:ana@example.com created:>2026-01-01 tag:vip`: `status:open assignee:me "exact words" -from:ana@example.com created:>2026-01-01 tag:vip`,
		"is:unassigned is:open":          "assignee:none status:open",
		"status:unanswered,open":         "status:open OR is:unanswered",
		"is:unanswered,snoozed":          "is:unanswered,snoozed",
		"status:waiting":                 "status:pending",
		"requester:Ana":                  "from:Ana",
		`from:"Ana Ruiz"`:                `from:"Ana Ruiz"`,
		`from:“Ana Ruiz”`:                `from:"Ana Ruiz"`,
		"#1042":                          "number:1042",
		"number:>=1000":                  "number:>=1000",
		"number:1000..1010":              "number:1000..1010",
		"created:2026-01..2026-03":       "created:2026-01..2026-03",
		"updated:<2d":                    "updated:<2d",
		"resolved:7d..":                  "resolved:7d..",
		"has:files":                      "has:attachment",
		"NOT tag:vip":                    "-tag:vip",
		"not tag:vip":                    "-tag:vip",
		"does not work":                  `does "not" work`,
		"printer or scanner":             `printer "or" scanner`,
		"status:open or status:new":      "status:open OR status:new",
		"a OR b c":                       "a OR (b c)",
		"(a OR b) c":                     "(a OR b) c",
		"-(a b)":                         "-(a b)",
		"NOT NOT a":                      "a",
		"((a))":                          "a",
		"(a (b c))":                      "a b c",
		"print*":                         "print*",
		"printer - broken":               "printer broken",
		"--force":                        `"--force"`,
		"Re: https://example.com/x":      "Re: https://example.com/x",
		`"an open quotation`:             `"an open quotation"`,
		`"with \"quotes\" and \\"`:       `"with \"quotes\" and \\"`,
		"(a OR b":                        "a OR b",
		"a AND b":                        "a b",
		`tag:"two words",none`:           `tag:"two words",none`,
		"status:open\u00a0priority:high": "status:open priority:high",
		"Drucker (Büro) größer":          "Drucker Büro größer",
	} {
		q, err := ParseQuery(Agent, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if q.String() != canonical {
			t.Errorf("%s is read as %s, want %s", text, q, canonical)
		}
	}
}

func TestMistakesAreNamedAndMended(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, sentence, fixed string }{
		{"stauts:open", "There is no operator stauts: — did you mean status:?", "status:open"},
		{"a stat:open b", "There is no operator stat: — did you mean status:?", "a status:open b"},
		{"status:opne", "There is no status:opne — did you mean status:open?", "status:open"},
		{"-status:opne x", "There is no status:opne — did you mean status:open?", "-status:open x"},
		{"priority:purple", "There is no priority:purple. It can be urgent, high, medium or low.", ""},
		{"status: open", "status: needs a value, such as status:open.", "status:open"},
		{"status:", "status: needs a value, such as status:open.", "status:open"},
		{"error:42", "There is no operator error: — to look for these words, put them in quotes.", `"error:42"`},
		{`error:"a b"`, "There is no operator error: — to look for these words, put them in quotes.", `"error:\"a b\""`},
		{"created:2026-1-5", "There is no time “2026-1-5” — did you mean created:2026-01-05?", "created:2026-01-05"},
		{"created:>7days", "There is no time “7days” — did you mean created:>7d?", "created:>7d"},
		{"created:7m", "There is no time “7m” — did you mean created:7mo?", "created:7mo"},
		{"created:31.1.2026..2026-02-01", "There is no time “31.1.2026” — did you mean created:2026-01-31?", "created:2026-01-31..2026-02-01"},
		{"created:soon", "“soon” is no time. Write a day as 2026-01-31, or an age as 36h, 7d, 4w, 6mo or 1y.", ""},
		{"created:2026-02-30", "“2026-02-30” is no time. Write a day as 2026-01-31, or an age as 36h, 7d, 4w, 6mo or 1y.", ""},
		{"number:12x", "number: takes a number, such as number:1042, not “12x”.", ""},
		{"tag:>vip", "tag: takes no >.", "tag:vip"},
		{"a OR", "OR needs something on both sides.", "a"},
		{"OR a", "OR needs something on both sides.", "a"},
		{"a )", "There is a ) without its (.", "a"},
		{"a NOT", "There is nothing after “NOT” to leave out.", "a"},
		{"!!!", "There is nothing to look for in “!!!”.", ""},
		{`""`, "There is nothing to look for in “\"\"”.", ""},
		{"()", "There is nothing to look for in “()”.", ""},
		{strings.Repeat("(", 100), "Too many parentheses stand in each other: at most 20.", ""},
		{strings.Repeat("a ", 100), "This is too much at once: at most 60 conditions.", ""},
		{strings.Repeat("a", 3000), "This is too long: at most 2000 characters.", ""},
	} {
		_, err := ParseQuery(Agent, c.text)
		var wrong *InvalidQuery
		var plain *Invalid
		if !errors.As(err, &wrong) || !errors.As(err, &plain) {
			t.Errorf("%.40s: %v is no *InvalidQuery", c.text, err)
			continue
		}
		m := wrong.Mistakes[0]
		if m.Sentence != c.sentence || m.Fixed != c.fixed {
			t.Errorf("%.40s: %q, offers %q; want %q, %q", c.text, m.Sentence, m.Fixed, c.sentence, c.fixed)
		}
		if m.At < 0 || m.End > len(c.text) || m.At > m.End {
			t.Errorf("%.40s: a mistake from %d to %d", c.text, m.At, m.End)
		}
		if c.fixed != "" {
			if _, err := ParseQuery(Agent, c.fixed); err != nil {
				t.Errorf("what is offered for %s is wrong too: %v", c.text, err)
			}
		}
	}
}

func TestCustomersHaveNoOperatorsOfStaff(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"tag:vip", "assignee:me", "from:me", "is:snoozed", "is:unanswered", "status:unanswered", "status:snoozed", "status:unassigned", "assgnee:x"} {
		q, err := ParseQuery(Client, text)
		var wrong *InvalidQuery
		if !errors.As(err, &wrong) {
			t.Errorf("a customer asks for %s and gets %s", text, q)
			continue
		}
		for _, word := range []string{"assignee:?", "tag:?", "snoozed?", "unanswered?"} {
			if strings.Contains(wrong.Mistakes[0].Sentence, "mean "+word) {
				t.Errorf("a customer is offered %s", wrong.Mistakes[0].Sentence)
			}
		}
	}
}

func TestTimesOfQueries(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"created:2026-01-31":             "2026-01-31T00 2026-02-01T00",
		"created:2026-01":                "2026-01-01T00 2026-02-01T00",
		"created:2026":                   "2026-01-01T00 2027-01-01T00",
		"created:today":                  "2026-03-10T00 2026-03-11T00",
		"created:>yesterday":             "2026-03-10T00 -",
		"created:>2026-01-31":            "2026-02-01T00 -",
		"created:>=2026-01-31":           "2026-01-31T00 -",
		"created:<2026-01-31":            "- 2026-01-31T00",
		"created:<=2026-01-31":           "- 2026-02-01T00",
		"created:2d":                     "2026-03-08T12 -",
		"created:<2d":                    "2026-03-08T12 -",
		"created:>2d":                    "- 2026-03-08T12",
		"created:12h..2d":                "2026-03-08T12 2026-03-10T00",
		"created:2d..12h":                "2026-03-08T12 2026-03-10T00",
		"created:2d..":                   "- 2026-03-08T12",
		"created:..2d":                   "2026-03-08T12 -",
		"created:2026-01-31..":           "2026-01-31T00 -",
		"created:..2026-01-31":           "- 2026-02-01T00",
		"created:2026-01-05..2026-01-01": "2026-01-01T00 2026-01-06T00",
		"created:2026-03-01..1d":         "2026-03-01T00 2026-03-09T12",
	} {
		q, err := ParseQuery(Agent, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		show := func(at time.Time) string {
			if at.IsZero() {
				return "-"
			}
			return at.Format("2006-01-02T15")
		}
		span := q.Root.(Term).spans(now)[0]
		if got := show(span[0]) + " " + show(span[1]); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

// Whatever is asked, its text says it: the address of a list is the list.
func TestQueriesReadBackAsTheyAre(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		q := Query{Root: randomNode(random, 3)}
		back, err := ParseQuery(Agent, q.String())
		if err != nil || !reflect.DeepEqual(back, q) {
			t.Fatalf("%#v is written as %s, which is read as %#v, %v", q, q, back, err)
		}
	}
}

// randomNode makes any query that a text could have been read as.
func randomNode(random *rand.Rand, depth int) Node {
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	some := func(of ...string) []string {
		random.Shuffle(len(of), func(i, j int) { of[i], of[j] = of[j], of[i] })
		return of[:1+random.IntN(len(of))]
	}
	kind := random.IntN(10)
	if depth == 0 {
		kind = 3 + random.IntN(7)
	}
	switch kind {
	case 0, 1:
		var nodes []Node
		for range 2 + random.IntN(2) {
			nodes = append(nodes, randomNode(random, depth-1))
		}
		if kind == 0 {
			return allOf(nodes)
		}
		return anyOf(nodes)
	case 2:
		return negate(randomNode(random, depth-1))
	case 3:
		return Text{Words: pick("printer", "größe", "C:/temp", "a-b", "x..y", "42", "orange"), Prefix: random.IntN(3) == 0}
	case 4:
		return Text{Words: pick("two words", `with "quotes" \ and \\`, "or", "--x", "a:b", "(x)"), Phrase: true}
	case 5:
		return Term{Field: FieldStatus, Values: some("active", "new", "open", "closed")}
	case 6:
		return Term{Field: Field(pick("from", "assignee")), Values: some("me", "ana@example.com", "Ana Ruiz", `odd "name", (x)`, "a..b", ">x")}
	case 7:
		return Term{Field: FieldTag, Values: some("vip", "two words", "none", "a=b", "-x", "x:y")}
	case 8:
		field := Field(pick("created", "updated", "resolved"))
		if random.IntN(2) == 0 {
			return Term{Field: field, Compare: Between, Values: []string{pick("2026-01-31", "7d", "today"), pick("2026", "2026-02", "1y", "")}}
		}
		return Term{Field: field, Compare: Compare(pick("", "<", "<=", ">", ">=")), Values: []string{pick("2026-01-31", "7d", "yesterday")}}
	}
	return Term{Field: FieldNumber, Compare: Compare(pick("", "<", ">=")), Values: []string{pick("1042", "7")}}
}

func FuzzQuery(f *testing.F) {
	for _, text := range []string{`status:open assignee:me "exact words" -not from:ana@x created:>2026-01-01 tag:vip`, "a OR (b -c)", "stauts:open", "created:7d..2026-01", "-(#12 OR NOT x*)", `from:"a\"b",“c”`, "re: http://x ) ( or not"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, role := range []Role{Agent, Client} {
			q, err := ParseQuery(role, text)
			if err != nil {
				var wrong *InvalidQuery
				if !errors.As(err, &wrong) || len(wrong.Mistakes) == 0 {
					t.Fatalf("%q: %v", text, err)
				}
				for _, m := range wrong.Mistakes {
					if m.At < 0 || m.At > m.End || m.End > len(wrong.Text) || m.Sentence == "" {
						t.Fatalf("%q: %+v", text, m)
					}
				}
				continue
			}
			if q.IsZero() && strings.TrimSpace(strings.ReplaceAll(text, "\x00", "")) != "" {
				t.Fatalf("%q shows everything", text)
			}
			back, err := ParseQuery(role, q.String())
			if len(q.String()) <= queryBytes && (err != nil || !reflect.DeepEqual(back, q)) {
				t.Fatalf("%q is %#v, written as %q, read as %#v, %v", text, q, q.String(), back, err)
			}
		}
	})
}
