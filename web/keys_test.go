package web_test

import (
	"net/http"
	"strings"
	"testing"

	"autocrm/store"
	"autocrm/web"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/uuid"
)

// TestKeys holds of every page of the staff's portals that no two controls have one key, that no key is the beginning
// of another, and that what has one says in words what it does: ? lists those words, and the palette finds them.
func TestKeys(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	ticket := client.submit(t, "A subject", "A text")
	client.submit(t, "Another", "A text")
	for _, role := range store.Roles {
		b, who := client, store.Actor{}
		if role != store.Client {
			b, who = d.signedIn(t, role, string(role)+"@example.com")
		}
		paths := []string{ticket}
		for _, route := range web.Routes(d.handler, string(role)+".example.com") {
			if route.Method == http.MethodGet && !strings.ContainsAny(route.Path, ":*") {
				paths = append(paths, route.Path)
			}
		}
		found := 0
		for _, path := range paths {
			answer := b.get(t, path)
			if answer.StatusCode != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
				continue
			}
			page := answer.html(t)
			if page.Find("main").Length() == 0 {
				continue // a region: its page has it
			}
			found += checkKeys(t, string(role)+path, page)
		}
		if role.Staff() { // also while a reply can still be taken back
			if err := d.Store.Hold(t.Context(), who, 1001, store.Message{ID: uuid.New(), Body: "words"}); err != nil {
				t.Fatal(err)
			}
			checkKeys(t, string(role)+ticket+", sending", b.see(t, ticket).html(t))
		}
		if found < 20 {
			t.Errorf("%s: %d controls with keys on all pages", role, found)
		}
	}
}

func checkKeys(t *testing.T, where string, page *goquery.Document) (found int) {
	t.Helper()
	keys := map[string]string{}
	page.Find("[data-key]").Each(func(_ int, control *goquery.Selection) {
		key := control.AttrOr("data-key", "")
		name := controlName(page, control)
		if name == "" {
			t.Errorf("%s: what %q presses has no name", where, key)
		}
		// What a page shows in a dialog, or only at times, has its turn when it is shown.
		if control.Closest("dialog, [hidden], [data-bulk-bar], .bulk-bar").Length() > 0 {
			return
		}
		found++
		if other, taken := keys[key]; taken && other != name {
			t.Errorf("%s: %q presses %q and %q", where, key, other, name)
		}
		keys[key] = name
	})
	for key := range keys {
		for other := range keys {
			if strings.HasPrefix(other, key+" ") {
				t.Errorf("%s: %q is the beginning of %q", where, key, other)
			}
		}
	}
	return found
}

// controlName is what assistive software calls a control.
func controlName(page *goquery.Document, control *goquery.Selection) string {
	for _, attr := range []string{"aria-label", "title"} {
		if name := strings.TrimSpace(control.AttrOr(attr, "")); name != "" {
			return name
		}
	}
	if control.Is("input, select, textarea") {
		id := control.AttrOr("id", "")
		return strings.TrimSpace(page.Find(`label[for="` + id + `"]`).Text())
	}
	copied := control.Clone()
	copied.Find("kbd, .count").Remove()
	return strings.Join(strings.Fields(copied.Text()), " ")
}
