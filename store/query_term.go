package store

import (
	"slices"
	"strings"
)

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
