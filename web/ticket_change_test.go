package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autocrm/store"

	"github.com/PuerkitoBio/goquery"
)

type selection = goquery.Selection

// fill takes the values of a form as the page shows it.
func fill(form *selection) url.Values {
	values := url.Values{}
	form.Find("input[name], textarea[name]").Each(func(_ int, s *selection) { values.Set(s.AttrOr("name", ""), s.AttrOr("value", s.Text())) })
	form.Find("select[name]").Each(func(_ int, s *selection) {
		values.Set(s.AttrOr("name", ""), s.Find("option[selected]").AttrOr("value", ""))
	})
	return values
}

func TestSentTwiceIsSentOnce(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	form := fill(client.see(t, "/tickets/new").html(t).Find("#new-ticket"))
	form.Set("subject", "Once")
	form.Set("description", "Text")
	first, second := client.post(t, "/tickets", form), client.post(t, "/tickets", form)
	address := first.Header.Get("Location")
	if first.StatusCode != http.StatusSeeOther || address != second.Header.Get("Location") {
		t.Fatalf("%d to %s, then %d to %s", first.StatusCode, address, second.StatusCode, second.Header.Get("Location"))
	}
	if n := client.see(t, "/tickets").html(t).Find("[data-row]").Length(); n != 1 {
		t.Errorf("%d tickets", n)
	}
	reply := fill(client.see(t, address).html(t).Find("#composer-form-reply"))
	reply.Set("content", "Hello")
	parts := []part{{field: "id", content: reply.Get("id")}, {field: "content", content: "Hello"}, {"files", "a.txt", "x"}}
	one, two := client.multi(t, address+"/replies", parts), client.multi(t, address+"/replies", parts)
	if one.Header.Get("Location") != two.Header.Get("Location") || one.StatusCode != http.StatusSeeOther {
		t.Errorf("%d to %s, then %d to %s", one.StatusCode, one.Header.Get("Location"), two.StatusCode, two.Header.Get("Location"))
	}
	if n := client.see(t, address).html(t).Find(`.message:contains("Hello")`).Length(); n != 1 || d.blobs(t) != 1 {
		t.Errorf("%d messages, %d files", n, d.blobs(t))
	}
	// The same form from the browser's history, with other words: that is another message.
	reply.Set("content", "Something else")
	client.post(t, address+"/replies", reply)
	if n := client.see(t, address).html(t).Find(`.message:contains("Something else")`).Length(); n != 1 {
		t.Errorf("other words of the same form: %d messages", n)
	}
}

func TestTwoPeopleChangeOneTicket(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	ana := d.person(t, store.Agent, "ana@example.com")
	ben := d.person(t, store.Agent, "ben@example.com")
	admin := d.person(t, store.Admin, "ada@example.com")
	address := client.submit(t, "One", "Text")

	seen := ben.see(t, address).html(t)
	choices := map[string]url.Values{}
	for name, choice := range map[string]string{"status": "on_hold", "priority": "low", "assignee": ""} {
		choices[name] = fill(seen.Find("#form-prop-" + name))
		choices[name].Set(name, choice)
	}
	benID := seen.Find(`#prop-assignee option:contains("Ben")`).AttrOr("value", "")
	choices["assignee"].Set("assignee", benID)
	take := fill(seen.Find("#take"))

	// Ana is faster, with all three.
	theirs := ana.see(t, address).html(t)
	if got := ana.post(t, address+"/assignment", fill(theirs.Find("#take"))); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("take: %d", got.StatusCode)
	}
	if got := ana.post(t, address+"/priority", url.Values{"seen": {"high"}, "priority": {"urgent"}}); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("priority: %d", got.StatusCode)
	}
	before := d.fingerprint(t)
	for name, words := range map[string]string{"status": "changed to Open", "priority": "changed to Urgent", "assignee": "Ana has this ticket"} {
		path := address + "/" + strings.Replace(name, "assignee", "assignment", 1)
		for _, fragment := range []string{"", "true"} {
			got := ben.post(t, path, choices[name], "HX-Request", fragment)
			if got.StatusCode != http.StatusConflict {
				t.Errorf("%s: %d, want 409", name, got.StatusCode)
				continue
			}
			form := got.html(t).Find("#form-prop-" + name).First()
			if text := form.Find(".field__error").Text(); !strings.Contains(text, words) {
				t.Errorf("%s: beside the field stands %q", name, text)
			}
			back := fill(form)
			if back.Get(name) != choices[name].Get(name) {
				t.Errorf("%s: the choice %q came back as %q", name, choices[name].Get(name), back.Get(name))
			}
			if _, dirty := form.Attr("data-dirty"); !dirty {
				t.Errorf("%s: the button to confirm the choice is hidden", name)
			}
			// Having seen how it is now, the same person may decide again.
			if back.Get("seen") == choices[name].Get("seen") {
				t.Errorf("%s: the form still carries the old value", name)
			}
		}
	}
	if got := ben.post(t, address+"/assignment", take); got.StatusCode != http.StatusConflict || !strings.Contains(got.body, "Ana has this ticket") {
		t.Errorf("take: %d", got.StatusCode)
	}
	if d.fingerprint(t) != before {
		t.Error("a conflict changed something")
	}
	form := fill(ben.post(t, address+"/priority", choices["priority"]).html(t).Find("#form-prop-priority"))
	if got := ben.post(t, address+"/priority", form); got.StatusCode != http.StatusSeeOther {
		t.Errorf("confirmed: %d", got.StatusCode)
	}

	// An admin reassigns, and sees each agent's load beside the name.
	form = fill(admin.see(t, address).html(t).Find("#form-prop-assignee"))
	if label := admin.see(t, address).html(t).Find("#prop-assignee option[selected]").Text(); label != "Ana, 1 open" {
		t.Errorf("the assignee is shown as %q", label)
	}
	form.Set("assignee", benID)
	if got := admin.post(t, address+"/assignment", form); got.StatusCode != http.StatusSeeOther {
		t.Errorf("reassign: %d", got.StatusCode)
	}
	if text := client.see(t, address).html(t).Find("#timeline").Text(); !strings.Contains(text, "took the ticket") {
		t.Errorf("the client reads %q", text)
	}
}

func TestStatusHasNoOtherWay(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	agent := d.person(t, store.Agent, "ana@example.com")
	address := client.submit(t, "One", "Text")
	agent.post(t, address+"/status", url.Values{"seen": {"new"}, "status": {"closed"}})
	got := agent.post(t, address+"/status", url.Values{"seen": {"closed"}, "status": {"pending"}})
	if text := got.html(t).Find("#form-prop-status .field__error").Text(); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(text, "cannot become") {
		t.Errorf("%d, %q", got.StatusCode, text)
	}
	page := client.see(t, address).html(t)
	if page.Find(`form[action$="/cancellation"]`).Length() != 0 || !strings.Contains(page.Find("#turn").Text(), "takes no more replies") {
		t.Error("a closed ticket can be cancelled, or does not say that it is closed")
	}
	if got := client.post(t, address+"/cancellation", nil); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.html(t).Find(".notice").Text(), "nothing left to cancel") {
		t.Errorf("cancel a closed one: %d", got.StatusCode)
	}
}

func TestCancelAndReopen(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	agent := d.person(t, store.Agent, "ana@example.com")
	address := client.submit(t, "One", "Text")
	form := client.see(t, address).html(t).Find(`form[action="` + address + `/cancellation"]`)
	if form.Closest("details").Length() != 1 {
		t.Fatal("cancelling asks nothing first")
	}
	if got := client.post(t, form.AttrOr("action", ""), nil); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("cancel: %d", got.StatusCode)
	}
	if status := client.see(t, address).html(t).Find(".status--pill").AttrOr("data-status", ""); status != "cancelled" {
		t.Errorf("it is %s", status)
	}
	again := client.submit(t, "Two", "Text")
	agent.post(t, again+"/status", url.Values{"seen": {"new"}, "status": {"resolved"}})
	client.multi(t, again+"/replies", []part{{field: "content", content: "Not yet."}})
	if status := client.see(t, again).html(t).Find(".status--pill").AttrOr("data-status", ""); status != "open" {
		t.Errorf("answered by its client, a resolved ticket is %s", status)
	}
}

func TestAnswersToScripts(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	agent := d.person(t, store.Agent, "ana@example.com")
	got := client.multi(t, "/tickets", []part{{field: "subject", content: "One"}, {field: "description", content: "Text"}, {field: "priority", content: "low"}}, "HX-Request", "true")
	address := got.Header.Get("HX-Redirect")
	if got.StatusCode != http.StatusOK || !strings.HasPrefix(address, "/tickets/1") || got.body != "" {
		t.Fatalf("submit: %d to %q", got.StatusCode, address)
	}
	form := fill(agent.see(t, address).html(t).Find("#composer-form-note"))
	got = agent.multi(t, address+"/notes", []part{{field: "id", content: form.Get("id")}, {field: "content", content: "hush-hush"}}, "HX-Request", "true")
	page := got.html(t)
	fresh := fill(page.Find("form").First())
	if got.StatusCode != http.StatusOK || fresh.Get("id") == form.Get("id") || strings.TrimSpace(fresh.Get("content")) != "" {
		t.Errorf("the composer came back with %v", fresh)
	}
	if page.Find(`hx-partial[hx-target="#ticket-timeline"] .message[data-kind="note"]:contains("hush-hush")`).Length() != 1 {
		t.Errorf("the note is not in the answer: %s", got.body)
	}
	// Nothing of it reaches the client, in any form of the ticket.
	for _, path := range []string{address, address + "/timeline", address + "/head", address + "/properties", "/", "/dashboard", "/tickets"} {
		for _, accept := range []string{"text/html", "application/json"} {
			body := client.get(t, path, "Accept", accept).body
			if strings.Contains(body, "hush") || strings.Contains(body, "internal_note") || strings.Contains(body, "nternal note") || strings.Contains(body, "/notes") {
				t.Errorf("%s as %s tells the client of notes", path, accept)
			}
		}
	}
}

func TestNoteFilesAreHidden(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	agent := d.person(t, store.Agent, "ana@example.com")
	address := client.submit(t, "One", "Text")
	agent.multi(t, address+"/notes", []part{{field: "content", content: "see file"}, {"files", "hush.txt", "hush-hush"}})
	file := agent.see(t, address).html(t).Find(".attachment").AttrOr("href", "")
	if got := agent.see(t, file); got.body != "hush-hush" {
		t.Errorf("the agent reads %q", got.body)
	}
	if got := client.get(t, file); got.StatusCode != http.StatusNotFound {
		t.Errorf("the client gets %d", got.StatusCode)
	}
	if client.see(t, address).html(t).Find(".attachment").Length() != 0 {
		t.Error("the client sees that there is a file")
	}
}
