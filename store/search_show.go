package store

import (
	"context"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"
)

// marks are what a query looks for, to be ranked by and shown.
type marks struct {
	query   string // any of the words, as a tsquery; "" without words
	texts   []mark
	numbers []int64 // words that are ticket numbers
}

// mark is a run of words.
type mark struct {
	words  []string
	prefix bool
}

// marksOf collects what a ticket should have; what it should not have has no place in it.
func marksOf(n Node, texts map[Text]textWords) (m marks) {
	var parts []string
	var collect func(n Node)
	collect = func(n Node) {
		switch n := n.(type) {
		case And:
			for _, part := range n {
				collect(part)
			}
		case Or:
			for _, part := range n {
				collect(part)
			}
		case Text:
			words, ok := texts[n]
			if !ok {
				return
			}
			parts = append(parts, words.tsquery(n))
			m.texts = append(m.texts, mark{words.Words, n.Prefix})
			if number, err := strconv.ParseInt(words.Plain, 10, 64); err == nil {
				m.numbers = append(m.numbers, number)
			}
		}
	}
	collect(n)
	m.query = strings.Join(parts, " | ")
	return m
}

// word is a word of a text: where it stands, and how it is compared.
type word struct {
	from, to int
	plain    string
}

// wordsOf cuts a text as search.plain does: letters and digits, without case and accents.
func wordsOf(text string) (words []word) {
	from := -1
	for i, r := range text {
		inside := unicode.IsLetter(r) || unicode.IsNumber(r) || from >= 0 && unicode.IsMark(r)
		if inside && from < 0 {
			from = i
		} else if !inside && from >= 0 {
			words = append(words, word{from, i, fold(text[from:i])})
			from = -1
		}
	}
	if from >= 0 {
		words = append(words, word{from, len(text), fold(text[from:])})
	}
	return words
}

// letters are those that no decomposition takes apart.
var letters = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "đ", "d", "ð", "d", "þ", "th", "ł", "l", "ı", "i")

func fold(text string) string {
	lower := strings.ToLower(text)
	for i := range len(lower) {
		if lower[i] >= utf8.RuneSelf {
			return letters.Replace(strings.Map(func(r rune) rune {
				if unicode.Is(unicode.Mn, r) {
					return -1
				}
				return r
			}, norm.NFKD.String(lower)))
		}
	}
	return lower
}

// found are the places of a text that the marks mark, in its order, and how many of the marks it has.
func (m marks) found(text string) (places []word, different int) {
	words := wordsOf(text)
	taken := make([]bool, len(words))
	for _, mark := range m.texts {
		n := len(mark.words)
		hit := false
		for i := 0; n > 0 && i+n <= len(words); i++ {
			fits := true
			for j, want := range mark.words {
				have := words[i+j].plain
				if have != want && !(mark.prefix && j == n-1 && strings.HasPrefix(have, want)) {
					fits = false
					break
				}
			}
			if fits {
				hit = true
				for j := range n {
					taken[i+j] = true
				}
			}
		}
		if hit {
			different++
		}
	}
	for i, w := range words {
		if taken[i] {
			places = append(places, w)
		}
	}
	return places, different
}

// pieces cuts a text at its marks.
func pieces(text string, places []word) (cut []Piece) {
	at := 0
	for _, p := range places {
		if p.from > at {
			cut = append(cut, Piece{Text: text[at:p.from]})
		}
		cut = append(cut, Piece{Text: text[p.from:p.to], Marked: true})
		at = p.to
	}
	if at < len(text) || len(cut) == 0 {
		cut = append(cut, Piece{Text: text[at:]})
	}
	return cut
}

// snippetLength is about how long a snippet is, in bytes.
const snippetLength = 200

// snippet is the stretch of a text with the most marks, cut at words.
func (m marks) snippet(text string) []Piece {
	text = strings.Join(strings.Fields(strings.NewReplacer("**", "", "`", "").Replace(text)), " ")
	places, _ := m.found(text)
	from := 0
	if len(places) > 0 {
		best, most := 0, 0
		for i := range places {
			n := 0
			for _, p := range places[i:] {
				if p.to-places[i].from > snippetLength {
					break
				}
				n++
			}
			if n > most {
				best, most = i, n
			}
		}
		from = max(0, places[best].from-snippetLength/4)
	}
	to := min(len(text), from+snippetLength)
	if from > 0 {
		if i := strings.IndexByte(text[from:], ' '); i >= 0 && i < snippetLength/4 {
			from += i + 1
		}
		for from < len(text) && !utf8.RuneStart(text[from]) {
			from++
		}
	}
	if to < len(text) {
		if i := strings.LastIndexByte(text[from:to], ' '); i > snippetLength/2 {
			to = from + i
		}
		for to > from && !utf8.RuneStart(text[to]) {
			to--
		}
	}
	before, after := "", ""
	if from > 0 {
		before = "… "
	}
	if to < len(text) {
		after = " …"
	}
	shown := before + text[from:to] + after
	places, _ = m.found(shown)
	return pieces(shown, places)
}

// show says of each ticket where it was found. The texts are read as the actor, a page of tickets' newest.
func (f *finder) show(ctx context.Context, tickets []Ticket, m marks) ([]Hit, error) {
	hits := make([]Hit, len(tickets))
	ids := make([]uuid.UUID, len(tickets))
	at := map[uuid.UUID]int{}
	best := make([]int, len(tickets)) // how many marks the snippet has
	for i, t := range tickets {
		ids[i], at[t.ID] = t.ID, i
		places, _ := m.found(t.Subject)
		hits[i] = Hit{Ticket: t, Subject: pieces(t.Subject, places)}
		_, best[i] = m.found(t.Description)
		hits[i].Where = "description"
		if f.actor.Role.Staff() {
			if places, n := m.found(t.ClientName); n > 0 {
				hits[i].Person = pieces(t.ClientName, places)
			}
		}
	}
	if len(tickets) == 0 || f.search.typing {
		return hits, nil
	}
	type said struct {
		TicketID   uuid.UUID
		Content    string
		IsInternal bool
		By         string
		File       bool
	}
	texts, err := all[said](f.tx.Query(ctx, `
		SELECT a.ticket_id, a.content, a.is_internal, coalesce(u.full_name, '') AS by, false AS file
		FROM unnest($1::uuid[]) i (id)
			CROSS JOIN LATERAL (SELECT ticket_id, left(content, 20000) AS content, is_internal, user_id, position FROM ticket_activities
				WHERE ticket_id = i.id AND content <> '' ORDER BY position DESC LIMIT 50) a
			LEFT JOIN users u ON u.id = a.user_id
		UNION ALL
		(SELECT ticket_id, file_name, is_internal, '', true FROM attachments WHERE ticket_id = ANY ($1) LIMIT 1000)`, ids))
	if err != nil {
		return nil, err
	}
	chosen := make([]*said, len(tickets))
	for _, text := range texts {
		i := at[text.TicketID]
		if _, n := m.found(text.Content); n > best[i] {
			best[i], chosen[i] = n, &text
		}
	}
	for i, text := range chosen {
		switch {
		case text == nil:
			hits[i].Snippet = m.snippet(tickets[i].Description)
			continue
		case text.File:
			hits[i].Where = "file"
		case text.IsInternal:
			hits[i].Where = "note"
		default:
			hits[i].Where = "message"
		}
		hits[i].By, hits[i].Snippet = text.By, m.snippet(text.Content)
	}
	return hits, nil
}
