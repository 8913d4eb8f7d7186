package store

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Mistake is something in a query's text that cannot be followed.
type Mistake struct {
	At, End  int    // where in the text, in bytes
	Sentence string // for a person
	Offer    string // the nearest right thing to write there; "" where there is none
	Fixed    string // the whole text with Offer in its place; "" where there is no offer
}

// InvalidQuery says what is wrong with a query's text. It is an *Invalid of the field q.
type InvalidQuery struct {
	Text     string
	Mistakes []Mistake // at least one
}

func (e *InvalidQuery) Error() string { return e.Unwrap().Error() }

// Unwrap gives the first mistake as an *Invalid.
func (e *InvalidQuery) Unwrap() error { return invalid("q", "%s", e.Mistakes[0].Sentence) }

// The bounds of a query, far beyond what anybody writes by hand.
const (
	queryBytes = 2000
	queryTerms = 60
	queryDepth = 20
)

// ParseQuery reads a query's text as role may write it. A text with mistakes is *InvalidQuery; names in it are not
// looked at here. Space is AND, OR and parentheses group, - or NOT negates, quotes hold a phrase or a value with
// spaces. Dates are days in UTC, so that an address gives everybody the same list.
func ParseQuery(role Role, text string) (Query, error) {
	p := &queryParser{role: role, text: strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")}
	if len(p.text) > queryBytes {
		p.mistake(0, len(p.text), "", "This is too long: at most %d characters.", queryBytes)
		return Query{}, &InvalidQuery{p.text, p.mistakes}
	}
	root := p.any(0)
	for p.err() == nil && p.at < len(p.text) { // what stopped it is a parenthesis too many
		p.mistake(p.at, p.at+1, "", "There is a ) without its (.").fix("")
		p.at++
		root = allOf([]Node{root, p.any(0)})
	}
	if p.terms > queryTerms {
		p.mistake(0, len(p.text), "", "This is too much at once: at most %d conditions.", queryTerms)
	}
	if root == nil && len(p.mistakes) == 0 && strings.TrimSpace(p.text) != "" {
		p.mistake(0, len(p.text), "", "There is nothing to look for in “%s”.", strings.TrimSpace(p.text))
	}
	if err := p.err(); err != nil {
		return Query{}, err
	}
	return Query{Root: root}, nil
}

type queryParser struct {
	role     Role
	text     string
	at       int
	terms    int
	mistakes []Mistake
}

func (p *queryParser) err() error {
	if len(p.mistakes) == 0 {
		return nil
	}
	return &InvalidQuery{p.text, p.mistakes}
}

// fixable is a mistake that an offer may mend.
type fixable struct {
	p *queryParser
	i int
}

func (p *queryParser) mistake(at, end int, offer, format string, args ...any) fixable {
	m := Mistake{At: at, End: end, Sentence: fmt.Sprintf(format, args...)}
	p.mistakes = append(p.mistakes, m)
	f := fixable{p, len(p.mistakes) - 1}
	if offer != "" {
		f.fix(offer)
	}
	return f
}

func (f fixable) fix(offer string) {
	m := &f.p.mistakes[f.i]
	m.Offer = offer
	m.Fixed = strings.TrimSpace(f.p.text[:m.At] + offer + f.p.text[m.End:])
}

// any reads alternatives, up to a ) or the end.
func (p *queryParser) any(depth int) Node {
	if depth > queryDepth {
		p.mistake(p.at, len(p.text), "", "Too many parentheses stand in each other: at most %d.", queryDepth)
		p.at = len(p.text)
		return nil
	}
	parts := []Node{p.every(depth)}
	for p.keyword("or") {
		from := p.at
		p.skip(2)
		left, right := parts[len(parts)-1], p.every(depth)
		if left == nil || right == nil {
			p.mistake(from, from+2, "", "OR needs something on both sides.").fix("")
		}
		parts = append(parts, right)
	}
	return anyOf(parts)
}

// every reads what must all hold.
func (p *queryParser) every(depth int) Node {
	var parts []Node
	for {
		p.spaces()
		switch {
		case p.at == len(p.text) || p.text[p.at] == ')' || p.keyword("or"):
			return allOf(parts)
		case p.keyword("and"):
			p.skip(3)
		default:
			parts = append(parts, p.one(depth))
		}
	}
}

// one reads one condition or group, with what negates it. It always gets on.
func (p *queryParser) one(depth int) Node {
	if depth > queryDepth {
		return p.any(depth)
	}
	from := p.at
	switch {
	case p.minus():
		p.at++
		if p.word(p.at) == "not" || p.word(p.at) == "NOT" {
			p.at += 3
		}
		return p.negated(from, depth)
	case p.keyword("not"):
		p.skip(3)
		return p.negated(from, depth)
	case p.text[p.at] == '(':
		p.at++
		n := p.any(depth + 1)
		p.spaces()
		if p.at < len(p.text) { // a ): one that is missing at the end is still to come
			p.at++
		}
		return n
	}
	p.terms++
	if closing := p.quoted(); closing != 0 {
		return p.phrase()
	}
	return p.termOrWord()
}

func (p *queryParser) negated(from, depth int) Node {
	p.spaces()
	if p.at == len(p.text) || p.text[p.at] == ')' {
		p.mistake(from, p.at, "", "There is nothing after “%s” to leave out.", strings.TrimSpace(p.text[from:p.at])).fix("")
		return nil
	}
	n := p.one(depth + 1)
	if n == nil {
		return nil
	}
	return negate(n)
}

func (p *queryParser) spaces() {
	for p.at < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		if !unicode.IsSpace(r) {
			return
		}
		p.at += size
	}
}

func (p *queryParser) skip(bytes int) {
	p.at += bytes
	p.spaces()
}

// minus says whether a - here negates: one that stands alone or begins a --word does not.
func (p *queryParser) minus() bool {
	if p.text[p.at] != '-' || p.at+1 == len(p.text) {
		return false
	}
	r, _ := utf8.DecodeRuneInString(p.text[p.at+1:])
	return r != '-' && r != ')' && !unicode.IsSpace(r)
}

// word is the letters from at on, where they are a word of their own.
func (p *queryParser) word(at int) string {
	end := at
	for end < len(p.text) && (p.text[end]|0x20 >= 'a' && p.text[end]|0x20 <= 'z') {
		end++
	}
	if end < len(p.text) && p.text[end] != '(' {
		if r, _ := utf8.DecodeRuneInString(p.text[end:]); !unicode.IsSpace(r) && r != ')' {
			return ""
		}
	}
	return p.text[at:end]
}

// keyword says whether a keyword stands here. In small letters it is one only before an operator or a group:
// "does not work" are words to look for.
func (p *queryParser) keyword(word string) bool {
	got := p.word(p.at)
	if got == strings.ToUpper(word) {
		return true
	}
	return strings.EqualFold(got, word) && p.operatorAt(p.at+len(word))
}

func (p *queryParser) operatorAt(at int) bool {
	rest := strings.TrimLeftFunc(p.text[at:], unicode.IsSpace)
	rest = strings.TrimPrefix(rest, "-")
	if strings.HasPrefix(rest, "(") {
		return true
	}
	name, _, found := strings.Cut(rest, ":")
	if !found {
		return false
	}
	_, known := operator(p.role, name)
	return known
}

var closings = map[rune]rune{'"': '"', '“': '”', '„': '“'}

// quoted is what ends the quotation that begins here; 0 where none does.
func (p *queryParser) quoted() rune {
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return closings[r]
}

// quotation reads a quoted text. One that is not closed goes on to the end: it is still being written.
func (p *queryParser) quotation() string {
	closing := p.quoted()
	_, size := utf8.DecodeRuneInString(p.text[p.at:])
	p.at += size
	var b strings.Builder
	for p.at < len(p.text) {
		r, size := utf8.DecodeRuneInString(p.text[p.at:])
		p.at += size
		if r == '\\' && p.at < len(p.text) && (p.text[p.at] == '"' || p.text[p.at] == '\\') {
			r = rune(p.text[p.at])
			p.at++
		} else if r == closing || closing != '"' && r == '”' {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}

func (p *queryParser) phrase() Node {
	words := p.quotation()
	if !hasWord(words) {
		return nil
	}
	return Text{Words: words, Phrase: true}
}

// run gives what stands here up to a space, a parenthesis or a quotation, or also a comma.
func (p *queryParser) run(comma bool) string {
	end := strings.IndexFunc(p.text[p.at:], func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(`()"“”„`, r) || comma && r == ','
	})
	if end < 0 {
		end = len(p.text) - p.at
	}
	return p.text[p.at : p.at+end]
}

func hasWord(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
}

func (p *queryParser) termOrWord() Node {
	from := p.at
	run := p.run(false)
	if run == "" { // a closing quotation mark that closes nothing
		_, size := utf8.DecodeRuneInString(p.text[p.at:])
		p.at += size
		return nil
	}
	if digits, found := strings.CutPrefix(run, "#"); found && isNumber(digits) {
		p.at += len(run)
		return Term{Field: FieldNumber, Values: []string{digits}}
	}
	if name, value, found := strings.Cut(run, ":"); found && isName(name) {
		if o, known := operator(p.role, name); known {
			p.at += len(name) + 1
			return p.term(o, from)
		}
		near, looksLike := nearestOperator(p.role, name)
		// Re: and https:// and C:\ are no operators; what looks like one is.
		if quoted := value == "" && p.quotedAt(from+len(run)); looksLike || (value != "" || quoted) && !strings.HasPrefix(value, "/") && !strings.HasPrefix(value, `\`) {
			p.at += len(name) + 1
			if looksLike {
				p.mistake(from, p.at, near+":", "There is no operator %s: — did you mean %s:?", name, near)
			} else {
				p.at = from + len(run)
				whole := run
				if quoted {
					p.values()
					whole = p.text[from:p.at]
				}
				p.mistake(from, p.at, quote(whole), "There is no operator %s: — to look for these words, put them in quotes.", name)
				return nil
			}
			p.values()
			return nil
		}
	}
	p.at += len(run)
	if !hasWord(run) {
		return nil
	}
	bare := strings.TrimRight(run, "*")
	if lower := strings.ToLower(run); run[0] == '-' || lower == "or" || lower == "and" || lower == "not" {
		return Text{Words: run, Phrase: true} // quoted, it cannot be taken for anything else
	}
	return Text{Words: bare, Prefix: bare != run}
}

func (p *queryParser) quotedAt(at int) bool {
	r, _ := utf8.DecodeRuneInString(p.text[at:])
	return closings[r] != 0
}

func isName(text string) bool {
	for i, r := range text {
		if r|0x20 < 'a' || r|0x20 > 'z' {
			if i == 0 || r != '_' && r != '-' {
				return false
			}
		}
	}
	return text != ""
}

func isNumber(text string) bool {
	for _, r := range text {
		if r < '0' || r > '9' {
			return false
		}
	}
	return text != "" && len(text) <= 18
}

// value is one of an operator's values, and where it stands.
type value struct {
	text    string
	at, end int
	quoted  bool
}

// values reads what stands after an operator's colon.
func (p *queryParser) values() (compare Compare, values []value) {
	for _, c := range []Compare{AtMost, AtLeast, Less, More, "="} {
		if strings.HasPrefix(p.text[p.at:], string(c)) {
			p.at += len(c)
			if compare = c; c == "=" {
				compare = Equal
			}
			break
		}
	}
	for {
		v := value{at: p.at}
		if p.at < len(p.text) && p.quoted() != 0 {
			v.text, v.quoted = p.quotation(), true
		} else {
			v.text = p.run(true)
			p.at += len(v.text)
		}
		v.end = p.at
		values = append(values, v)
		if p.at == len(p.text) || p.text[p.at] != ',' {
			return compare, values
		}
		p.at++
	}
}

// term reads the values of a known operator and judges them.
func (p *queryParser) term(o Operator, from int) Node {
	name := p.text[from : p.at-1]
	compare, values := p.values()
	values = slices.DeleteFunc(values, func(v value) bool { return v.text == "" })
	if len(values) == 0 {
		m := p.mistake(from, p.at, "", "%s: needs a value, such as %s.", name, o.Example)
		// A space came between: what follows was meant.
		end := p.at
		p.spaces()
		if next := p.run(false); next != "" && end < p.at && !strings.Contains(next, ":") && !strings.HasPrefix(next, "-") {
			p.at += len(next)
			p.mistakes[m.i].End = p.at
			m.fix(string(o.Field) + ":" + string(compare) + next)
		} else {
			p.at = end
			m.fix(o.Example)
		}
		return nil
	}
	t := Term{Field: o.Field, Compare: compare}
	switch o.kind {
	case moment, number:
		return p.ranging(o, t, name, from, values)
	}
	if compare != Equal {
		p.mistake(from, p.at, string(o.Field)+":"+quoteValue(values[0].text), "%s: takes no %s.", name, compare)
		return nil
	}
	var others []Node
	wrong := false
	for _, v := range values {
		word := v.text
		lower := strings.ToLower(word)
		if other, found := o.also[lower]; found && !v.quoted {
			word, lower = other, other
		}
		if other, found := p.meant(o, lower); found {
			others = append(others, other)
			continue
		}
		switch o.kind {
		case oneOf:
			if word = lower; !slices.Contains(o.Values, word) {
				p.wrongValue(o, name, v)
				wrong = true
				continue
			}
		case person:
			if lower == "me" || lower == "none" && o.Field == FieldAssignee {
				word = lower
			}
		case label:
			word = lower // as tags are
		}
		if !slices.Contains(t.Values, word) {
			t.Values = append(t.Values, word)
		}
	}
	if wrong {
		return nil
	}
	if len(t.Values) > 0 {
		others = slices.Insert(others, 0, Node(t))
	}
	return anyOf(others)
}

// meant gives the term that a value of another operator is.
func (p *queryParser) meant(o Operator, word string) (Term, bool) {
	t, found := o.means[word]
	if found {
		_, found = operator(p.role, string(t.Field))
	}
	return t, found
}

// wrongValue says that an operator has no such value, and which was meant.
func (p *queryParser) wrongValue(o Operator, name string, v value) {
	if near, found := nearest(v.text, o.words(p.role)); found {
		p.mistake(v.at, v.end, near, "There is no %s:%s — did you mean %s:%s?", name, quoteValue(v.text), name, near)
		return
	}
	last := len(o.Values) - 1
	list := o.Values[last]
	if last > 0 {
		list = strings.Join(o.Values[:last], ", ") + " or " + list
	}
	p.mistake(v.at, v.end, "", "There is no %s:%s. It can be %s.", name, quoteValue(v.text), list)
}

// ranging judges the values of an operator that compares.
func (p *queryParser) ranging(o Operator, t Term, name string, from int, values []value) Node {
	right := isNumber
	if o.kind == moment {
		right = isMoment
	}
	bad := func(v value, text string) Node {
		if o.kind == number {
			p.mistake(v.at, v.end, "", "%s: takes a number, such as %s, not “%s”.", name, o.Example, text)
			return nil
		}
		offer := nearestMoment(text)
		if offer != "" {
			p.mistake(v.at, v.end, strings.Replace(v.text, text, offer, 1), "There is no time “%s” — did you mean %s:%s%s?", text, name, t.Compare, offer)
		} else {
			p.mistake(v.at, v.end, "", "“%s” is no time. Write a day as 2026-01-31, or an age as 36h, 7d, 4w, 6mo or 1y.", text)
		}
		return nil
	}
	if len(values) == 1 && strings.Contains(values[0].text, "..") {
		v := values[0]
		a, b, _ := strings.Cut(v.text, "..")
		a, b = strings.ToLower(a), strings.ToLower(b)
		for _, end := range []string{a, b} {
			if end != "" && !right(end) {
				return bad(v, end)
			}
		}
		if t.Compare != Equal || a == "" && b == "" {
			p.mistake(from, p.at, o.Example, "%s: takes a range as %s, with no %s before it.", name, "2026-01-01..2026-01-31", "<")
			return nil
		}
		t.Compare, t.Values = Between, []string{a, b}
		return t
	}
	if t.Compare != Equal && len(values) > 1 {
		p.mistake(from, p.at, string(o.Field)+":"+string(t.Compare)+values[0].text, "%s:%s takes one value.", name, t.Compare)
		return nil
	}
	for _, v := range values {
		v.text = strings.ToLower(v.text)
		if strings.Contains(v.text, "..") || !right(v.text) {
			return bad(v, v.text)
		}
		if !slices.Contains(t.Values, v.text) {
			t.Values = append(t.Values, v.text)
		}
	}
	return t
}
