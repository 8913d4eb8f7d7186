package browser

import (
	"fmt"
	"testing"
	"time"

	"autocrm/store"

	"github.com/chromedp/chromedp"
)

// presentLine is true where the line of who is at the ticket reads words, "" nothing.
func presentLine(words string) string {
	return fmt.Sprintf(`document.querySelector("#ticket-presence")?.innerText.replace(/\s+/g, " ").trim().endsWith(%[1]s) &&
		(%[1]s !== "" || document.querySelector("#ticket-presence").innerText.trim() === "")`, quote(words))
}

// rowMarked is true where the mark in the ticket's row has that title, "" where there is no mark.
func rowMarked(number int64, title string) string {
	return fmt.Sprintf(`(document.querySelector('[data-row="%d"] [data-mark]')?.title ?? "") === %s`, number, quote(title))
}

// TestPresence is two agents on one ticket and a third who looks at the list: each sees within a second who looks and
// who writes, and nobody sees themselves. Then a browser is killed, and its person is gone within the expiry.
func TestPresence(t *testing.T) {
	t.Parallel()
	s := development(t)
	number, other := s.submit(t, "The lift is stuck"), s.submit(t, "The door too")
	path := fmt.Sprintf("/tickets/%d", number)
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	cat := s.signedIn(t, store.Admin, "cat@example.com")
	cora := s.signedIn(t, store.Client, "cora@example.com")
	s.actor(t, store.Agent, "bob@example.com")
	doomed, stop, err := startChromium(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	bob := s.open(t, doomed, "bob", store.Agent)
	bob.SignIn("bob@example.com")

	ann.Open(path)
	cat.Open("/tickets")
	cora.Open(path)
	live(ann, cat, cora)
	cat.ExpectJS(rowMarked(number, "Ann is looking at this"), "ann's mark")
	ann.ExpectJS(presentLine(""), "nobody else at the ticket")

	var all times
	seen := func(what, annSees, catSees string, act func()) {
		t.Helper()
		onTicket, onList := ann.watch("at the ticket "+what, presentLine(annSees)), cat.watch("on the list "+what, rowMarked(number, catSees))
		all.see(t, bob, "POST", path+"/presence", act, onTicket, onList)
	}
	seen("that bob looks", "Bob is looking at this", "Ann is looking at this, Bob is looking at this", func() { bob.Open(path) })
	live(bob)
	bob.ExpectJS(presentLine("Ann is looking at this"), "ann at the ticket")
	ann.ExpectJS(`document.querySelector("#presence-head").innerText.includes("Bob")`, "bob at the head of the page")
	bob.Press("r")
	seen("that bob writes", "Bob is writing", "Bob is writing, Ann is looking at this", func() { bob.Type("I am") })
	seen("that bob does not", "Bob is looking at this", "Ann is looking at this, Bob is looking at this", func() {
		JS[any](bob, `void (document.execCommand("selectAll"), document.execCommand("delete"))`)
	})
	all.within(t, time.Second)
	ann.look("ticket with company")
	cat.look("list with marks")

	// What is noted about the customer comes by itself, and never to them.
	JS[any](bob, `void document.querySelector("#customer-note-add summary").click()`)
	bob.Fill("Note about the customer", "Call, never write.")
	bob.Click("Keep note")
	ann.Expect("Call, never write.")
	bob.ExpectJS(`!document.querySelector("#customer-note-add").open && document.querySelector("#customer .customer__edit")`, "the form closed")
	settled(t, bob)
	bob.Click("Edit the note “Call, never write.”")
	bob.ExpectJS(`document.querySelector("textarea")?.value.trim() === "Call, never write."`, "the note's own page")
	bob.look("note about a customer")
	bob.Open(path)
	live(bob)

	// The mark stands also after its row was morphed, and moves nothing.
	before := JS[float64](cat, fmt.Sprintf(`document.querySelector('[data-row="%d"] a').getBoundingClientRect().left`, other))
	s.reply(t, number, "It is being looked at.")
	cat.ExpectJS(fmt.Sprintf(`document.querySelector('[data-row="%d"]').innerText.includes("The lift")`, number), "the row anew")
	settled(t, cat)
	cat.ExpectJS(rowMarked(number, "Ann is looking at this, Bob is looking at this"), "the mark after a morph")
	if now := JS[float64](cat, fmt.Sprintf(`document.querySelector('[data-row="%d"] a').getBoundingClientRect().left`, number)); now != before {
		t.Errorf("the subject stands at %.1f with a mark and at %.1f without", now, before)
	}

	// A tab that nobody looks at does not look.
	ann.cover("/account")
	cat.ExpectJS(rowMarked(number, "Bob is looking at this"), "ann's mark gone with her tab hidden")
	ann.uncover()
	cat.ExpectJS(rowMarked(number, "Ann is looking at this, Bob is looking at this"), "ann's mark again")

	// No goodbye.
	process := chromedp.FromContext(bob.ctx).Browser.Process()
	killed := time.Now()
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	ann.expect(20*time.Second, presentLine(""), "that bob is gone")
	t.Logf("gone %s after the crash", time.Since(killed).Round(time.Millisecond))
	cat.ExpectJS(rowMarked(number, "Ann is looking at this"), "bob's mark gone")

	// Signing out says goodbye at once; and the client has seen nothing of all this.
	ann.Click("Sign out")
	cat.ExpectJS(rowMarked(number, ""), "no mark")
	if JS[bool](cora, `!!document.querySelector("#ticket-presence, #presence-head, #presences, [data-attend]") || document.body.innerText.includes("looking")`) {
		t.Error("the client's page knows of presence")
	}
}
