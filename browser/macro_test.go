package browser

import (
	"testing"

	"autocrm/store"
)

// TestMacros writes a template and a macro, inserts the one and applies the other, by keys.
func TestMacros(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.submit(t, "Printer *smokes*")
	s.exec(`INSERT INTO tags (name, hue) VALUES ('vip', 3)`)
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	ann.size(1280, 800)
	ann.Open("/macros")
	live(ann)
	ann.look("no macros")
	ann.Press("c")
	ann.ExpectPath("/macros/new")
	ann.Fill("Name", "Thank you")
	ann.Fill("Shortcut", "ty")
	ann.Fill("Reply", "Thanks, {{custmer.first_name}}, for “{{ticket.subject}}”.")
	ann.Click("Save macro")
	ann.Expect("There is no placeholder {{custmer.first_name}}. Did you mean {{customer.first_name}}?")
	ann.look("a macro with a wrong placeholder")
	ann.Fill("Reply", "Thanks, {{customer.first_name}}, for “{{ticket.subject}}”.")
	ann.Click("Save macro")
	ann.ExpectPath("/macros")
	ann.Expect("Thank you")
	live(ann)
	ann.Press("c")
	ann.ExpectPath("/macros/new")
	ann.Fill("Name", "VIP comes first")
	ann.Fill("Add tags", "vip")
	ann.Select("Priority", "Urgent")
	ann.Select("Assignee", "Me")
	ann.Click("Save macro")
	ann.ExpectPath("/macros")
	ann.Expect("Assign to me, set priority to Urgent, add tag vip")
	ann.look("the list of macros")

	// / where a reply begins opens the list; what is chosen stands in the text, as plain words.
	const reply = `document.querySelector("#composer-text-reply")`
	ann.Open("/tickets/1001")
	live(ann)
	ann.Press("r")
	ann.ExpectJS(`document.activeElement === `+reply, "the hand in the reply")
	ann.Type("/")
	ann.ExpectJS(`document.activeElement.matches("[data-template-search]")`, "the hand in the search")
	ann.Type("ty")
	ann.ExpectJS(`document.querySelector("[data-template-list] [role=option][aria-selected=true]")`, "one chosen")
	ann.look("templates to choose from")
	ann.Press("Enter")
	ann.ExpectJS(reply+`.value === "Thanks, Cora, for “Printer \\*smokes\\*”."`, "the words in the reply")
	ann.ExpectJS(`document.activeElement === `+reply, "the hand in the reply again")
	// A / that was meant as one is not lost.
	JS[any](ann, reply+`.value = ""`)
	ann.Type("/")
	ann.ExpectJS(`document.activeElement.matches("[data-template-search]")`, "the hand in the search")
	ann.Type("etc")
	ann.Expect("No template has “etc”.")
	ann.Press("Escape")
	ann.ExpectJS(reply+`.value === "/etc"`, "what was typed in the reply")
	JS[any](ann, reply+`.value = ""; document.activeElement.blur()`)

	ann.Press("y")
	ann.ExpectJS(`document.querySelector("#macro-choices button")`, "the macros")
	ann.look("macros to choose from")
	ann.pressIn("#macro-choices", "VIP comes first")
	ann.ExpectJS(`document.querySelector("#ticket-properties").textContent.includes("vip")`, "the tag on the ticket")
	ann.Expect("Ann has it")
	settled(t, ann)
}
