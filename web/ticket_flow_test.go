package web_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"autocrm/store"
)

// part is a field or, where name is set, a file of a multipart form.
type part struct{ field, name, content string }

// multi sends a form as a browser does that has files.
func (b *browser) multi(t testing.TB, path string, parts []part, header ...string) answer {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, p := range parts {
		var to io.Writer
		var err error
		if p.name == "" {
			to, err = w.CreateFormField(p.field)
		} else {
			to, err = w.CreateFormFile(p.field, p.name)
		}
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(to, p.content)
	}
	w.Close()
	return b.body(t, path, w.FormDataContentType(), &body, header...)
}

func (b *browser) body(t testing.TB, path, contentType string, body io.Reader, header ...string) answer {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, body)
	r.Host, r.RemoteAddr = b.base.Host, b.peer
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for _, cookie := range b.jar.Cookies(b.base) {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	b.d.handler.ServeHTTP(w, r)
	response := w.Result()
	b.jar.SetCookies(b.base, response.Cookies())
	return answer{response, w.Body.String()}
}

// person is somebody signed in on the portal of their role.
func (d *deployment) person(t testing.TB, role store.Role, email string) *browser {
	t.Helper()
	d.Person(t, role, email)
	return d.browser(t, role).signIn(t, email)
}

// see gets a page that must be there.
func (b *browser) see(t testing.TB, path string) answer {
	t.Helper()
	got := b.get(t, path)
	if got.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d\n%s", path, got.StatusCode, got.body)
	}
	return got
}

// submit makes a ticket and returns its address.
func (b *browser) submit(t testing.TB, subject, description string, files ...part) string {
	t.Helper()
	parts := append([]part{{field: "subject", content: subject}, {field: "description", content: description}, {field: "priority", content: "high"}}, files...)
	got := b.multi(t, "/tickets", parts)
	if got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.Header.Get("Location"), "/tickets/1") {
		t.Fatalf("submit: %d to %q\n%s", got.StatusCode, got.Header.Get("Location"), got.body)
	}
	return got.Header.Get("Location")
}

func TestTicketFromCustomerToAgentAndBack(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	agent := d.person(t, store.Agent, "ana@example.com")
	admin := d.person(t, store.Admin, "ada@example.com")

	address := client.submit(t, "Printer on fire", "It **burns**.")
	if link := agent.see(t, "/queue").html(t).Find(`#ticket-list a[href="` + address + `"]`); link.Text() != "Printer on fire" {
		t.Fatalf("the queue shows %q", link.Text())
	}
	page := agent.see(t, address).html(t)
	take := page.Find("#take")
	form := url.Values{}
	for i := range take.Find("input").Nodes {
		input := take.Find("input").Eq(i)
		form.Set(input.AttrOr("name", ""), input.AttrOr("value", ""))
	}
	if got := agent.post(t, take.AttrOr("action", ""), form); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("take: %d\n%s", got.StatusCode, got.body)
	}
	if n := agent.see(t, "/queue").html(t).Find("[data-row]").Length(); n != 0 {
		t.Error("the ticket is still in the queue")
	}
	if agent.see(t, "/my-tickets").html(t).Find(`a[href="`+address+`"]`).Length() != 1 {
		t.Error("the ticket is not among the agent's")
	}
	got := agent.multi(t, address+"/replies", []part{{field: "content", content: "Use *water*."}})
	if got.StatusCode != http.StatusSeeOther {
		t.Fatalf("reply: %d\n%s", got.StatusCode, got.body)
	}
	where, anchor, _ := strings.Cut(got.Header.Get("Location"), "#")
	seen := client.see(t, where).html(t)
	if text := seen.Find("#" + anchor + " .message__body").Text(); strings.TrimSpace(text) != "Use water." {
		t.Errorf("the customer reads %q", text)
	}
	if seen.Find(".status--pill").AttrOr("data-status", "") != "open" {
		t.Error("an answered new ticket is not open")
	}
	if admin.see(t, "/tickets").html(t).Find(`a[href="`+address+`"]`).Length() != 1 {
		t.Error("the admin does not see the ticket")
	}
}
