package views

import (
	"context"
	"html"
	"io"
	"net/url"
	"strconv"
	"strings"

	"autocrm/store"

	"github.com/a-h/templ"
)

// SearchPage is a page of what a search found.
type SearchPage struct {
	Role     store.Role
	Asked    store.Search
	Result   store.SearchResult
	Mistakes []store.Mistake // why the text could not be followed
	Wrong    string          // why nothing was looked for: it took too long, too many search
}

// href is the search for text, in the same order.
func (s SearchPage) href(text string, page, below int64, exact bool) string {
	values := url.Values{"q": {text}}
	if s.Asked.Newest {
		values.Set("sort", "newest")
	}
	if page > 0 {
		values.Set("page", strconv.FormatInt(page, 10))
	}
	if below > 0 {
		values.Set("below", strconv.FormatInt(below, 10))
	}
	if exact {
		values.Set("exact", "1")
	}
	return "/search?" + values.Encode()
}

func (s SearchPage) ordered(newest bool) string {
	s.Asked.Newest = newest
	return s.href(s.Asked.Text, 0, 0, s.Asked.Exact)
}

// next and previous are "" at the ends. Newest first walks one way: who wants back has the browser for it.
func (s SearchPage) next() string {
	if s.Result.Last {
		return ""
	}
	if s.Result.Walked {
		return s.href(s.Result.Query.String(), 0, s.Result.Below, true)
	}
	return s.href(s.Result.Query.String(), int64(s.Asked.Page)+1, s.Result.Below, true)
}

func (s SearchPage) previous() string {
	switch {
	case s.Result.Walked && s.Asked.Below > 0:
		return s.href(s.Asked.Text, 0, 0, true)
	case s.Result.Walked || s.Asked.Page == 0:
		return ""
	}
	return s.href(s.Asked.Text, int64(s.Asked.Page)-1, s.Asked.Below, true)
}

func (s SearchPage) previousLabel() string {
	if s.Result.Walked {
		return "To the newest"
	}
	return "Previous"
}

// summary says how many there are, and of how many more these are the newest.
func (s SearchPage) summary() string {
	r := s.Result
	switch {
	case r.Walked && r.More:
		return "The newest first"
	case r.More:
		return "The best of the newest " + strconv.Itoa(r.Count) + "; there are more"
	case r.Count == 1:
		return "1 ticket"
	}
	return strconv.Itoa(r.Count) + " tickets"
}

// marked is a text with what was looked for in <mark>.
func marked(pieces []store.Piece) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		for _, p := range pieces {
			if p.Marked {
				b.WriteString("<mark>" + html.EscapeString(p.Text) + "</mark>")
			} else {
				b.WriteString(html.EscapeString(p.Text))
			}
		}
		_, err := io.WriteString(w, b.String())
		return err
	})
}

// whereWords names what a snippet is of.
func whereWords(hit store.Hit) string {
	switch hit.Where {
	case "note":
		return "Internal note" + writer(hit)
	case "file":
		return "File"
	case "message":
		return "Message" + writer(hit)
	}
	return ""
}

func writer(hit store.Hit) string {
	if hit.By == "" {
		return ""
	}
	return " by " + hit.By
}

// searchFrom is the search for a person's tickets.
func searchFrom(p store.PersonHit) string {
	return "/search?" + url.Values{"q": {"from:" + p.Email}}.Encode()
}

func searchFor(text string) string { return "/search?" + url.Values{"q": {text}}.Encode() }

func optionID(kind string, i int) string { return "search-" + kind + "-" + strconv.Itoa(i) }
