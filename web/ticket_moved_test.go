package web_test

import (
	"net/http"
	"strings"
	"testing"

	"autocrm/store"
)

// A reply against a thread that has moved on comes back with what is new above it and all that was typed; the
// second press sends. By a plain form and by htmx, for replies and notes.
func TestAReplyToAThreadThatHasMovedOn(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"reply", "note"} {
		for _, fragment := range []string{"", "true"} {
			t.Run(kind+fragment, func(t *testing.T) {
				t.Parallel()
				d := deploy(t, "https")
				client := d.person(t, store.Client, "cleo@example.com")
				ana, ben := d.person(t, store.Agent, "ana@example.com"), d.person(t, store.Admin, "ben@example.com")
				address := client.submit(t, "One", "Text")
				path := address + map[string]string{"reply": "/replies", "note": "/notes"}[kind]

				form := fill(ana.see(t, address).html(t).Find("#composer-form-" + kind))
				ben.multi(t, address+"/notes", []part{{field: "content", content: "Not *that* one"}})
				client.multi(t, address+"/replies", []part{{field: "content", content: "It is the red one"}})
				parts := []part{{field: "id", content: form.Get("id")}, {field: "seen", content: form.Get("seen")},
					{field: "content", content: "Which <one>\nis it?"}, {"files", "a.txt", "hello"}}
				before := d.fingerprint(t)
				got := ana.multi(t, path, parts, "HX-Request", fragment)
				if got.StatusCode != http.StatusConflict {
					t.Fatalf("%d, want 409", got.StatusCode)
				}
				if d.fingerprint(t) != before || d.blobs(t) != 0 {
					t.Errorf("it changed something, or left one of %d files", d.blobs(t))
				}
				page := got.html(t)
				shown := page.Find("#composer-form-" + kind)
				if text := shown.Find(".moved").Text(); !strings.Contains(text, "Ben and Cleo wrote while you were writing") ||
					!strings.Contains(text, "Not that one") || !strings.Contains(text, "It is the red one") || !strings.Contains(text, "Nothing was sent") {
					t.Errorf("above the form stands %q", text)
				}
				if n := page.Find(".moved").Length(); n != 1 {
					t.Errorf("that is said %d times", n)
				}
				if page.Find(`#timeline .message:contains("It is the red one")`).Length() != 1 {
					t.Error("the timeline does not show what is new")
				}
				if asked := strings.Contains(shown.Text(), "Choose the files again (a.txt)"); asked != (fragment == "") {
					t.Errorf("asked to choose the files again: %v", asked)
				}
				back := fill(shown)
				if strings.TrimSpace(back.Get("content")) != "Which <one>\nis it?" || back.Get("id") != form.Get("id") {
					t.Errorf("the form came back with %v", back)
				}
				parts[1].content = back.Get("seen")
				if got := ana.multi(t, path, parts); got.StatusCode != http.StatusSeeOther {
					t.Fatalf("the second press: %d", got.StatusCode)
				}
				page = ana.see(t, address).html(t)
				if page.Find(`#timeline .message:contains("is it?") .attachment`).Length() != 1 || page.Find(".moved").Length() != 0 {
					t.Error("the second press did not send")
				}
			})
		}
	}
}

func TestAClientIsNotAskedWhatItHasSeen(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	ana := d.person(t, store.Agent, "ana@example.com")
	address := client.submit(t, "One", "Text")
	ana.multi(t, address+"/notes", []part{{field: "content", content: "hush"}})
	ana.multi(t, address+"/replies", []part{{field: "content", content: "Which one?"}})
	page := client.see(t, address).html(t)
	if page.Find(`[name="seen"], [data-position]`).Length() != 0 {
		t.Error("the client's page counts positions")
	}
	if got := client.multi(t, address+"/replies", []part{{field: "content", content: "This"}, {field: "seen", content: "1"}}); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the client's reply: %d", got.StatusCode)
	}
	// Whoever sends no position, or none that is one, is not asked either.
	for _, seen := range []string{"", "-1", "x", "99999999999999999999"} {
		if got := ana.multi(t, address+"/replies", []part{{field: "content", content: "so " + seen}, {field: "seen", content: seen}}); got.StatusCode != http.StatusSeeOther {
			t.Errorf("seen %q: %d", seen, got.StatusCode)
		}
	}
}
