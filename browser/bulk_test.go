package browser

import (
	"fmt"
	"testing"

	"autocrm/store"
)

// TestBulk selects by key, by range and beyond the page, changes many tickets at once and undoes it.
func TestBulk(t *testing.T) {
	t.Parallel()
	s := development(t)
	for i := range 5 {
		s.submit(t, fmt.Sprintf("Ticket %d", i+1))
	}
	s.exec(`INSERT INTO tags (name, hue) VALUES ('vip', 3)`)
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	ann.size(1280, 800)
	ann.Open("/tickets")
	live(ann)
	const selected = `[...document.querySelectorAll("input[data-select]:checked")].length`
	ann.look("list with checkboxes")

	// By key, and a range by Shift.
	ann.Press("j")
	ann.Press("x")
	ann.Expect("1 selected")
	ann.Press("j")
	ann.Press("j")
	ann.Press("Shift+X")
	ann.Expect("3 selected")
	if n := JS[int](ann, selected); n != 3 {
		t.Errorf("%d rows are ticked", n)
	}
	ann.ExpectJS(`document.querySelector("#bulk-actions details")`, "the actions")
	ann.look("three selected")
	// What is selected stays while rows come.
	s.submit(t, "Ticket 6")
	ann.ExpectJS(control(pressable, "1 new", nil), "the button 1 new")
	ann.Click("1 new")
	ann.ExpectJS(`document.querySelector("[data-row='1006']")`, "the new row")
	if n := JS[int](ann, selected); n != 3 {
		t.Errorf("%d rows are ticked after the swap", n)
	}
	ann.Press("Escape")
	ann.ExpectJS(`!document.querySelector("[data-select-bar]").checkVisibility()`, "the bar gone")
	if n := JS[int](ann, selected); n != 0 {
		t.Errorf("%d rows are ticked after Escape", n)
	}

	// A menu by key, one press does it, and the bar tells.
	ann.Press("j")
	ann.Press("x")
	ann.ExpectJS(`document.querySelector("#bulk-actions summary")?.checkVisibility()`, "the actions")
	ann.Press("s")
	ann.ExpectJS(`document.querySelector("#bulk-actions details[open]")`, "the statuses")
	ann.look("the statuses to choose from")
	ann.pressIn("#bulk-actions", "Resolved")
	ann.Expect("Changed 1 ticket.")
	ann.ExpectJS(`!document.querySelector("[data-select-bar]").checkVisibility()`, "the selection cleared")
	ann.look("the bar after a bulk change")
	ann.pressIn("#bulk-bar", "Undo")
	ann.Expect("Set back 1 ticket.")
	ann.pressIn("#bulk-bar", "Close")
	ann.ExpectGone("Set back 1 ticket.")

	// More than a page: all that match, one of them refused.
	s.exec(`SET session_replication_role = replica; INSERT INTO tickets (client_id, subject, description)
		SELECT client_id, 'Printer', 'It smokes' FROM tickets, generate_series(1, 200) LIMIT 1200; SET session_replication_role = origin`)
	s.exec(`UPDATE tickets SET status = 'closed' WHERE number = 1002`)
	ann.Open("/tickets")
	live(ann)
	ann.clickOn(`document.querySelector("input[data-select-all]")`, "select all")
	ann.Expect("50 selected")
	ann.Expect("Select all 1,206 that match")
	ann.clickOn(`document.querySelector("input[data-select-whole]")`, "select the whole list")
	ann.Expect("All selected")
	ann.look("the whole list selected")
	ann.Press("t")
	ann.Fill("Tags", "vpi")
	ann.pressIn("#bulk-actions", "Add")
	ann.Expect("There is no tag “vpi”. Did you mean “vip”?")
	ann.Press("s")
	ann.pressIn("#bulk-actions", "Pending")
	ann.Expect("Changed 1,205 tickets. 1 refused.")
	ann.pressIn("#bulk-bar", "Set status to Pending")
	ann.Expect("A ticket that is Closed cannot become Pending. (1)")
	ann.ExpectJS(`document.querySelector('.bulk__numbers a[href="/tickets/1002"]')`, "the refused ticket by number")
	ann.look("the report of a bulk change")
	ann.pressIn("#bulk-progress", "Undo")
	ann.Expect("How it was undone")
	ann.Open("/bulk")
	ann.Expect("Undone since.")
	ann.look("the list of bulk changes")

	// Nobody else sees any of it.
	ben := s.signedIn(t, store.Agent, "ben@example.com")
	ben.Open("/bulk")
	ben.Expect("No bulk changes yet")
}

// pressIn presses what is called so inside the element.
func (p *Person) pressIn(selector, name string) {
	p.t.Helper()
	p.clickOn(fmt.Sprintf(`[...document.querySelectorAll(%s)].find((e) => e.checkVisibility() && (e.getAttribute("aria-label") || e.title || e.textContent).trim().startsWith(%s))`,
		quote(selector+" :is(button, a, summary)"), quote(name)), name)
}
