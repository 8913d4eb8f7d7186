package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"autocrm/store"

	"github.com/chromedp/cdproto/page"
	"github.com/google/uuid"
)

const (
	belled   = `document.querySelector("[data-bell-count]").textContent === %q && document.title.startsWith("(%[1]s) ") && document.querySelector("link[rel=icon]").href.endsWith("-news.svg")`
	unbelled = `document.querySelector("[data-bell-count]").textContent === "" && ` + unmarked
)

// expectBell waits until the bell and the tab say so many unread notifications, or none.
func (p *Person) expectBell(n int) {
	p.t.Helper()
	if n == 0 {
		p.ExpectJS(unbelled, "no unread notification")
		return
	}
	p.ExpectJS(fmt.Sprintf(belled, fmt.Sprint(n)), fmt.Sprintf("%d unread on the bell, in the title and on the icon", n))
}

// desktop puts a desktop in the page's place that keeps what it was told; it gives leave when asked.
func (p *Person) desktop() {
	p.t.Helper()
	do(p, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.desktop = [];
		window.Notification = class {
			static get permission() { return localStorage.getItem("leave") ?? "default"; }
			static async requestPermission() { localStorage.setItem("leave", "granted"); return "granted"; }
			constructor(title, options) { this.title = title; Object.assign(this, options); window.desktop.push(this); }
			close() { this.closed = true; this.onclose?.(); }
		};`})
}

// TestNotifications is a person on two devices: what a colleague and a customer do reaches both, and what is read on
// one is read on the other.
func TestNotifications(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The kettle hums")
	path := fmt.Sprintf("/tickets/%d", number)
	ana := s.signedIn(t, store.Agent, "ana@example.com")
	ben := s.signedIn(t, store.Agent, "ben@example.com")
	phone := s.newPerson(t, "ben's phone", store.Agent)
	phone.SignIn("ben@example.com")
	ben.Open("/queue")
	phone.Open("/my-tickets")
	live(ana, ben, phone)
	for _, p := range []*Person{ben, phone} {
		p.expectBell(0)
		p.mark()
	}
	ana.Open(path)
	live(ana)
	ana.Select("Assignee", "Ben")
	bell := fmt.Sprintf(belled, "1")
	var all times
	all.see(t, ana, "POST", path+"/assignment", func() { ana.Click("Set", "Assignee") },
		ben.watch("the bell", bell), phone.watch("the bell", bell))
	ana.expectBell(0)

	ben.Press("i")
	ben.Expect("Ana gave you a ticket")
	ben.Expect("The kettle hums")
	ben.look("notifications, open")
	ben.unreloaded()
	phone.unreloaded()

	// Another thing, read by opening the ticket on the phone.
	s.reply(t, number, "Still humming.")
	ben.expectBell(1)
	s.replyAs(t, "cora@example.com", number, "And now it sings.")
	ben.expectBell(2)
	phone.expectBell(2)
	phone.Open(path)
	phone.expectBell(0)
	ben.expectBell(0)
	ben.ExpectJS(`!document.querySelector("#notices [data-unread]")`, "nothing unread in the open panel")
	live(phone)

	// On the ticket's page the person sees it: nothing is left to tell.
	s.replyAs(t, "cora@example.com", number, "It has stopped.")
	phone.Expect("It has stopped.")
	ben.ExpectJS(`document.querySelectorAll("#notices [data-row]").length === 3`, "the third notification in the panel")
	ben.expectBell(0)
	phone.expectBell(0)

	ben.Open("/notifications")
	ben.Expect("Cora answered")
	ben.look("notifications")
	phone.Open("/queue")
	live(phone, ben)
	s.replyAs(t, "cora@example.com", number, "No, it hums.")
	ben.expectBell(1)
	phone.expectBell(1)
	ben.Click("Mark all read")
	ben.expectBell(0)
	phone.expectBell(0)

	ben.Open("/account")
	ben.Click("A customer answers on a ticket I have")
	ben.Click("Save notifications")
	ben.Expect("Your notifications are saved.")
	live(ben)
	s.replyAs(t, "cora@example.com", number, "It whistles.")
	phone.Open(path)
	phone.Expect("It whistles.")
	phone.expectBell(0)
}

// TestDesktopNotifications is a tab that nobody looks at: it asks nothing by itself, and once the person has wished
// so, the desktop says once what happens, and leads to it.
func TestDesktopNotifications(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The door squeaks")
	ben := s.signedIn(t, store.Agent, "ben@example.com")
	ben.desktop()
	second := ben.newTab("ben-2")
	second.desktop()
	second.Open("/my-tickets")
	do(ben, page.BringToFront, struct{}{})
	ben.Open("/queue")
	live(ben)
	ben.Press("i")
	ben.Click("Turn on desktop notifications")
	ben.Expect("Turn off desktop notifications")
	front := ben.newTab("front")
	front.Open("about:blank")
	ben.ExpectJS("document.hidden", "behind another tab")
	second.ExpectJS("document.hidden", "behind another tab")
	told := func() int {
		return JS[int](ben, "window.desktop.length") + JS[int](second, "window.desktop.length")
	}
	give := func(n int64, to string) {
		s.exec(`UPDATE tickets SET agent_id = (SELECT id FROM users WHERE email = $2) WHERE number = $1`, n, to)
	}
	give(number, "ben@example.com")
	until(t, "the desktop says it", 2*patience, func() bool { return told() == 1 })
	ben.expectBell(1)
	second.expectBell(1)

	// In the second line for good: nobody looks, and one page hears at once all the same.
	until(t, "the stream is given back", 2*patience, func() bool {
		a, _ := ben.streamsOpen()
		b, _ := second.streamsOpen()
		return a+b == 0
	})
	s.replyAs(t, "cora@example.com", number, "It squeaks louder.")
	until(t, "the desktop says it again", 2*patience, func() bool { return told() == 2 })
	if said := JS[string](ben, `window.desktop.map((n) => n.title + ": " + n.body).join("\n")`) + "\n" +
		JS[string](second, `window.desktop.map((n) => n.title + ": " + n.body).join("\n")`); !strings.Contains(said, fmt.Sprintf("Somebody gave you a ticket: #%d The door squeaks", number)) ||
		!strings.Contains(said, fmt.Sprintf("Cora answered: #%d The door squeaks", number)) {
		t.Errorf("the desktop says %q", said)
	}
	teller := ben
	if JS[int](second, "window.desktop.length") > 0 {
		teller = second
	}
	JS[any](teller, "window.desktop.at(-1).onclick()")
	teller.ExpectPath(fmt.Sprintf("/tickets/%d", number))
	for _, p := range []*Person{ben, second} {
		p.ExpectJS(`document.querySelector("[data-bell-count]").textContent === ""`, "no unread notification")
	}
}

// replyAs is a reply of somebody who is of the site already.
func (s *site) replyAs(t testing.TB, email string, number int64, text string) {
	t.Helper()
	if err := s.Store.Reply(context.Background(), s.actors[email], number, store.Message{ID: uuid.New(), Body: text}); err != nil {
		t.Fatal(err)
	}
}
