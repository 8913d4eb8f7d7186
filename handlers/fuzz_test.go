package handlers

import (
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// Wherever a link wants to lead after signing in, it leads to this host.
func FuzzNext(f *testing.F) {
	for _, seed := range []string{"/tickets?a=b#c", "//evil.example", `/\evil`, "/\t/evil", "https:evil", "/%2f/evil", "/a/..//evil", "/?//evil", "/#//evil", "/;/evil", "/\u2028/evil", "/.//evil", "/? ", "/%2fevil/ x"} {
		f.Add(seed)
	}
	base, _ := url.Parse("https://agent.example.com/sign-in")
	f.Fuzz(func(t *testing.T, path string) {
		next := Next(path)
		to, err := base.Parse(next)
		if err != nil || to.Host != base.Host || to.Scheme != "https" || to.User != nil || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") ||
			strings.ContainsFunc(next, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' || r == utf8.RuneError }) {
			t.Errorf("%q leads to %q", path, next)
		}
		if Next(next) != next {
			t.Errorf("%q leads to %q, and that to %q", path, next, Next(next))
		}
	})
}

// A file's name is one parameter of one header, and comes back from it.
func FuzzContentDisposition(f *testing.F) {
	for _, seed := range []string{"a.txt", `a"b;filename=c`, "a\r\nX: y", "日本語 100 %.txt", `\`, "", "'", "UTF-8''x", "\xff", "\u202e"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		header := contentDisposition("attachment", name)
		if strings.ContainsFunc(header, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q makes the header %q", name, header)
		}
		how, params, err := mime.ParseMediaType(header)
		if err != nil || how != "attachment" || len(params) != 1 || params["filename"] != name {
			t.Errorf("%q comes back as %q %q (%v)", name, how, params, err)
		}
	})
}

// A number is a number in one spelling, and the state of a list is what lists have, or Invalid.
func FuzzTicketAddress(f *testing.F) {
	for _, seed := range []string{"1001", "01001", "+1", "-1", "9223372036854775808", "１００１", "1e3", "0x1", "", "active", "me", "7d", "none", "11111111-1111-4111-8111-111111111111", "{11111111-1111-4111-8111-111111111111}", "\x00"} {
		f.Add(seed)
	}
	e := echo.New()
	f.Fuzz(func(t *testing.T, text string) {
		c := e.NewContext(httptest.NewRequest("GET", "/", nil), httptest.NewRecorder())
		c.SetParamNames("number")
		c.SetParamValues(text)
		if number, err := ticketNumber(c); err == nil && (number <= 0 || strconv.FormatInt(number, 10) != text) {
			t.Errorf("%q is ticket %d", text, number)
		}
		query := views.TicketQuery{Path: "/tickets", Kept: text, Q: text, Sort: text, Columns: text, Density: text, After: text, Before: text}
		for _, address := range []string{query.Href(), query.Rows()} {
			to, err := url.Parse(address)
			if err != nil || to.Host != "" || !strings.HasPrefix(to.Path, "/tickets") || text != "" && (to.Query().Get("after") != text || to.Query().Get("q") != text) {
				t.Errorf("a list of %q is at %q (%v)", text, address, err)
			}
		}
		for _, name := range []string{"q", "status", "priority", "assignee", "tag", "age", "columns", "density"} {
			address := "/tickets?" + url.Values{name: {text}}.Encode()
			c := e.NewContext(httptest.NewRequest("GET", address, nil), httptest.NewRecorder())
			list, filter, err := (&Portal{Role: store.Agent}).ticketList(c, allTickets)
			if err != nil {
				if status, err := sayOnList(&list, err); err != nil || status != http.StatusUnprocessableEntity {
					t.Errorf("%s: %d, %v", address, status, err)
				}
			} else if strings.TrimSpace(strings.ReplaceAll(text, "\x00", "")) != "" && filter.Query.IsZero() && name != "columns" && name != "density" && text != "any" && text != views.AsWritten {
				t.Errorf("%s narrows to nothing", address)
			}
		}
	})
}
