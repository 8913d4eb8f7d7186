package browser

import (
	"fmt"
	"testing"

	"autocrm/store"
)

// TestViews narrows a list, keeps it as a view for everybody, and goes back and forward: the address is the list.
func TestViews(t *testing.T) {
	t.Parallel()
	s := development(t, "--demo")
	ann := s.newPerson(t, "ann", store.Agent)
	ann.SignIn("agent@example.com")
	s.actor(t, store.Agent, "benno@example.com")
	ben := s.newPerson(t, "ben", store.Agent)
	ben.SignIn("benno@example.com")

	ben.Open("/tickets")
	ben.size(1440, 900)
	ben.ExpectLive()
	ann.Open("/queue")
	ann.ExpectLive()
	ann.size(1440, 900)
	ann.ExpectJS(`document.querySelector(".views__link[aria-current]")?.innerText.startsWith("Unassigned")`, "the present view marked")
	ann.look("views, queue")

	// A choice is another way to write the text; what was chosen stands in the address, and nothing else.
	ann.Open("/tickets")
	ann.Select("Status", "Open")
	ann.ExpectJS(`location.search === "?q=status:open"`, "the choice in the address")
	ann.ExpectJS(`document.querySelector("#filter-q").value === "status:open"`, "the choice in the box")
	ann.Select("Priority", "High")
	ann.ExpectJS(`location.search === "?q=status:open+priority:high"`, "both choices in the address")
	ann.ExpectJS(`[...document.querySelectorAll(".tickets__row .priority")].every((p) => p.dataset.priority === "high")`, "high ones alone")
	ann.traverse(-1)
	ann.ExpectJS(`document.querySelector("#filter-q")?.value === "status:open"`, "the list before")
	ann.traverse(1)
	ann.ExpectJS(`document.querySelector("#filter-q")?.value === "status:open priority:high"`, "the list after")

	// Whoever is faster than the script has chosen all the same; and the way back leads to the list as it was.
	hasty := s.newPerson(t, "hasty", store.Agent)
	hasty.SignIn("benno@example.com")
	hasty.beforeScripts("#filter-age", `form.elements.status.value = "open"`)
	pages := JS[int](hasty, "history.length")
	hasty.Open("/tickets")
	hasty.ExpectJS(`location.search === "?q=status:open"`, "the choice in the address")
	hasty.ExpectJS(fmt.Sprintf("history.length === %d", pages+2), "the list from before the choice still on the way back")
	hasty.ExpectLive()
	hasty.Select("Priority", "High")
	hasty.ExpectJS(`location.search === "?q=status:open+priority:high"`, "both choices in the address")
	hasty.traverse(-1)
	hasty.ExpectJS(`document.querySelector("#filter-q")?.value === "status:open" && document.querySelector("#filter-priority").selectedIndex === 0`, "the list before, with its choices")

	// What cannot be followed says so in place of rows, and what was meant is one press away.
	ann.Open("/tickets?q=stauts:open")
	ann.Expect("There is no operator stauts: — did you mean status:?")
	ann.ExpectJS(`!document.querySelector("[data-row]")`, "no rows")
	ann.look("views, mistake")
	ann.Click("Use status:open")
	ann.ExpectJS(`document.querySelectorAll("[data-row]").length > 0`, "the rows that were meant")

	// Kept for everybody, it comes to a colleague by itself.
	ann.Click("Save as view")
	ann.Fill("Name", "Open ones")
	ann.Click("Share with all staff")
	ann.look("views, saving")
	ann.clickOn(`document.querySelector("#view-save form button")`, "save the view")
	ann.Expect("The view is saved.")
	ann.ExpectJS(`document.querySelector("h1").innerText === "Open ones"`, "the view")
	ben.ExpectJS(`[...document.querySelectorAll(".views__link")].some((a) => a.innerText.startsWith("Open ones"))`, "the shared view beside the list")
	ben.clickOn(`[...document.querySelectorAll(".views__link")].find((a) => a.innerText.startsWith("Open ones"))`, "open the shared view")
	ben.ExpectJS(`document.querySelector("h1").innerText === "Open ones"`, "the view at the colleague")
	ben.ExpectJS(`!document.body.innerText.includes("Change view")`, "nothing to change for whom it is not theirs")
	ben.look("views, shared")

	// A view that has become unreadable says so, and can be mended.
	settings := func() { // the list has a field of that name too
		ann.ExpectJS(`location.pathname.endsWith("/settings") && document.readyState === "complete"`, "the settings of the view")
	}
	ann.Click("Change view")
	settings()
	ann.look("views, settings")
	ann.Fill("Filter", "tag:gone")
	ann.Click("Save")
	ann.Expect("There is no tag gone.")
	ann.Click("Change the view")
	settings()
	ann.Fill("Filter", "status:open")
	ann.Click("Save")
	ann.ExpectJS(`document.querySelectorAll("[data-row]").length > 0`, "its rows again")
	ann.Click("Change view")
	settings()
	ann.Click("Delete view")
	ann.look("views, deletion")
	ann.Click("Delete view")
	ann.Expect("The view Open ones is deleted.")
	ben.Open("/tickets")
	ben.ExpectJS(`![...document.querySelectorAll(".views__link")].some((a) => a.innerText.startsWith("Open ones"))`, "the view gone")
}
