package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"autocrm/store"

	"github.com/PuerkitoBio/goquery"
)

// ticketPages are the pages of tickets and dashboards, by portal; {ticket} is a ticket's address.
var ticketPages = map[store.Role][]string{
	store.Client: {"/", "/tickets", "/tickets?status=active&priority=high&age=7d&sort=-age", "/tickets/new", "{ticket}"},
	store.Agent:  {"/", "/queue", "/queue?sort=age", "/my-tickets", "/my-tickets?status=any", "/tickets", "/tickets?assignee=none&sort=assignee", "/tickets?assignee=me", "{ticket}"},
	store.Admin:  {"/", "/tickets", "/tickets?sort=-priority&age=over-30d", "{ticket}"},
}

func TestEveryTicketPageRenders(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	people := map[store.Role]*browser{}
	for _, role := range store.Roles {
		people[role] = d.person(t, role, string(role)+"@example.com")
	}
	for _, role := range store.Roles {
		for _, path := range ticketPages[role] {
			if path == "{ticket}" || path == "/tickets/new" {
				continue
			}
			page := people[role].see(t, path).html(t)
			if page.Find(".empty").Length() == 0 {
				t.Errorf("%s%s, with no ticket, says nothing of it", role, path)
			}
		}
	}
	address := people[store.Client].submit(t, "A <b>subject</b> & more", "Some *text*", part{"files", "a.txt", "hello"})
	for _, role := range store.Roles {
		for _, path := range ticketPages[role] {
			path = strings.ReplaceAll(path, "{ticket}", address)
			page := people[role].see(t, path).html(t)
			if page.Find("h1").Length() != 1 || page.Find("main").Length() != 1 {
				t.Errorf("%s%s: %d h1, %d main", role, path, page.Find("h1").Length(), page.Find("main").Length())
			}
			checkRegions(t, people[role], string(role)+path, page)
			checkIDs(t, string(role)+path, page)
			if n := page.Find("script:not([src]), style, [style], [onclick], [onload], [hx-on]").Length(); n != 0 {
				t.Errorf("%s%s has %d inline scripts or styles", role, path, n)
			}
			if page.Find(`b:contains("subject")`).Length() != 0 {
				t.Errorf("%s%s lets a subject's markup through", role, path)
			}
		}
	}
}

// checkRegions fetches every live region of a page: it must be the very same element, and, asked for again with
// its ETag, nothing.
func checkRegions(t *testing.T, b *browser, where string, page *goquery.Document) {
	t.Helper()
	if where != "client/tickets/new" && page.Find("[data-topic]").Length() == 0 {
		t.Errorf("%s has no live region", where)
	}
	page.Find("[data-topic]").Each(func(_ int, region *goquery.Selection) {
		if region.Find("textarea").Length() != 0 || region.Closest("form").Length() != 0 {
			t.Errorf("%s: a form that somebody writes in stands in the live region #%s", where, region.AttrOr("id", ""))
		}
		src := region.AttrOr("hx-get", "")
		got := b.get(t, src, "HX-Request", "true")
		if got.StatusCode != http.StatusOK {
			t.Errorf("%s: the region at %s answers %d", where, src, got.StatusCode)
			return
		}
		again := got.html(t).Find("body").Children().First()
		for _, name := range []string{"id", "data-topic", "data-version", "hx-get", "hx-trigger", "hx-swap"} {
			if a, b := region.AttrOr(name, "none"), again.AttrOr(name, "none"); a != b || a == "none" {
				t.Errorf("%s: %s has %s=%q on the page and %q by itself", where, src, name, a, b)
			}
		}
		// What no signal tells of follows by the clock too.
		if want := "live:" + strings.ReplaceAll(region.AttrOr("data-topic", ""), " ", " from:body, live:") + " from:body"; strings.TrimSuffix(region.AttrOr("hx-trigger", ""), ", live:minute from:body") != want {
			t.Errorf("%s: %s is fetched on %q", where, src, region.AttrOr("hx-trigger", ""))
		}
		if got := b.get(t, src, "HX-Request", "true", "If-None-Match", got.Header.Get("ETag")); got.StatusCode != http.StatusNotModified || got.body != "" {
			t.Errorf("%s: %s unchanged answers %d with %d bytes", where, src, got.StatusCode, len(got.body))
		}
	})
}

func checkIDs(t *testing.T, where string, page *goquery.Document) {
	t.Helper()
	seen := map[string]bool{}
	page.Find("[id]").Each(func(_ int, s *goquery.Selection) {
		id := s.AttrOr("id", "")
		if seen[id] {
			t.Errorf("%s has the id %q twice", where, id)
		}
		seen[id] = true
	})
}

func TestChangedRegionIsSentAgain(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	agent := d.person(t, store.Agent, "ana@example.com")
	address := client.submit(t, "One", "Text")
	before := map[string]string{}
	for _, path := range []string{address + "/timeline", address + "/head", address + "/properties", "/tickets/rows", "/dashboard"} {
		before[path] = client.see(t, path).Header.Get("ETag")
		if before[path] == "" {
			t.Fatalf("%s has no ETag", path)
		}
	}
	// What the client may not know of is no change: not even by its version.
	if got := agent.multi(t, address+"/notes", []part{{field: "content", content: "hush"}}); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("note: %d", got.StatusCode)
	}
	for path, tag := range before {
		if got := client.get(t, path, "If-None-Match", tag); got.StatusCode != http.StatusNotModified {
			t.Errorf("after an internal note %s answers the client %d", path, got.StatusCode)
		}
	}
	if got := agent.multi(t, address+"/replies", []part{{field: "content", content: "hello"}}); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("reply: %d", got.StatusCode)
	}
	for path, tag := range before {
		if got := client.get(t, path, "If-None-Match", tag); got.StatusCode != http.StatusOK {
			t.Errorf("after a reply %s answers the client %d", path, got.StatusCode)
		}
	}
}

func TestListsFilterSortAndPage(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.Person(t, store.Client, "cleo@example.com")
	agent := d.person(t, store.Agent, "ana@example.com")
	d.Exec(t, `
		INSERT INTO tickets (client_id, subject, description, status, priority, created_at)
		SELECT $1, 'Ticket ' || n, 'd', (ARRAY['new','open','resolved'])[n % 3 + 1], (ARRAY['low','urgent'])[n % 2 + 1], now() - n * interval '1 day'
		FROM generate_series(1, 120) n`, client.UserID)
	rows := func(path string) (numbers []string, page *goquery.Document) {
		page = agent.see(t, path).html(t)
		page.Find("#ticket-list [data-row]").Each(func(_ int, s *goquery.Selection) { numbers = append(numbers, s.AttrOr("data-row", "")) })
		return numbers, page
	}
	seen := map[string]bool{}
	path, pages := "/tickets?sort=age", 0
	for path != "" {
		numbers, page := rows(path)
		for _, n := range numbers {
			if seen[n] {
				t.Errorf("%s shows %s again", path, n)
			}
			seen[n] = true
		}
		path, _ = page.Find(`.pager a:contains("Next")`).Attr("href")
		if pages++; pages > 5 {
			t.Fatal("the pages do not end")
		}
	}
	if len(seen) != 120 || pages != 3 {
		t.Errorf("%d tickets on %d pages", len(seen), pages)
	}
	if n, _ := rows("/tickets?status=open&age=30d"); len(n) != 10 {
		t.Errorf("%d open tickets of the last 30 days, want 10", len(n))
	}
	if n, _ := rows("/tickets?age=over-30d&priority=low&status=new"); len(n) != 16 {
		t.Errorf("%d low new tickets over 30 days old, want 16", len(n))
	}
	queue, page := rows("/queue")
	if len(queue) != 50 {
		t.Fatalf("the queue shows %d tickets", len(queue))
	}
	for i := range queue {
		// 40 of the 80 tickets in the queue are urgent: they come first, and of each kind the oldest.
		want := map[bool]string{true: "urgent", false: "low"}[i < 40]
		if got := page.Find(".tickets__row .priority").Eq(i).AttrOr("data-priority", ""); got != want {
			t.Errorf("row %d of the queue is %s, want %s", i, got, want)
		}
		if i > 0 && i != 40 && queue[i] < queue[i-1] {
			t.Errorf("row %d of the queue is older than the one before", i)
		}
	}
	if _, page = rows("/tickets?status=closed"); !strings.Contains(page.Find(".empty").Text(), "Nothing matches") {
		t.Error("a list that its filters empty does not say so")
	}
}

func TestWrongListAddresses(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	agent := d.person(t, store.Agent, "ana@example.com")
	client := d.person(t, store.Client, "cleo@example.com")
	for _, query := range []string{"status=odd", "priority=odd", "assignee=odd", "age=odd", "sort=odd", "after=odd", "before=odd",
		"after=" + strings.Repeat("A", 5000), "status=%27%3B--", "sort=updated&after=eyJTb3J0IjoidXBkYXRlZCIsIktleSI6IngiLCJOdW1iZXIiOjF9"} {
		for name, b := range map[string]*browser{"agent": agent, "client": client} {
			for _, path := range []string{"/tickets?", "/tickets/rows?"} {
				got := b.get(t, path+query)
				if got.StatusCode != http.StatusUnprocessableEntity {
					t.Errorf("%s%s%s: %d, want 422", name, path, query, got.StatusCode)
				}
			}
			if text := b.get(t, "/tickets?"+query).html(t).Find(`.notice[data-kind="danger"]`).Text(); strings.TrimSpace(text) == "" {
				t.Errorf("%s: ?%s: the page does not say what is wrong", name, query)
			}
			if got := b.get(t, "/tickets?"+query, "Accept", "application/json"); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, `"error"`) {
				t.Errorf("%s: ?%s as JSON: %d %s", name, query, got.StatusCode, got.body)
			}
		}
	}
}

func TestJSONForms(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	agent := d.person(t, store.Agent, "ana@example.com")
	empty := client.get(t, "/tickets", "Accept", "application/json")
	if strings.TrimSpace(empty.body) != `{"next":"","tickets":[]}` {
		t.Errorf("no tickets as JSON: %s", empty.body)
	}
	address := client.submit(t, "One", "Text", part{"files", "a.txt", "hello"})
	for i := range 50 {
		client.submit(t, fmt.Sprint("More ", i), "Text")
	}
	agent.multi(t, address+"/notes", []part{{field: "content", content: "hush-hush"}})
	agent.multi(t, address+"/replies", []part{{field: "content", content: "hello"}})
	var list struct {
		Tickets []struct {
			Number  int
			Subject string
		}
		Next string
	}
	got := client.get(t, "/tickets", "Accept", "application/json")
	if err := json.Unmarshal([]byte(got.body), &list); err != nil || len(list.Tickets) != 50 || list.Next == "" {
		t.Fatalf("%v: %d tickets, next %q", err, len(list.Tickets), list.Next)
	}
	got = client.get(t, "/tickets?after="+list.Next, "Accept", "application/json")
	if err := json.Unmarshal([]byte(got.body), &list); err != nil || len(list.Tickets) != 1 || list.Next != "" {
		t.Errorf("%v: second page has %d tickets, next %q", err, len(list.Tickets), list.Next)
	}
	var thread struct {
		Ticket struct {
			Number  int
			Version int
		}
		Attachments []struct{ URL string }
		Activities  []struct {
			Type string `json:"activity_type"`
		}
	}
	got = client.get(t, address, "Accept", "application/json")
	if err := json.Unmarshal([]byte(got.body), &thread); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprintf("/tickets/%d", thread.Ticket.Number) != address || len(thread.Attachments) != 1 || len(thread.Activities) != 3 {
		t.Errorf("the client reads %s", got.body)
	}
	if strings.Contains(got.body, "hush-hush") || strings.Contains(got.body, "internal_note") {
		t.Error("the client reads a note")
	}
	got = agent.get(t, address, "Accept", "application/json")
	if err := json.Unmarshal([]byte(got.body), &thread); err != nil || len(thread.Activities) != 4 {
		t.Errorf("%v: the agent reads %s", err, got.body)
	}
	if got := client.get(t, "/tickets/9999", "Accept", "application/json"); got.StatusCode != http.StatusNotFound || !strings.Contains(got.body, `"error"`) {
		t.Errorf("no ticket as JSON: %d %s", got.StatusCode, got.body)
	}
}

func TestLongTimelineComesInParts(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	agent := d.person(t, store.Agent, "ana@example.com")
	address := client.submit(t, "One", "The description")
	d.Exec(t, `
		INSERT INTO ticket_activities (ticket_id, user_id, activity_type, content)
		SELECT id, client_id, 'comment', 'Message ' || n FROM tickets, generate_series(1, 450) n ORDER BY n`)
	var seen []string
	for path := address; path != ""; {
		page := agent.see(t, path).html(t)
		checkRegions(t, agent, path, page)
		var part []string
		page.Find("#timeline > li").Each(func(_ int, s *goquery.Selection) { part = append(part, s.AttrOr("id", "")) })
		seen = append(part, seen...)
		if onlyNewest := page.Find("#composer").Length() == 1; onlyNewest != (path == address) {
			t.Errorf("%s: a composer: %v", path, onlyNewest)
		}
		next, more := page.Find("#earlier").Attr("href")
		if !more && !strings.Contains(page.Find("#timeline > li").First().Text(), "The description") {
			t.Error("the timeline does not begin with the description")
		}
		path = next
	}
	distinct := map[string]bool{}
	for _, id := range seen {
		distinct[id] = true
	}
	if len(seen) != 451 || len(distinct) != 451 {
		t.Errorf("%d entries, %d distinct, want 451", len(seen), len(distinct))
	}
	for _, before := range []string{"0", "-1", "x", "99999999999999999999"} {
		if got := agent.get(t, address+"?before="+before); got.StatusCode != http.StatusNotFound {
			t.Errorf("?before=%s: %d", before, got.StatusCode)
		}
	}
}
