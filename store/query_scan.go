package store

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

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
