package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"autocrm/store"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"
)

// Without scripts many tickets are changed by plain forms: the list's, the question's, and links that look again.
func TestBulkWithoutScripts(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	client := d.Person(t, store.Client, "cleo@example.com")
	d.Person(t, store.Agent, "ana@example.com")
	d.Person(t, store.Agent, "ben@example.com")
	d.Person(t, store.Admin, "ada@example.com")
	for range 3 {
		if _, err := d.Store.Submit(t.Context(), client, store.NewTicket{ID: uuid.New(), Subject: "Printer", Description: "It smokes", Priority: store.PriorityMedium}); err != nil {
			t.Fatal(err)
		}
	}
	ana := d.browser(t, store.Agent).signIn(t, "ana@example.com")

	list := ana.get(t, "/queue").want(t, http.StatusOK).html(t)
	if n := list.Find(`input[type=checkbox][name=ticket][form=select-bar]`).Length(); n != 3 {
		t.Fatalf("%d checkboxes", n)
	}
	if got, _ := list.Find(`#select-bar input[name=list]`).Attr("value"); got != "/queue" {
		t.Errorf("the list is %q", got)
	}
	ask := ana.post(t, "/bulk", url.Values{"list": {"/queue"}, "ticket": {"1001", "1003"}, "do": {"choose"}}).want(t, http.StatusOK).html(t)
	if n := ask.Find(`input[name=ticket]`).Length(); n != 2 || ask.Find("h1").Text() != "Change 2 tickets" {
		t.Errorf("%d tickets, %q", n, ask.Find("h1").Text())
	}
	for name, form := range map[string]url.Values{
		"nothing selected":   {"list": {"/queue"}, "do": {"status resolved"}},
		"nothing chosen":     {"list": {"/queue"}, "ticket": {"1001"}, "do": {""}},
		"no such status":     {"list": {"/queue"}, "ticket": {"1001"}, "do": {"status lost"}},
		"nobody to get it":   {"list": {"/queue"}, "ticket": {"1001"}, "do": {"assign"}, "assignee": {""}},
		"a customer":         {"list": {"/queue"}, "ticket": {"1001"}, "do": {"assign " + client.UserID.String()}},
		"no tag":             {"list": {"/queue"}, "ticket": {"1001"}, "do": {"tag"}, "tags": {" , "}},
		"no such tag":        {"list": {"/queue"}, "ticket": {"1001"}, "do": {"tag"}, "tags": {"nope"}},
		"no such macro":      {"list": {"/queue"}, "ticket": {"1001"}, "do": {"macro 3b241101-e2bb-4255-8caf-4136c566a962"}},
		"no macro at all":    {"list": {"/queue"}, "ticket": {"1001"}, "do": {"macro x"}},
		"no such list":       {"list": {"/users"}, "whole": {"1"}, "do": {"status resolved"}},
		"a list in disorder": {"list": {"/tickets?status=lost"}, "whole": {"1"}, "do": {"status resolved"}},
	} {
		got := ana.post(t, "/bulk", form).want(t, http.StatusUnprocessableEntity).html(t)
		if got.Find(".notice[data-kind=danger]").Length() != 1 {
			t.Errorf("%s: nothing is said", name)
		}
	}

	begun := ana.post(t, "/bulk", url.Values{"list": {"/queue"}, "ticket": {"1001", "1003"}, "do": {"priority urgent"}}).want(t, http.StatusSeeOther)
	path := begun.Header.Get("Location")
	result := waitFor(t, ana, path, "Changed 2 tickets.")
	if !strings.Contains(result, "Set priority to Urgent") {
		t.Error("it does not say what was done")
	}
	// The whole list is what it shows, and no more: 1002 has an agent by then.
	ana.post(t, "/tickets/1002/assignment", url.Values{"seen": {""}, "assignee": {client.UserID.String()}})
	d.Exec(t, `UPDATE tickets SET agent_id = (SELECT id FROM users WHERE email = 'ben@example.com') WHERE number = 1002`)
	whole := ana.post(t, "/bulk", url.Values{"list": {"/queue?priority=urgent"}, "whole": {"1"}, "do": {"status pending"}}).want(t, http.StatusSeeOther)
	waitFor(t, ana, whole.Header.Get("Location"), "Changed 2 tickets.")
	var pending int
	if err := d.Owner.QueryRow(t.Context(), `SELECT count(*) FROM tickets WHERE status = 'pending' AND number <> 1002`).Scan(&pending); err != nil || pending != 2 {
		t.Errorf("%d pending, %v", pending, err)
	}
	// A kept view as it is now; one that nobody can read, or that is another's, is not everything.
	var view, bens string
	keep := `INSERT INTO views (owner_id, name, q) SELECT id, 'kept', $2 FROM users WHERE email = $1 RETURNING id::text`
	for to, of := range map[*string][2]string{&view: {"ana@example.com", "priority:urgent"}, &bens: {"ben@example.com", "priority:urgent"}} {
		if err := d.Owner.QueryRow(t.Context(), keep, of[0], of[1]).Scan(to); err != nil {
			t.Fatal(err)
		}
	}
	kept := ana.post(t, "/bulk", url.Values{"list": {"/views/" + view}, "whole": {"1"}, "do": {"priority high"}}).want(t, http.StatusSeeOther)
	waitFor(t, ana, kept.Header.Get("Location"), "Changed 2 tickets.")
	d.Exec(t, `UPDATE views SET q = 'tag:gone' WHERE id = $1`, view)
	for _, list := range []string{"/views/" + view, "/views/" + bens, "/views/x", "/tickets?q=tag:gone"} {
		ana.post(t, "/bulk", url.Values{"list": {list}, "whole": {"1"}, "do": {"priority low"}}).want(t, http.StatusUnprocessableEntity)
	}
	undo := ana.post(t, whole.Header.Get("Location")+"/reversal", nil).want(t, http.StatusSeeOther)
	waitFor(t, ana, undo.Header.Get("Location"), "Set back 2 tickets.")
	ana.post(t, whole.Header.Get("Location")+"/reversal", nil).want(t, http.StatusConflict)
	ana.post(t, path+"/cancellation", nil).want(t, http.StatusSeeOther)

	// Another agent is told that there is no such thing, an admin sees it, a customer has none of it.
	ben := d.browser(t, store.Agent).signIn(t, "ben@example.com")
	ben.get(t, path).want(t, http.StatusNotFound)
	ben.get(t, path+"/progress").want(t, http.StatusNotFound)
	ben.post(t, path+"/reversal", nil).want(t, http.StatusNotFound)
	ben.post(t, path+"/cancellation", nil).want(t, http.StatusNotFound)
	d.browser(t, store.Admin).signIn(t, "ada@example.com").get(t, path).want(t, http.StatusOK)
	cleo := d.browser(t, store.Client).signIn(t, "cleo@example.com")
	for _, address := range []string{"/bulk", path, "/bulk/actions", "/bulk/size?list=/tickets", "/bulk/bar", "/macros"} {
		cleo.get(t, address).want(t, http.StatusNotFound)
	}
	if page := cleo.get(t, "/tickets").want(t, http.StatusOK); strings.Contains(page.body, "bulk-bar") || strings.Contains(page.body, "select-bar") || strings.Contains(page.body, "data-select") {
		t.Error("a customer's list lets select")
	}
}

// waitFor looks at the page again until it has the words.
func waitFor(t *testing.T, b *browser, path, words string) string {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		got := b.get(t, path).want(t, http.StatusOK)
		if strings.Contains(got.body, words) {
			return got.body
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s never says %q:\n%s", path, words, got.body)
		}
	}
}

// A macro that sends messages asks before it does so to many; on one ticket it is refused in words where somebody was
// faster.
func TestMacrosWithoutScripts(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	client := d.Person(t, store.Client, "cleo@example.com")
	d.Person(t, store.Agent, "ana@example.com")
	d.Person(t, store.Agent, "ben@example.com")
	for range 2 {
		if _, err := d.Store.Submit(t.Context(), client, store.NewTicket{ID: uuid.New(), Subject: "Printer", Description: "It smokes", Priority: store.PriorityMedium}); err != nil {
			t.Fatal(err)
		}
	}
	ana := d.browser(t, store.Agent).signIn(t, "ana@example.com")
	ana.post(t, "/macros", url.Values{"name": {"Hello"}, "reply": {"Hello {{customer.nam}}"}}).want(t, http.StatusUnprocessableEntity)
	ana.post(t, "/macros", url.Values{"name": {"Hello"}, "reply": {"Hello {{customer.name}}"}, "status": {"pending"}}).want(t, http.StatusSeeOther, "/macros")
	href, _ := ana.get(t, "/macros").want(t, http.StatusOK).html(t).Find(`#macro-list th a`).Attr("href")
	id := strings.TrimPrefix(href, "/macros/")
	ben := d.browser(t, store.Agent).signIn(t, "ben@example.com")
	ben.get(t, href).want(t, http.StatusNotFound)
	ben.post(t, href, url.Values{"name": {"Mine"}, "reply": {"x"}}).want(t, http.StatusNotFound)
	ben.post(t, href+"/deletion", nil).want(t, http.StatusNotFound)
	ben.post(t, "/tickets/1001/macros", url.Values{"macro": {id}}).want(t, http.StatusNotFound)

	// One ticket.
	choice := ana.get(t, "/tickets/1001/macros").want(t, http.StatusOK).html(t)
	form := url.Values{}
	choice.Find("form.macro__choices input[type=hidden]").Each(func(_ int, field *goquery.Selection) {
		form.Set(field.AttrOr("name", ""), field.AttrOr("value", ""))
	})
	form.Set("macro", id)
	d.Exec(t, `UPDATE tickets SET status = 'on_hold' WHERE number = 1001`)
	refused := ana.post(t, "/tickets/1001/macros", form).want(t, http.StatusConflict)
	if !strings.Contains(refused.body, "The status was changed to On hold meanwhile.") {
		t.Error("the conflict is not said")
	}
	form.Set("seen_status", "on_hold")
	ana.post(t, "/tickets/1001/macros", form).want(t, http.StatusSeeOther, "/tickets/1001")
	ana.post(t, "/tickets/1001/macros", url.Values{"macro": {"x"}}).want(t, http.StatusUnprocessableEntity)

	// Many.
	many := url.Values{"list": {"/tickets"}, "ticket": {"1001", "1002"}, "do": {"macro " + id}}
	ask := ana.post(t, "/bulk", many).want(t, http.StatusOK)
	if !strings.Contains(ask.body, "“Hello” sends a reply to the customers of 2 tickets. That cannot be undone.") {
		t.Error("it does not ask")
	}
	sure, _ := ask.html(t).Find("button[name=do]").Attr("value")
	many.Set("do", sure)
	begun := ana.post(t, "/bulk", many).want(t, http.StatusSeeOther)
	waitFor(t, ana, begun.Header.Get("Location"), "Changed 2 tickets.")
	page := ana.get(t, begun.Header.Get("Location")).body
	if !strings.Contains(page, "The replies that were sent stay.") {
		t.Error("it does not say what undoing leaves")
	}
	undo := ana.post(t, begun.Header.Get("Location")+"/reversal", nil).want(t, http.StatusSeeOther)
	waitFor(t, ana, undo.Header.Get("Location"), "Set back 2 tickets. The replies that were sent stay.")
	cleo := d.browser(t, store.Client).signIn(t, "cleo@example.com")
	if thread := cleo.get(t, "/tickets/1002").want(t, http.StatusOK); !strings.Contains(thread.body, "Hello Cleo") {
		t.Error("the customer has no reply")
	}
	for _, address := range []string{"/macros", href, "/tickets/1001/macros", "/tickets/1001/templates"} {
		cleo.get(t, address).want(t, http.StatusNotFound)
	}
	cleo.post(t, "/tickets/1001/macros", url.Values{"macro": {id}}).want(t, http.StatusNotFound)
}
