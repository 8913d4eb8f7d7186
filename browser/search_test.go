package browser

import (
	"os"
	"testing"

	"autocrm/store"
)

// TestSearch looks for a ticket without the pointer: the field by its key, suggestions, an operator completed, the
// page of results and its rows; a slip is mended; narrow, the sign leads to the page.
func TestSearch(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.submit(t, "The printer hums")
	s.submit(t, "The printer is silent")
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	shot := func(p *Person, name string) {
		if dir := os.Getenv("SEARCH_SHOTS"); dir != "" {
			if err := p.picture(dir + "/" + name + ".png"); err != nil {
				t.Error(err)
			}
		}
	}
	ann.Open("/")
	ann.ExpectLive()
	ann.Press("/")
	ann.Type("pri")
	ann.ExpectJS(`document.querySelectorAll("#search-list [role=option]").length >= 3`, "suggestions")
	ann.ExpectJS(`document.querySelector("#search-q").getAttribute("aria-expanded") === "true"`, "an open list")
	shot(ann, "suggestions")
	ann.audit("suggestions")
	ann.Press("Escape")
	ann.ExpectJS(`document.querySelector("#search-list").hidden && document.activeElement.id === "search-q"`, "a closed list and the focus in the field")
	ann.Type("nter h")
	ann.ExpectJS(`[...document.querySelectorAll("#search-list [href^='/tickets/']")].length === 1`, "one suggestion")
	ann.Press("ArrowDown")
	ann.ExpectJS(`document.querySelector("#search-q").getAttribute("aria-activedescendant") === "search-ticket-0"`, "the first option")
	ann.Press("Enter")
	ann.ExpectPath("/tickets/1001")
	ann.ExpectLive()
	ann.Press("/")
	ann.Type("pirnter")
	ann.Press("Enter")
	ann.ExpectPath("/search")
	ann.Expect("Showing results for printer instead of pirnter.")
	ann.ExpectJS(`document.querySelectorAll(".found__link mark").length === 2`, "marked words")
	shot(ann, "results")
	ann.look("results")
	ann.Press("j")
	ann.Press("j")
	ann.ExpectJS(`document.activeElement.matches(".found__row:nth-child(2) a")`, "the second row")
	ann.Press("o")
	ann.ExpectJS(`location.pathname.startsWith("/tickets/100")`, "a ticket")
	ann.ExpectLive()
	ann.Open("/search?q=statsu:open")
	ann.Expect("did you mean status:?")
	ann.look("a mistake")
	ann.Open("/search?q=xyzzy")
	ann.Expect("Nothing found")
	ann.look("nothing")
	ann.Open("/search")
	ann.look("help")
	shot(ann, "help")
	ann.size(360, 740)
	ann.Open("/search?q=printer")
	shot(ann, "narrow")
	ann.Open("/")
	shot(ann, "narrow-home")
	ann.ExpectJS(`document.querySelector(".search-link").checkVisibility() && !document.querySelector(".bar .search").checkVisibility()`, "the sign instead of the field")

	cleo := s.signedIn(t, store.Client, "cleo@example.com")
	// The field of the search page has the focus as soon as it is there, which may be before any script of ours.
	cleo.beforeScripts("#search-q[autofocus]", "focus()")
	cleo.Open("/")
	cleo.Press("/")
	cleo.ExpectPath("/search")
	cleo.ExpectJS(`document.activeElement.id === "search-q"`, "the focus in the field")
	cleo.Type("hu")
	cleo.ExpectJS(`document.querySelector("#search-q[role=combobox]").getAttribute("aria-expanded") === "true"`, "an open list")
	shot(cleo, "client")
	cleo.audit("suggestions")
}
