package browser

import (
	"testing"

	"autocrm/store"
)

// TestLoop is an agent's working loop without a pointer: open the queue, take the first ticket, reply with a template,
// resolve, and on to the next, until the queue is empty.
func TestLoop(t *testing.T) {
	t.Parallel()
	s := development(t)
	subjects := []string{"The lamp flickers", "The lock is stiff", "The roof drips"}
	for _, subject := range subjects {
		s.submit(t, subject)
	}
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	s.exec(`INSERT INTO macros (owner_id, name, shortcut, reply) SELECT id, 'Done', 'done', 'It is mended: “{{ticket.subject}}”.' FROM users WHERE email = 'ann@example.com'`)

	ann.Press("g")
	ann.Press("q")
	ann.ExpectPath("/queue")
	ann.ExpectLive()
	ann.Press("j")
	ann.Press("Enter")
	for i, subject := range subjects {
		ann.ExpectJS(`document.querySelector("h1")?.textContent.includes(`+quote(subject)+`)`, subject)
		ann.ExpectLive()
		ann.mark()
		ann.Press("m")
		ann.Expect("Ann took the ticket")
		ann.Press("r")
		ann.ExpectJS(`document.activeElement.id === "composer-text-reply"`, "the hand in the reply")
		ann.Type("/")
		ann.ExpectJS(`document.activeElement.matches("[data-template-search]")`, "the hand in the search")
		ann.Type("done")
		ann.ExpectJS(`document.querySelector("[data-template-list] [role=option][aria-selected=true]")?.textContent.includes("Done")`, "the template")
		ann.Press("Enter")
		ann.ExpectJS(`document.activeElement.value?.includes("It is mended: “`+subject+`”.")`, "the words in the reply")
		ann.Press("Control+Enter")
		ann.ExpectJS(`document.querySelector("#composer-text-reply").value === "" && document.activeElement !== document.body`, "the reply on its way, the hand free")
		ann.Press("e")
		ann.Expect("to Resolved")
		ann.unreloaded()
		if i == 0 {
			ann.Press("?")
			ann.ExpectJS(`document.querySelector("#help")?.textContent.includes("Next ticket")`, "the next ticket among the keys")
			ann.Press("Escape")
			ann.ExpectJS(`!document.querySelector("dialog:modal")`, "the sheet gone")
		}
		ann.Press("j")
	}
	ann.ExpectJS(`document.querySelector("h1").textContent.includes("The roof drips")`, "the last one") // there is no next
	ann.Press("Escape")
	ann.ExpectPath("/queue")
	ann.Expect("All done")
}
