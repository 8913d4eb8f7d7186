package browser

import (
	"fmt"
	"testing"

	"autocrm/store"
)

// TestFocus is that whatever one does by keys, the focus stays near it: it never falls to the start of the page.
func TestFocus(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The gate creaks")
	s.submit(t, "The gate is stuck")
	s.actor(t, store.Agent, "gus@example.com")
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	ann.Open("/queue")
	ann.ExpectLive()
	held := func(after string) {
		t.Helper()
		ann.ExpectJS(`!document.querySelector(".htmx-request")`, "every answer in its place")
		if at := JS[string](ann, `(document.activeElement ?? document.body).outerHTML.slice(0, 120)`); at == "" || JS[bool](ann, "document.activeElement === document.body || !document.activeElement") {
			t.Errorf("after %s the focus is nowhere", after)
		} else {
			t.Logf("after %s: %s", after, at)
		}
	}
	// A row that somebody else takes away goes from under the focus.
	ann.Press("j")
	ann.ExpectJS(`document.activeElement.closest("[data-row='1001']")`, "the first row")
	s.exec(`UPDATE tickets SET agent_id = (SELECT id FROM users WHERE email = 'gus@example.com') WHERE number = 1001`)
	ann.ExpectJS(`document.querySelector("[data-row='1001']")?.hasAttribute("data-gone") || !document.querySelector("[data-row='1001']")`, "the row gone")
	held("a row went")
	s.exec(`UPDATE tickets SET agent_id = NULL WHERE number = 1001`)

	ann.Open(fmt.Sprintf("/tickets/%d", number))
	ann.ExpectLive()
	ann.Press("m")
	ann.Expect("Ann took the ticket")
	held("taking it")
	ann.tabTo("Status")
	ann.Select("Status", "Pending")
	ann.Click("Set", "Status")
	ann.Expect("to Pending")
	held("setting the status")
	ann.Press("n")
	ann.Type("A note.")
	ann.Press("Control+Enter")
	ann.ExpectJS(`[...document.querySelectorAll(".message__body")].some((e) => e.innerText.includes("A note."))`, "the note")
	held("adding a note")
	ann.Press("r") // a command again, not a letter
	ann.Type("A reply.")
	ann.Press("Control+Enter")
	ann.ExpectJS(`document.querySelector("#composer-text-reply").value === ""`, "the reply on its way")
	held("sending a reply")
	ann.Press("e")
	ann.Expect("to Resolved")
	held("resolving it")

	ann.Press("i")
	held("opening the notifications")
	s.exec(`UPDATE tickets SET agent_id = NULL`)
	s.exec(`UPDATE tickets SET agent_id = (SELECT id FROM users WHERE email = 'ann@example.com') WHERE number = 1002`)
	ann.Expect("Somebody gave you a ticket")
	ann.tabTo("Mark all read")
	ann.Press("Enter")
	ann.ExpectJS(`!document.querySelector("#notices [data-unread]")`, "nothing unread")
	held("marking all as read")
}
