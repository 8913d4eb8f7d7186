package browser

import (
	"fmt"
	"testing"

	"autocrm/store"
)

// chosen is the words of what the palette would do now.
const chosen = `document.querySelector("#palette[open] [aria-selected=true] .palette__label")?.textContent`

// expectChosen waits until the palette would do that.
func (p *Person) expectChosen(words string) {
	p.t.Helper()
	p.ExpectJS(chosen+" === "+quote(words), fmt.Sprintf("%q chosen in the palette", words))
}

// TestPalette goes everywhere from one field.
func TestPalette(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The stove smokes")
	s.submit(t, "The tap drips")
	s.actor(t, store.Agent, "gus@example.com")
	s.exec(`INSERT INTO views (owner_id, name, q, shared) SELECT id, 'VIP queue', 'status:open', true FROM users WHERE email = 'gus@example.com'`)
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	ann.Open("/queue")
	ann.ExpectLive()
	ann.Press("j")
	before := JS[string](ann, "document.activeElement.textContent")
	ann.Press("Control+k")
	ann.ExpectJS(`document.activeElement.matches("#palette input")`, "the palette")
	ann.look("palette, empty")
	ann.Press("Escape")
	ann.ExpectJS(`!document.querySelector("#palette[open]")`, "the palette gone")
	if after := JS[string](ann, "document.activeElement.textContent"); after != before {
		t.Errorf("the focus was on %q and is on %q", before, after)
	}

	ann.Click("Jump to…")
	ann.Type(fmt.Sprint(number))
	ann.expectChosen("The stove smokes")
	ann.Press("Enter")
	ann.ExpectPath(fmt.Sprintf("/tickets/%d", number))
	ann.ExpectLive()

	ann.Press("Control+k")
	ann.Type("tkti")
	ann.expectChosen("Take ticket")
	ann.look("palette, an action")
	ann.Press("Enter")
	ann.Expect("Ann took the ticket")
	ann.ExpectJS(`document.activeElement !== document.body`, "a focus")

	ann.Open("/account")
	ann.Press("Control+k")
	ann.ExpectJS(chosen+`.startsWith("The stove smokes")`, "the ticket of just now first")
	ann.Type("gus")
	ann.expectChosen("Gus")
	ann.Press("Control+a")
	ann.Type("cora@")
	ann.expectChosen("Cora")
	ann.Press("Control+a")
	ann.Type("drip")
	ann.expectChosen("The tap drips")
	ann.Press("Control+a")
	ann.Type("vipqu") // some letters of a view's name
	ann.expectChosen("VIP queue")
	ann.Press("Control+a")
	ann.Type("zzzz")
	ann.Expect("Nothing found.")
	ann.look("palette, nothing found")
	ann.Press("Control+k")
	ann.ExpectJS(`!document.querySelector("#palette[open]")`, "the palette gone")

	ann.Press("Control+k")
	ann.ExpectJS(`document.querySelectorAll("#palette [role=option]").length > 3`, "something to choose from")
	ann.Press("ArrowUp") // round to the last
	ann.ExpectJS(`[...document.querySelectorAll("#palette [role=option]")].at(-1).getAttribute("aria-selected") === "true"`, "the last marked")
	ann.Press("ArrowDown")
	ann.ExpectJS(`document.querySelector("#palette [role=option]").getAttribute("aria-selected") === "true"`, "the first marked")
}
