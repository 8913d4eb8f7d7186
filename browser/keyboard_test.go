package browser

import (
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"
)

// focusSeen says whether what has the focus is marked so that one can see it.
const focusSeen = `(() => {
  const e = document.activeElement;
  if (!e || e === document.body) return "";
  const look = (x) => { const s = getComputedStyle(x); return (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0) || s.boxShadow !== "none"; };
  return e.matches(":focus-visible") && [e, e.parentElement, e.closest("form, .composer, [data-row]")].some((x) => x && look(x)) ? "" : e.outerHTML.slice(0, 150);
})()`

// tabTo presses Tab until the control of that name has the focus, and holds that the focus can be seen all the way.
func (p *Person) tabTo(name string) {
	p.t.Helper()
	at := "document.activeElement === " + control(pressable+", "+writable, name, nil)
	for range 60 {
		if JS[bool](p, at) {
			return
		}
		p.Press("Tab")
		if unseen := JS[string](p, focusSeen); unseen != "" {
			p.t.Errorf("%s cannot see the focus on %s", p.name, unseen)
		}
	}
	p.t.Fatalf("%s does not come to %q by Tab", p.name, name)
}

// TestKeyboard does without a pointer: an agent's round, and a client's ticket.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.submit(t, "First in the queue")
	s.submit(t, "Second in the queue")
	s.actor(t, store.Agent, "ann@example.com")

	ann := s.newPerson(t, "ann", store.Agent)
	ann.Open("/sign-in")
	ann.tabTo("Email")
	ann.Type("ann@example.com")
	ann.Press("Tab")
	ann.Type(storetest.Password)
	ann.Press("Enter")
	ann.ExpectPath("/")
	ann.ExpectLive()
	ann.Press("g")
	ann.Press("q")
	ann.ExpectPath("/queue")
	ann.ExpectLive()
	ann.Press("j")
	ann.Press("j")
	ann.Press("Enter")
	ann.Expect("Second in the queue")
	ann.ExpectPath("/tickets/1002")
	ann.ExpectLive()
	ann.Press("?")
	ann.ExpectJS(`document.querySelector("dialog:modal")`, "the sheet of shortcuts")
	ann.Expect("Take ticket")
	ann.Press("Escape")
	ann.ExpectJS(`!document.querySelector("dialog:modal")`, "the sheet gone")
	ann.Press("m")
	ann.Expect("Ann took the ticket")
	ann.Press("r")
	ann.Type("I am on it.")
	ann.Press("Control+Enter")
	ann.ExpectJS(`[...document.querySelectorAll(".message__body")].some((e) => e.innerText.includes("I am on it."))`, "the reply on the timeline")
	ann.Press("Escape")      // out of the field
	ann.Press("Escape")      // out of the ticket
	ann.ExpectPath("/queue") // the list it was opened from

	cora := s.signedIn(t, store.Client, "cora@example.com")
	cora.tabTo("New ticket")
	cora.Press("Enter")
	cora.ExpectPath("/tickets/new")
	cora.tabTo("Subject")
	cora.Type("Made by keys alone")
	cora.Press("Tab")
	cora.Type("No mouse here.")
	cora.tabTo("Priority")
	cora.Press("ArrowDown")
	cora.tabTo("Submit ticket")
	cora.Press("Enter")
	cora.ExpectPath("/tickets/1003")
	cora.Expect("High")
}
