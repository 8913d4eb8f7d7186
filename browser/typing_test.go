package browser

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"autocrm/store"
)

// writing is a text as its writer expects it: the caret in it, and how far a selection goes from there.
type writing struct {
	text       []rune
	start, end int
}

func (w *writing) typed(s string) {
	w.text = slices.Concat(w.text[:w.start], []rune(s), w.text[w.end:])
	w.start += len([]rune(s))
	w.end = w.start
}

// field is a text field as the page has it.
type field struct {
	Value      string
	Start, End int
	Focused    bool
	Top        float64
}

const replyField = `(() => {
  const e = document.querySelector("#composer textarea[name=content]");
  return { Value: e.value, Start: e.selectionStart, End: e.selectionEnd, Focused: document.activeElement === e, Top: e.getBoundingClientRect().top };
})()`

// TestTyping is a reply being written while somebody else posts twenty to the same ticket: text, caret, selection
// and focus are untouched, the field stays where it is on the screen, and the twenty are there once, in order.
func TestTyping(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The lift is stuck")
	for range 8 { // a page that scrolls: on one that does not, nothing can keep the field in its place
		s.reply(t, number, "It is being looked at.")
	}
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	bob := s.signedIn(t, store.Agent, "bob@example.com")
	path := fmt.Sprintf("/tickets/%d", number)
	ann.Open(path)
	bob.Open(path)
	live(ann, bob)

	ann.Press("r") // the shortcut leads into the field
	ann.ExpectJS(`document.activeElement.matches("#composer textarea")`, "the focus in the reply field")
	var w writing
	place := JS[field](ann, replyField).Top
	check := func(after string) {
		t.Helper()
		got := JS[field](ann, replyField)
		want := field{Value: string(w.text), Start: w.start, End: w.end, Focused: true, Top: got.Top}
		if got != want {
			t.Fatalf("after %s the field is %+v, should be %+v", after, got, want)
		}
		// A page scrolls by whole pixels, a line of text is not one high.
		if math.Abs(got.Top-place) > 1 {
			t.Fatalf("after %s the field has moved from %.1f to %.1f", after, place, got.Top)
		}
		place = got.Top
	}
	for i := 1; i <= 20; i++ {
		bob.Fill("Reply", fmt.Sprintf("Message %d.", i))
		bob.Click("Send reply")
		switch {
		case i == 7: // on in the middle
			for range 5 {
				ann.Press("ArrowLeft")
			}
			w.start -= 5
			w.end = w.start
		case i == 12: // something is selected, and stays so while messages come
			for range 4 {
				ann.Press("Shift+ArrowLeft")
			}
			w.start -= 4
		case i < 12 || i > 16:
			for _, key := range fmt.Sprintf("no %d, ", i) {
				ann.Type(string(key))
				w.typed(string(key))
			}
		}
		check(fmt.Sprintf("sending message %d", i))
		ann.Expect(fmt.Sprintf("Message %d.", i))
		check(fmt.Sprintf("seeing message %d", i))
		// The form comes back empty for the next one.
		bob.ExpectJS(`!document.querySelector("#composer textarea[name=content]").value`, "an empty form after sending")
	}
	want := make([]string, 20)
	for i := range want {
		want[i] = fmt.Sprintf("Message %d.", i+1)
	}
	for _, p := range []*Person{ann, bob} {
		got := JS[[]string](p, `[...document.querySelectorAll("#timeline .message__body")].map((e) => e.innerText.trim()).filter((s) => s.startsWith("Message"))`)
		if !slices.Equal(got, want) {
			t.Errorf("%s sees %s", p.name, strings.Join(got, " "))
		}
	}
	settled(t, ann, bob)

	// Twenty came while she wrote: the first press shows what is new above her words, the second sends them.
	ann.allow("409")
	ann.Press("Control+Enter")
	ann.ExpectJS(`document.querySelector("#composer-form-reply .moved")?.innerText.includes("Message 20.")`, "what is new above the form")
	ann.Press("Control+Enter")
	bob.Expect(strings.Join(strings.Fields(string(w.text)), " "))
}
