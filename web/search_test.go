package web_test

import (
	"net/http"
	"strings"
	"testing"

	"autocrm/store"
)

// TestSearchPage: what is found is shown escaped and marked; what cannot be followed is said with the nearest right
// thing; a client finds its own alone.
func TestSearchPage(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	cleo, otto, ana := d.person(t, store.Client, "cleo@example.com"), d.person(t, store.Client, "otto@example.com"), d.person(t, store.Agent, "ana@example.com")
	address := cleo.submit(t, "A <b>zebra</b> & more", "It stands in the <i>corridor</i>")
	for _, c := range []struct {
		who    *browser
		path   string
		status int
		words  string
	}{
		{ana, "/search", 200, "Words are looked for in subjects"},
		{cleo, "/search", 200, "Words are looked for in your tickets"},
		{ana, "/search?q=zebra", 200, "A <b>zebra</b> & more"},
		{cleo, "/search?q=zebra+corridor", 200, "1 ticket"},
		{otto, "/search?q=zebra", 200, "Nothing found"},
		{otto, "/search?q=zebar", 200, "Nothing found"},
		{cleo, "/search?q=zebar", 200, "Showing results for zebra instead of zebar."},
		{cleo, "/search?q=zebar&exact=1", 200, "Nothing found"},
		{ana, "/search?q=-zebra", 200, "Nothing found"},
		{ana, "/search?q=statsu:open", 422, "did you mean status:?"},
		{ana, "/search?q=%21%21", 422, "There is nothing to look for"},
		{ana, "/search?q=zebra+status:new&sort=newest", 200, "1 ticket"},
		{ana, "/search?q=status:new", 200, "1 ticket"},
		{ana, "/search?q=zebra&page=3", 200, "Nothing found"},
		{cleo, "/search?q=assignee:none", 422, "There is no operator"},
		{ana, "/search?q=a%27b%26c%5C%3A%2A", 200, ""},
		{ana, "/search?page=x", 404, ""},
		{ana, "/search?q=zebra&below=-1", 404, ""},
	} {
		a := c.who.get(t, c.path)
		if a.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", c.path, a.StatusCode, c.status)
			continue
		}
		page := a.html(t)
		if !strings.Contains(strings.Join(strings.Fields(page.Find("main").Text()), " "), c.words) {
			t.Errorf("%s does not say %q: %s", c.path, c.words, strings.Join(strings.Fields(page.Find("main").Text()), " "))
		}
		if page.Find("main b, main i").Length() > 0 {
			t.Errorf("%s lets markup through", c.path)
		}
		if n := page.Find("script:not([src]), style, [style]").Length(); n != 0 {
			t.Errorf("%s has %d inline scripts or styles", c.path, n)
		}
		checkIDs(t, c.path, page)
	}
	page := ana.get(t, "/search?q=zebra").html(t)
	if marked := page.Find(".found__link mark").Text(); marked != "zebra" || page.Find(`.found__link[href="`+address+`"]`).Length() != 1 {
		t.Errorf("marked is %q", marked)
	}
	options := ana.get(t, "/search/suggestions?q=zeb").html(t)
	if options.Find(`[role=option][href="`+address+`"] mark`).Text() != "zebra" {
		t.Errorf("half a word suggests %s", options.Text())
	}
	if options := ana.get(t, "/search/suggestions?q=cle").html(t); options.Find(`[role=option]:contains("cleo@example.com")`).Length() != 1 {
		t.Errorf("half a name suggests %s", options.Text())
	}
	if options := cleo.get(t, "/search/suggestions?q=cle").html(t); options.Find(`[role=option]:contains("cleo@example.com")`).Length() != 0 {
		t.Errorf("a client is suggested people: %s", options.Text())
	}
	if a := ana.get(t, "/search/suggestions?q=status:o"); a.StatusCode != http.StatusOK || a.html(t).Find(`[data-insert="status:open"]`).Length() != 1 {
		t.Errorf("an operator is not completed")
	}
}
