package store

import (
	"fmt"
	"strings"
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
