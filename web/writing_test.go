package web_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"autocrm/store"

	"github.com/google/uuid"
)

// replyOf is the form for a reply as the page has it, with fields set.
func replyOf(t testing.TB, b *browser, address string, set ...part) (parts []part) {
	t.Helper()
	page := b.see(t, address).html(t)
	form := page.Find("#composer-form-reply")
	if status := page.Find("[form=composer-form-reply]"); status.Length() == 1 {
		parts = append(parts, part{field: status.AttrOr("name", ""), content: status.AttrOr("value", "")})
	}
	for name, values := range fill(form) {
		if name != "files" {
			parts = append(parts, part{field: name, content: values[0]})
		}
	}
next:
	for _, s := range set {
		for i := range parts {
			if parts[i].field == s.field && s.name == "" {
				parts[i].content = s.content
				continue next
			}
		}
		parts = append(parts, s)
	}
	return parts
}

func TestDraftWithoutScripts(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client, ana, ben := d.person(t, store.Client, "cleo@example.com"), d.person(t, store.Agent, "ana@example.com"), d.person(t, store.Agent, "ben@example.com")
	address := client.submit(t, "One", "Text")
	ana.post(t, address+"/drafts/reply", url.Values{"content": {"\nDear <b>"}, "then": {"pending"}}).want(t, http.StatusOK)
	page := ana.see(t, address).html(t)
	if got := page.Find("#composer-text-reply").Text(); got != "\nDear <b>" {
		t.Errorf("the form has %q", got)
	}
	if got := page.Find("#composer-form-reply button[name=then]").First(); got.AttrOr("value", "") != "pending" {
		t.Errorf("the status that was chosen is %q", got.AttrOr("value", ""))
	}
	for _, b := range []*browser{ben, client} {
		if body := b.see(t, address).body; strings.Contains(body, "Dear &lt;b") {
			t.Error("somebody else has the draft")
		}
	}
	for name, path := range map[string]string{"kind": address + "/drafts/letter", "ticket": "/tickets/999/drafts/reply"} {
		if got := ana.post(t, path, url.Values{"content": {"x"}}); got.StatusCode != http.StatusNotFound {
			t.Errorf("another %s: %d", name, got.StatusCode)
		}
	}
	for _, path := range []string{"/drafts/reply", "/drafts/reply/deletion", "/sending/" + uuid.NewString() + "/withdrawal"} {
		if got := client.post(t, address+path, url.Values{"content": {"x"}}); got.StatusCode != http.StatusNotFound {
			t.Errorf("the client at %s: %d", path, got.StatusCode)
		}
	}
	ana.post(t, address+"/drafts/reply/deletion", nil).want(t, http.StatusSeeOther, address)
	if got := ana.see(t, address).html(t).Find("#composer-text-reply").Text(); strings.TrimSpace(got) != "" {
		t.Errorf("thrown away, the form has %q", got)
	}
}

func TestPlainFormIsSentAtOnce(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client, ana := d.person(t, store.Client, "cleo@example.com"), d.person(t, store.Agent, "ana@example.com")
	address := client.submit(t, "One", "Text")
	for n, header := range [][]string{nil, {"HX-Request", "true", "Cookie", "undo=off"}} {
		text := []string{"at once", "at once too"}[n]
		parts := replyOf(t, ana, address, part{field: "content", content: text})
		if n == 1 { // the page of somebody who has switched it off has no such field
			for i, p := range parts {
				if p.field == "hold" {
					parts = append(parts[:i], parts[i+1:]...)
					break
				}
			}
		}
		ana.multi(t, address+"/replies", parts, header...)
		if !strings.Contains(client.see(t, address).body, text) {
			t.Errorf("the client does not read %q", text)
		}
	}
	if got := ana.get(t, address, "Cookie", "undo=off").html(t).Find("[name=hold]").Length(); got != 0 {
		t.Error("switched off, a reply is held all the same")
	}
}

func TestHeldReplyIsTakenBackWithoutScripts(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client, ana, ben := d.person(t, store.Client, "cleo@example.com"), d.person(t, store.Agent, "ana@example.com"), d.person(t, store.Agent, "ben@example.com")
	address := client.submit(t, "One", "Text")
	parts := replyOf(t, ana, address, part{field: "content", content: "Dear Cleo"}, part{field: "then", content: "resolved"}, part{"files", "bill.txt", "5 euros"})
	held := ana.multi(t, address+"/replies", parts, "HX-Request", "true").want(t, http.StatusOK).html(t)
	undo := held.Find("form[data-undo]")
	if undo.Length() != 1 || strings.TrimSpace(held.Find("#composer-text-reply").Text()) != "" || held.Find(".sending__left").AttrOr("data-left", "") == "" {
		t.Fatalf("the answer to a held reply:\n%s", held.Text())
	}
	if body := client.see(t, address).body; strings.Contains(body, "Dear Cleo") || strings.Contains(strings.ToLower(body), "sending") {
		t.Error("the client is told of it")
	}
	if page := ben.see(t, address); !strings.Contains(page.body, "Ana is sending a reply") || strings.Contains(page.body, "Dear Cleo") {
		t.Error("a colleague is not told, or reads it")
	}
	path := undo.AttrOr("action", "")
	ben.post(t, path, nil).want(t, http.StatusConflict)
	ana.post(t, path, nil).want(t, http.StatusSeeOther, address)
	page := ana.see(t, address).html(t)
	if got := strings.TrimSpace(page.Find("#composer-text-reply").Text()); got != "Dear Cleo" {
		t.Errorf("back in the form is %q", got)
	}
	late := ana.post(t, path, nil).want(t, http.StatusConflict)
	if !strings.Contains(late.body, "Too late to undo") {
		t.Error("nobody says that it was too late")
	}
	// Its file goes along with the next sending, by a plain form, and is left out where it is unticked.
	kept := page.Find("input[name=kept]")
	if kept.Length() != 1 {
		t.Fatalf("%d files came back", kept.Length())
	}
	ana.multi(t, address+"/replies", replyOf(t, ana, address, part{field: "kept", content: kept.AttrOr("value", "")})).want(t, http.StatusSeeOther)
	if page := client.see(t, address); !strings.Contains(page.body, "Dear Cleo") || !strings.Contains(page.body, "bill.txt") {
		t.Error("sent again, the client does not have it all")
	}
	if n := d.blobs(t); n != 1 {
		t.Errorf("%d files are kept", n)
	}
}

func TestReplyWithAStatusThatMoved(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client, ana, ben := d.person(t, store.Client, "cleo@example.com"), d.person(t, store.Agent, "ana@example.com"), d.person(t, store.Agent, "ben@example.com")
	address := client.submit(t, "One", "Text")
	for _, fragment := range []string{"", "true"} {
		page := ana.see(t, address).html(t)
		seen := page.Find("input[name=seen_status][form=composer-form-reply]").AttrOr("value", "")
		parts := replyOf(t, ana, address, part{field: "content", content: "Done."}, part{field: "then", content: "resolved"})
		next := map[string]string{"new": "open", "open": "pending"}[seen]
		ben.post(t, address+"/status", url.Values{"seen": {seen}, "status": {next}}).want(t, http.StatusSeeOther)
		got := ana.multi(t, address+"/replies", parts, "HX-Request", fragment).want(t, http.StatusConflict)
		form := got.html(t).Find("#composer-form-reply")
		if strings.TrimSpace(form.Find("textarea").Text()) != "Done." || !strings.Contains(form.Text(), "The status was changed to") || form.Find("[data-send]").AttrOr("value", "") != "resolved" {
			t.Errorf("fragment %q: the form came back as %s", fragment, form.Text())
		}
	}
	// Looked at again it goes through.
	parts := replyOf(t, ana, address, part{field: "content", content: "Done."}, part{field: "then", content: "resolved"})
	ana.multi(t, address+"/replies", parts).want(t, http.StatusSeeOther)
	ticket, err := d.Store.Ticket(context.Background(), d.Session(t, d.Person(t, store.Admin, "ada@example.com")), 1001)
	if err != nil || ticket.Status != store.StatusResolved {
		t.Errorf("the ticket is %s, %v", ticket.Status, err)
	}
}

func TestPreviewIsWhatIsRead(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	for _, b := range []*browser{d.person(t, store.Client, "cleo@example.com"), d.person(t, store.Agent, "ana@example.com")} {
		got := b.post(t, "/preview", url.Values{"content": {"**bold** <script>alert(1)</script>\n[x](javascript:alert(1))"}}).want(t, http.StatusOK)
		doc := got.html(t)
		if doc.Find("strong").Text() != "bold" || doc.Find("script, [href^=javascript]").Length() != 0 {
			t.Errorf("the preview is %s", got.body)
		}
	}
	client := d.person(t, store.Client, "otto@example.com")
	client.get(t, "/colleagues").want(t, http.StatusNotFound)
	if got := d.person(t, store.Agent, "bo@example.com").get(t, "/colleagues").want(t, http.StatusOK); !strings.Contains(got.body, `"ana@example.com"`) || strings.Contains(got.body, "cleo") {
		t.Errorf("colleagues are %s", got.body)
	}
}

// What a page saves while its form is being sent, and what comes after, is no draft: neither held nor sent at once.
func TestNoDraftOfAFormThatWasSent(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client, ana := d.person(t, store.Client, "cleo@example.com"), d.person(t, store.Agent, "ana@example.com")
	address := client.submit(t, "One", "Text")
	for _, header := range [][]string{nil, {"HX-Request", "true"}} { // at once, and held
		parts := replyOf(t, ana, address, part{field: "content", content: "Words"}, part{"files", "bill.txt", "5 euros"})
		form := ""
		for _, p := range parts {
			if p.field == "id" {
				form = p.content
			}
		}
		if form == "" {
			t.Fatal("the form has no id")
		}
		ana.multi(t, address+"/replies", parts, header...)
		ana.post(t, address+"/drafts/reply", url.Values{"id": {form}, "content": {"Words"}}).want(t, http.StatusOK)
		if got := ana.see(t, address).html(t).Find("#composer-text-reply").Text(); strings.TrimSpace(got) != "" {
			t.Errorf("%v: %q is a draft again", header, got)
		}
	}
}
