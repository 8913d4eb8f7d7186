package store

import (
	"slices"
	"strings"
)

// Operator is one word of the language before a colon, as help and completion show it.
type Operator struct {
	Field   Field
	Help    string   // what it narrows to, in a few words
	Values  []string // those it takes; nil: names, times or numbers
	Example string
	staff   bool // not for customers
	aliases []string
	kind    operatorKind
	means   map[string]Term   // values that are another term
	also    map[string]string // other words for values
}

type operatorKind int

const (
	oneOf operatorKind = iota
	person
	label
	moment
	number
)

var operators = []Operator{
	{Field: FieldStatus, Help: "where it stands", Example: "status:open", aliases: []string{"state"},
		Values: []string{"active", "new", "open", "pending", "on_hold", "resolved", "closed", "cancelled"},
		also: map[string]string{"waiting": "pending", "hold": "on_hold", "onhold": "on_hold", "on-hold": "on_hold", "canceled": "cancelled",
			"unfinished": "active", "solved": "resolved"},
		means: map[string]Term{"unanswered": {Field: FieldIs, Values: []string{"unanswered"}}, "snoozed": {Field: FieldIs, Values: []string{"snoozed"}},
			"unassigned": {Field: FieldAssignee, Values: []string{"none"}}}},
	{Field: FieldPriority, Help: "how soon it wants an answer", Example: "priority:urgent", aliases: []string{"prio"},
		Values: []string{"urgent", "high", "medium", "low"}, also: map[string]string{"normal": "medium"}},
	{Field: FieldAssignee, Help: "who has it: me, none, a name or an address", Example: "assignee:me", kind: person, staff: true,
		aliases: []string{"agent", "assigned"}, also: map[string]string{"nobody": "none", "unassigned": "none", "myself": "me"}},
	{Field: FieldFrom, Help: "whose it is: a name or an address", Example: "from:ana@example.com", kind: person, staff: true,
		aliases: []string{"requester", "client", "customer"}, also: map[string]string{"myself": "me"}},
	{Field: FieldTag, Help: "what it is marked with; none for no tag", Example: "tag:vip", kind: label, staff: true, aliases: []string{"tags", "label"}},
	{Field: FieldCreated, Help: "when it came: a date, an age, a range", Example: "created:>2026-01-01", kind: moment, aliases: []string{"age", "submitted"}},
	{Field: FieldUpdated, Help: "when it last changed", Example: "updated:<2d", kind: moment, aliases: []string{"changed"}},
	{Field: FieldResolved, Help: "when it was resolved", Example: "resolved:7d", kind: moment, aliases: []string{"solved"}},
	{Field: FieldHas, Help: "what comes with it", Example: "has:attachment", Values: []string{"attachment"},
		also: map[string]string{"file": "attachment", "files": "attachment", "attachments": "attachment"}},
	{Field: FieldNumber, Help: "its number", Example: "number:1042", kind: number, aliases: []string{"id", "ticket"}},
	{Field: FieldIs, Help: "how it is", Example: "is:unanswered", staff: true, Values: []string{"unanswered", "snoozed", "unassigned", "mine", "active"},
		means: map[string]Term{"unassigned": {Field: FieldAssignee, Values: []string{"none"}}, "mine": {Field: FieldAssignee, Values: []string{"me"}},
			"active": {Field: FieldStatus, Values: []string{"active"}}, "waiting": {Field: FieldStatus, Values: []string{"pending"}},
			"new": {Field: FieldStatus, Values: []string{"new"}}, "open": {Field: FieldStatus, Values: []string{"open"}},
			"pending": {Field: FieldStatus, Values: []string{"pending"}}, "on_hold": {Field: FieldStatus, Values: []string{"on_hold"}},
			"resolved": {Field: FieldStatus, Values: []string{"resolved"}}, "closed": {Field: FieldStatus, Values: []string{"closed"}},
			"cancelled": {Field: FieldStatus, Values: []string{"cancelled"}}}},
}

// Operators lists the operators that role has, in the order of help and completion.
func Operators(role Role) []Operator {
	if role.Staff() {
		return operators
	}
	return slices.DeleteFunc(slices.Clone(operators), func(o Operator) bool { return o.staff })
}

// operator finds an operator by its name or an alias.
func operator(role Role, name string) (Operator, bool) {
	name = strings.ToLower(name)
	for _, o := range operators {
		if (role.Staff() || !o.staff) && (string(o.Field) == name || slices.Contains(o.aliases, name)) {
			return o, true
		}
	}
	return Operator{}, false
}

// nearestOperator is the operator that name was meant for, if it looks like one.
func nearestOperator(role Role, name string) (string, bool) {
	var names []string
	for _, o := range Operators(role) {
		names = append(names, string(o.Field))
	}
	return nearest(name, names)
}

// words are all that role may write as one of the operator's fixed values.
func (o Operator) words(role Role) []string {
	words := slices.Clone(o.Values)
	for w, t := range o.means {
		if _, known := operator(role, string(t.Field)); known {
			words = append(words, w)
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// nearest is the candidate that was most likely meant: one that the word begins, or that a slip or two away.
func nearest(word string, candidates []string) (string, bool) {
	word = strings.ToLower(word)
	best, least := "", 100
	for _, c := range candidates {
		lower := strings.ToLower(c)
		d := slips(word, lower)
		if len(word) >= 3 && strings.HasPrefix(lower, word) {
			d = min(d, 1)
		}
		if d < least {
			best, least = c, d
		}
	}
	if least > max(1, min(len(word), len(best))/3) {
		return "", false
	}
	return best, true
}

// slips counts the letters to add, drop, change or swap with their neighbour that make b of a.
func slips(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 {
		return 100
	}
	before, last, this := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		this[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			this[j] = min(last[j]+1, this[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				this[j] = min(this[j], before[j-2]+1)
			}
		}
		before, last, this = last, this, before
	}
	return last[len(y)]
}
