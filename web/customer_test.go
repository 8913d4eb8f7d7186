package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autocrm/store"
)

func TestTheCustomerBesideTheTicket(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client, other := d.person(t, store.Client, "cleo@example.com"), d.person(t, store.Client, "otto@example.com")
	ana, ada := d.person(t, store.Agent, "ana@example.com"), d.person(t, store.Admin, "ada@example.com")
	address := client.submit(t, "The first", "Text")
	var rest []string
	for range 9 {
		rest = append(rest, client.submit(t, "One <more>", "Text"))
	}
	other.submit(t, "Of otto", "Text")
	ana.post(t, rest[0]+"/status", url.Values{"seen": {"new"}, "status": {"resolved"}})

	panel := ana.see(t, address).html(t).Find(".customer")
	for _, words := range []string{"Cleo", "cleo@example.com", "9 open, 10 in all", "One <more>", "None yet"} {
		if !strings.Contains(panel.Text(), words) {
			t.Errorf("%q is not beside the ticket: %s", words, panel.Text())
		}
	}
	if n := panel.Find(".customer__ticket").Length(); n != 8 || strings.Contains(panel.Text(), "Of otto") || strings.Contains(panel.Text(), "The first") {
		t.Errorf("%d other tickets: %s", n, panel.Text())
	}
	if all := panel.Find(".customer__all").AttrOr("href", ""); all != "/tickets?q=from%3Acleo%40example.com" {
		t.Errorf("all of theirs are at %q", all)
	} else if rows := ana.see(t, all).html(t).Find("[data-row]"); rows.Length() != 10 || strings.Contains(rows.Text(), "Of otto") {
		t.Errorf("there are %d tickets: %s", rows.Length(), rows.Text())
	}

	// A note: kept once, seen by the desk alone, changed by its author alone.
	note := fill(panel.Find("form"))
	note.Set("note", "Call <her>, never write.\nShe said so.")
	for range 2 {
		if got := ana.post(t, address+"/customer/notes", note); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("note: %d", got.StatusCode)
		}
	}
	elsewhere := ada.see(t, rest[3]).html(t).Find(".customer__note")
	if elsewhere.Length() != 1 || !strings.Contains(elsewhere.Text(), "Call <her>, never write.\nShe said so.") || elsewhere.Find("a").Length() != 0 {
		t.Errorf("ada reads beside another ticket: %q", elsewhere.Text())
	}
	edit := ana.see(t, address).html(t).Find(".customer__edit").AttrOr("href", "")
	for _, path := range []string{edit, edit + "/deletion"} {
		if got := ada.post(t, path, url.Values{"note": {"x"}}); got.StatusCode != http.StatusNotFound {
			t.Errorf("ada at ana's %s: %d", path, got.StatusCode)
		}
		if got := client.post(t, path, url.Values{"note": {"x"}}); got.StatusCode != http.StatusNotFound {
			t.Errorf("the client at %s: %d", path, got.StatusCode)
		}
	}
	if got := ana.post(t, edit, url.Values{"note": {" "}}); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, "Write something first.") {
		t.Errorf("an empty note: %d", got.StatusCode)
	}
	if got := ana.post(t, edit, url.Values{"note": {"Call at noon"}}); got.StatusCode != http.StatusSeeOther {
		t.Errorf("edit: %d", got.StatusCode)
	}
	if text := ada.see(t, address+"/customer").html(t).Find(".customer__note").Text(); !strings.Contains(text, "Call at noon") || !strings.Contains(text, "edited") {
		t.Errorf("edited, it reads %q", text)
	}
	for _, path := range []string{address, address + "/customer", "/tickets"} {
		if strings.Contains(client.get(t, path).body, "noon") || client.get(t, address+"/customer").StatusCode != http.StatusNotFound {
			t.Errorf("the client reads the note at %s", path)
		}
	}
	if got := ana.post(t, edit+"/deletion", nil); got.StatusCode != http.StatusSeeOther || ada.see(t, address).html(t).Find(".customer__note").Length() != 0 {
		t.Errorf("delete: %d", got.StatusCode)
	}

	// Refused, it comes back with what was written; by htmx the form alone.
	long := url.Values{"note": {strings.Repeat("x", 5001)}, "id": note["id"]}
	for _, fragment := range []string{"", "true"} {
		got := ana.post(t, address+"/customer/notes", long, "HX-Request", fragment)
		form := got.html(t).Find("#customer-note-add")
		_, open := form.Attr("open")
		if got.StatusCode != http.StatusUnprocessableEntity || !open || len(strings.TrimSpace(fill(form).Get("note"))) != 5001 || !strings.Contains(form.Text(), "at most 5,000") {
			t.Errorf("too long, fragment %q: %d, open %v", fragment, got.StatusCode, open)
		}
	}
	got := ana.post(t, address+"/customer/notes", url.Values{"note": {"Again"}, "id": note["id"]}, "HX-Request", "true")
	if page := got.html(t); got.StatusCode != http.StatusOK || page.Find(`hx-partial[hx-target="#customer"] .customer__note:contains("Again")`).Length() != 1 || page.Find("#customer-note-add textarea").Length() != 1 {
		t.Errorf("by htmx: %d, %s", got.StatusCode, got.body)
	}
}
