package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"autocrm/store"

	"github.com/google/uuid"
)

// fingerprint is everything that a refused request may not change.
func (d *deployment) fingerprint(t testing.TB) (all string) {
	t.Helper()
	err := d.Owner.QueryRow(t.Context(), `
		SELECT concat((SELECT string_agg(t::text, '|' ORDER BY id) FROM tickets t),
		              (SELECT string_agg(a::text, '|' ORDER BY id) FROM ticket_activities a),
		              (SELECT string_agg(f::text, '|' ORDER BY id) FROM attachments f))`).Scan(&all)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// blobs counts what lies in the store of files.
func (d *deployment) blobs(t testing.TB) (n int) {
	t.Helper()
	files := d.Files.List(nil)
	for {
		if _, err := files.Next(t.Context()); err != nil {
			return n
		}
		n++
	}
}

func TestBadTickets(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	before := d.fingerprint(t)
	hostile := `"><script>alert(1)</script>`
	for name, c := range map[string]struct {
		subject, description, priority string
		field, words                   string
	}{
		"no subject":       {"", "Text " + hostile, "low", "subject", "Say in a few words"},
		"blank subject":    {" \t  ", "Text", "low", "subject", "Say in a few words"},
		"unseen subject":   {"\u200b\u202e\u2066 \u00ad", "Text", "low", "subject", "Say in a few words"},
		"long subject":     {strings.Repeat("é", 201), "Text", "low", "subject", "at most 200"},
		"no description":   {"Subject " + hostile, "", "low", "description", "Describe"},
		"unseen words":     {"Subject", "\u200b\n\u202e", "low", "description", "Describe"},
		"huge description": {"Subject", strings.Repeat("ü", 50001), "low", "description", "50,000"},
		"no priority":      {"Subject", "Text", "", "priority", "Choose one"},
		"odd priority":     {"Subject", "Text", "URGENT", "priority", "Choose one"},
	} {
		for _, fragment := range []string{"", "true"} {
			got := client.multi(t, "/tickets", []part{{field: "id", content: uuid.NewString()}, {field: "subject", content: c.subject},
				{field: "description", content: c.description}, {field: "priority", content: c.priority}, {"files", "a.txt", "hello"}}, "HX-Request", fragment)
			if got.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d, want 422", name, got.StatusCode)
				continue
			}
			page := got.html(t)
			if text := page.Find("#f-" + c.field + "-error").Text(); !strings.Contains(text, c.words) {
				t.Errorf("%s: beside the field stands %q", name, text)
			}
			if page.Find("#f-subject").AttrOr("value", "") != c.subject || strings.TrimPrefix(page.Find("#f-description").Text(), "\n") != c.description {
				t.Errorf("%s: what was typed is not there any more", name)
			}
			if again := page.Find("#f-files-error").Text(); (fragment == "") != strings.Contains(again, "Choose the files again") {
				t.Errorf("%s, fragment %q: of the files it says %q", name, fragment, again)
			}
			if page.Find("script:not([src])").Length() != 0 {
				t.Errorf("%s: a script came through", name)
			}
		}
	}
	if d.fingerprint(t) != before || d.blobs(t) != 0 {
		t.Errorf("a refused ticket changed something, or left one of %d files", d.blobs(t))
	}
}

func TestBadMessages(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	agent := d.person(t, store.Agent, "ana@example.com")
	address := client.submit(t, "One", "Text")
	closed := client.submit(t, "Two", "Text")
	if got := agent.post(t, closed+"/status", url.Values{"seen": {"new"}, "status": {"closed"}}); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("close: %d", got.StatusCode)
	}
	before := d.fingerprint(t)
	for _, c := range []struct {
		name  string
		who   *browser
		path  string
		text  string
		words string
	}{
		{"empty reply", client, address + "/replies", " \n ", "Write something first"},
		{"unseen reply", client, address + "/replies", "\u200b\n\u2066", "Write something first"},
		{"huge reply", client, address + "/replies", strings.Repeat("x", 50001), "50,000"},
		{"empty reply of the agent", agent, address + "/replies", "", "Write something first"},
		{"empty note", agent, address + "/notes", "", "Write something first"},
		{"huge note", agent, address + "/notes", strings.Repeat("x", 50001), "50,000"},
		{"reply to a closed ticket", client, closed + "/replies", "But </textarea><script>", "takes no more replies"},
		{"agent's reply to a closed ticket", agent, closed + "/replies", "But", "takes no more replies"},
	} {
		kind := "reply"
		if strings.HasSuffix(c.path, "notes") {
			kind = "note"
		}
		for _, fragment := range []string{"", "true"} {
			got := c.who.multi(t, c.path, []part{{field: "content", content: c.text}}, "HX-Request", fragment)
			if got.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d, want 422", c.name, got.StatusCode)
				continue
			}
			page := got.html(t)
			if text := page.Find("#composer-text-" + kind + "-error").Text(); !strings.Contains(text, c.words) {
				t.Errorf("%s: beside the field stands %q", c.name, text)
			}
			if strings.TrimPrefix(page.Find("#composer-text-"+kind).Text(), "\n") != c.text {
				t.Errorf("%s: what was typed is not there any more", c.name)
			}
			if fragment == "" && kind == "note" && page.Find("#composer-tab-note").AttrOr("aria-selected", "") != "true" {
				t.Errorf("%s: the note's words came back behind the reply's tab", c.name)
			}
		}
	}
	if d.fingerprint(t) != before {
		t.Error("a refused message changed something")
	}
}

func TestBadForms(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	agent := d.person(t, store.Agent, "ana@example.com")
	address := client.submit(t, "One", "Text")
	ana := agent.see(t, address).html(t).Find(`select[name="assignee"] option:contains("ana")`).AttrOr("value", "")
	if got := agent.post(t, address+"/assignment", url.Values{"assignee": {ana}}); ana == "" || got.StatusCode != http.StatusSeeOther {
		t.Fatalf("take: %d", got.StatusCode)
	}
	before := d.fingerprint(t)
	for name, got := range map[string]answer{
		"no boundary":       client.body(t, "/tickets", "multipart/form-data", strings.NewReader("x")),
		"no form":           client.body(t, "/tickets", "text/plain", strings.NewReader("subject=a")),
		"JSON":              client.body(t, "/tickets", "application/json", strings.NewReader("{}")),
		"cut in the middle": client.body(t, "/tickets", "multipart/form-data; boundary=b", strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"subject\"\r\n\r\nHel")),
		"cut in a file":     client.body(t, address+"/replies", "multipart/form-data; boundary=b", strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a\"\r\n\r\nHel")),
		"no reply":          client.post(t, address+"/replies", nil),
		"no status":         agent.post(t, address+"/status", nil),
		"odd status":        agent.post(t, address+"/status", url.Values{"seen": {"open"}, "status": {"<b>"}}),
		"no way":            agent.post(t, address+"/status", url.Values{"seen": {"open"}, "status": {"new "}}),
		"odd priority":      agent.post(t, address+"/priority", url.Values{"seen": {"high"}, "priority": {"higher"}}),
		"no assignee":       agent.post(t, address+"/assignment", url.Values{"seen": {ana}}),
		"odd assignee":      agent.post(t, address+"/assignment", url.Values{"assignee": {"Ana"}}),
		"unknown assignee":  agent.post(t, address+"/assignment", url.Values{"assignee": {uuid.NewString()}}),
	} {
		if got.StatusCode < 400 || got.StatusCode > 499 {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
		if strings.TrimSpace(got.html(t).Find("main").Text()) == "" {
			t.Errorf("%s: the answer says nothing", name)
		}
	}
	// The bound of a body with files is 260 MB; what is held in memory ends long before.
	for name, got := range map[string]answer{
		"a text of 2 MB":    client.multi(t, "/tickets", []part{{field: "subject", content: "a"}, {field: "description", content: strings.Repeat("x", 2<<20)}}),
		"a plain text of 3": client.post(t, "/tickets", url.Values{"subject": {"a"}, "description": {strings.Repeat("x", 3<<20)}}),
		"a hundred fields":  client.multi(t, "/tickets", manyFields()),
		"a hundred alike":   client.multi(t, "/tickets", slices.Repeat([]part{{field: "subject", content: "x"}}, 100)),
		"text in pieces":    client.multi(t, "/tickets", slices.Repeat([]part{{field: "subject", content: strings.Repeat("x", 100<<10)}}, 20)),
	} {
		if got.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %d", name, got.StatusCode)
		}
	}
	if d.fingerprint(t) != before || d.blobs(t) != 0 {
		t.Error("a bad form changed something")
	}
}

func manyFields() (parts []part) {
	for range 100 {
		parts = append(parts, part{field: uuid.NewString(), content: "x"})
	}
	return parts
}

// TestNoSuchTicket: another customer's ticket, one that does not exist and what is no number are all the same.
func TestNoSuchTicket(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	owner := d.person(t, store.Client, "cleo@example.com")
	other := d.person(t, store.Client, "carl@example.com")
	agent := d.person(t, store.Agent, "ana@example.com")
	address := owner.submit(t, "Secret matter", "Secret words", part{"files", "secret.txt", "secret file"})
	file := owner.see(t, address).html(t).Find(".attachment").AttrOr("href", "")
	before := d.fingerprint(t)

	odd := []string{"/tickets/9999", "/tickets/0", "/tickets/-1", "/tickets/+1001", "/tickets/01001", "/tickets/abc", "/tickets/1001.0",
		"/tickets/99999999999999999999", "/tickets/1e3", "/tickets/%20", "/tickets/1001%00"}
	model := other.get(t, "/tickets/9999")
	if model.StatusCode != http.StatusNotFound {
		t.Fatalf("no ticket: %d", model.StatusCode)
	}
	words := model.html(t).Find(".oops__text").Text()
	for _, path := range append(odd, address) {
		for _, part := range []string{"", "/head", "/timeline", "/properties"} {
			got := other.get(t, path+part)
			if strings.Contains(path, "%00") {
				if got.StatusCode < 400 || got.StatusCode > 499 {
					t.Errorf("GET %s: %d", path+part, got.StatusCode)
				}
				continue
			}
			if got.StatusCode != http.StatusNotFound || got.html(t).Find(".oops__text").Text() != words {
				t.Errorf("GET %s: %d, %q", path+part, got.StatusCode, got.html(t).Find(".oops__text").Text())
			}
			if strings.Contains(strings.ToLower(got.body), "secret") {
				t.Errorf("GET %s tells of the ticket", path+part)
			}
		}
	}
	if got := other.get(t, address, "Accept", "application/json"); got.StatusCode != http.StatusNotFound {
		t.Errorf("as JSON: %d", got.StatusCode)
	}
	for _, path := range []string{file, "/attachments/" + uuid.NewString(), "/attachments/odd", "/attachments/"} {
		if got := other.get(t, path); got.StatusCode != http.StatusNotFound || strings.Contains(got.body, "secret file") {
			t.Errorf("GET %s: %d", path, got.StatusCode)
		}
	}
	for _, path := range []string{address + "/replies", address + "/cancellation", "/tickets/9999/replies", "/tickets/abc/cancellation"} {
		got := other.post(t, path, url.Values{"content": {"hello"}})
		if got.StatusCode != http.StatusNotFound {
			t.Errorf("POST %s: %d", path, got.StatusCode)
		}
	}
	for _, path := range []string{"/notes", "/status", "/priority", "/assignment"} {
		if got := owner.post(t, address+path, url.Values{"content": {"hello"}, "status": {"closed"}, "seen": {"new"}}); got.StatusCode != http.StatusNotFound {
			t.Errorf("a client's POST %s: %d", path, got.StatusCode)
		}
		if got := agent.post(t, "/tickets/9999"+path, url.Values{"content": {"hello"}, "status": {"open"}, "seen": {"new"}, "priority": {"low"}}); got.StatusCode != http.StatusNotFound {
			t.Errorf("an agent's POST to no ticket%s: %d", path, got.StatusCode)
		}
	}
	for _, path := range []string{"/tickets/new", "/tickets/1001/cancellation"} {
		if got := agent.get(t, path); got.StatusCode != http.StatusNotFound {
			t.Errorf("an agent's GET %s: %d", path, got.StatusCode)
		}
	}
	if d.fingerprint(t) != before {
		t.Error("somebody else changed the ticket")
	}
}
