package browser

import (
	"fmt"
	"slices"
	"testing"

	"autocrm/store"
)

const rowTexts = `[...document.querySelectorAll("[data-row] a[href^='/tickets/']")].map((a) => a.textContent.trim())`

// TestRows is a list that somebody reads: nothing moves under the pointer or the focus, new rows wait behind a
// button; where nobody reads, they come in by themselves.
func TestRows(t *testing.T) {
	t.Parallel()
	s := development(t)
	for i := range 6 {
		s.submit(t, fmt.Sprintf("Old ticket %d", i+1))
	}
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	ann.Open("/tickets")
	live(ann)

	s.submit(t, "Nobody reads")
	ann.Expect("Nobody reads")

	before := JS[[]string](ann, rowTexts)
	ann.Point("[data-row]:nth-child(3) a[href]")
	for i := range 3 {
		s.submit(t, fmt.Sprintf("Under the pointer %d", i+1))
	}
	ann.ExpectJS(control(pressable, "3 new", nil), "the button 3 new")
	if now := JS[[]string](ann, rowTexts); !slices.Equal(now, before) {
		t.Errorf("rows moved under the pointer: %q, before %q", now, before)
	}
	ann.Click("3 new")
	for i := range 3 {
		ann.Expect(fmt.Sprintf("Under the pointer %d", i+1))
	}
	ann.ExpectJS("!"+control(pressable, "3 new", nil), "the button gone")

	// The pointer away, the focus inside.
	ann.Point("h1")
	ann.Press("j")
	ann.ExpectJS(`document.activeElement.closest("[data-row]")`, "the focus in a row")
	before = JS[[]string](ann, rowTexts)
	s.submit(t, "Beside the focus")
	ann.ExpectJS(control(pressable, "1 new", nil), "the button 1 new")
	if now := JS[[]string](ann, rowTexts); !slices.Equal(now, before) {
		t.Errorf("rows moved beside the focus: %q, before %q", now, before)
	}
	// Pressed by keyboard; the button stands before the rows.
	JS[any](ann, control(pressable, "1 new", nil)+".focus()")
	ann.Press("Enter")
	ann.Expect("Beside the focus")
	settled(t, ann)
}
