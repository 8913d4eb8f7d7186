package store

import (
	"slices"
	"strings"
	"unicode"
)

// Query is what a list of tickets is narrowed to, as the one language of lists, saved views and search says it:
// `status:open assignee:me "exact words" -tag:vip`. The zero Query narrows to nothing. ParseQuery reads one from
// text, String gives the text back; what a text's names mean is found out when the query is asked.
type Query struct {
	Root Node // nil: every ticket
}

// Node is a part of a Query: And, Or, Not, Term or Text. Parsed ones are in their simplest form: no And in an And,
// no group of one, no Not of a Not.
type Node interface {
	write(b *strings.Builder, inside Node)
}

// And holds for a ticket that every part holds for; Or for one that any part holds for.
type (
	And []Node
	Or  []Node
)

// Not holds for a ticket that its part does not hold for.
type Not struct{ Node Node }

// Term compares one thing about a ticket.
type Term struct {
	Field   Field
	Values  []string // of a list any may hold; of a range its two ends, "" where it is open
	Compare Compare
}

// Text is words to look for in a ticket and its messages.
type Text struct {
	Words  string
	Phrase bool // exactly these words, in this order
	Prefix bool // the last word may go on
}

// Field is what a Term is about: the operator's name in the language.
type Field string

// The fields. Customers have those that Operators(Client) lists.
const (
	FieldStatus   Field = "status"   // a status; active: not finished
	FieldPriority Field = "priority" // a priority
	FieldAssignee Field = "assignee" // me, none, or a person
	FieldFrom     Field = "from"     // whose ticket it is: me, or a person
	FieldTag      Field = "tag"      // a tag's name
	FieldCreated  Field = "created"  // a time
	FieldUpdated  Field = "updated"  // a time
	FieldResolved Field = "resolved" // a time
	FieldHas      Field = "has"      // attachment
	FieldNumber   Field = "number"   // a ticket's number
	FieldIs       Field = "is"       // unanswered, snoozed
)

// Compare is how a Term compares: with one of its values, with a bound, or with a range.
type Compare string

// The ways to compare. An age compares as an age: created:>7d is more than seven days old.
const (
	Equal   Compare = ""
	Less    Compare = "<"
	AtMost  Compare = "<="
	More    Compare = ">"
	AtLeast Compare = ">="
	Between Compare = ".."
)

// String gives the query's text in its canonical form: parsed again it is the same query.
func (q Query) String() string {
	if q.Root == nil {
		return ""
	}
	var b strings.Builder
	q.Root.write(&b, nil)
	return b.String()
}

// IsZero says whether the query narrows to nothing.
func (q Query) IsZero() bool { return q.Root == nil }

// Mine says whether the query is about who asks: it gives each person another list.
func (q Query) Mine() bool {
	return q.some(func(n Node) bool {
		t, ok := n.(Term)
		return ok && (t.Field == FieldAssignee || t.Field == FieldFrom) && slices.Contains(t.Values, "me")
	})
}

// HasText says whether the query looks for words.
func (q Query) HasText() bool {
	return q.some(func(n Node) bool { _, ok := n.(Text); return ok })
}

// some says whether f holds for any part of the query.
func (q Query) some(f func(Node) bool) bool {
	found := false
	walk(q.Root, func(n Node) { found = found || f(n) })
	return found
}

func walk(n Node, f func(Node)) {
	switch n := n.(type) {
	case nil:
		return
	case And:
		for _, part := range n {
			walk(part, f)
		}
	case Or:
		for _, part := range n {
			walk(part, f)
		}
	case Not:
		walk(n.Node, f)
	}
	f(n)
}

// parts are what a ticket must fulfil each of.
func (q Query) parts() []Node {
	switch root := q.Root.(type) {
	case nil:
		return nil
	case And:
		return root
	}
	return []Node{q.Root}
}

// Require is the query narrowed further, by every one of nodes.
func (q Query) Require(nodes ...Node) Query {
	return Query{Root: allOf(append(slices.Clone(q.parts()), nodes...))}
}

// Value is what the query demands of field: the value that a choice of one shows. It is "" where the query
// demands nothing, or something else than one value.
func (q Query) Value(field Field) string {
	value := ""
	for _, n := range q.parts() {
		if t, ok := n.(Term); ok && t.Field == field {
			if value != "" || t.Compare == Between || len(t.Values) != 1 {
				return ""
			}
			value = string(t.Compare) + t.Values[0]
		}
	}
	return value
}

// Without is the query with what it demands of field taken away.
func (q Query) Without(field Field) Query {
	var rest []Node
	for _, n := range q.parts() {
		bare := n
		if not, ok := n.(Not); ok {
			bare = not.Node
		}
		if t, ok := bare.(Term); ok && t.Field == field {
			continue
		}
		rest = append(rest, n)
	}
	return Query{Root: allOf(rest)}
}

// allOf and anyOf make groups in their simplest form.
func allOf(nodes []Node) Node {
	var flat And
	for _, n := range nodes {
		switch n := n.(type) {
		case nil:
		case And:
			flat = append(flat, n...)
		default:
			flat = append(flat, n)
		}
	}
	switch len(flat) {
	case 0:
		return nil
	case 1:
		return flat[0]
	}
	return flat
}

func anyOf(nodes []Node) Node {
	var flat Or
	for _, n := range nodes {
		switch n := n.(type) {
		case nil:
		case Or:
			flat = append(flat, n...)
		default:
			flat = append(flat, n)
		}
	}
	switch len(flat) {
	case 0:
		return nil
	case 1:
		return flat[0]
	}
	return flat
}

func negate(n Node) Node {
	if not, ok := n.(Not); ok {
		return not.Node
	}
	return Not{n}
}

func (n And) write(b *strings.Builder, inside Node) {
	group := false
	switch inside.(type) {
	case Not, Or:
		group = true
	}
	writeParts(b, n, " ", group, n)
}

func (n Or) write(b *strings.Builder, inside Node) { writeParts(b, n, " OR ", inside != nil, n) }

func writeParts(b *strings.Builder, parts []Node, between string, group bool, self Node) {
	if group {
		b.WriteByte('(')
	}
	for i, part := range parts {
		if i > 0 {
			b.WriteString(between)
		}
		part.write(b, self)
	}
	if group {
		b.WriteByte(')')
	}
}

func (n Not) write(b *strings.Builder, _ Node) {
	b.WriteByte('-')
	n.Node.write(b, n)
}

func (t Term) write(b *strings.Builder, _ Node) {
	b.WriteString(string(t.Field))
	b.WriteByte(':')
	between := ","
	if t.Compare == Between {
		between = ".."
	} else {
		b.WriteString(string(t.Compare))
	}
	for i, value := range t.Values {
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(quoteValue(value))
	}
}

func (t Text) write(b *strings.Builder, _ Node) {
	if t.Phrase {
		b.WriteString(quote(t.Words))
		return
	}
	b.WriteString(t.Words)
	if t.Prefix {
		b.WriteByte('*')
	}
}

// quote puts a text in quotes so that it reads back as it is.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

func quoteValue(value string) string {
	if value == "" || !strings.ContainsAny(value, `,()<>="“”„`) && !strings.Contains(value, "..") && strings.IndexFunc(value, unicode.IsSpace) < 0 {
		return value
	}
	return quote(value)
}

// String gives the term as the language writes it.
func (t Term) String() string { return Query{t}.String() }
