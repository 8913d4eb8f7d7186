package browser

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"autocrm/store"
)

// TestMovedOn is two agents who answer one ticket at the same time. The slower one's reply is refused; what is new
// stands above it, with everything typed kept; the second press sends. What was read on a live page is no news.
func TestMovedOn(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The lift is stuck")
	for range 6 { // a page that scrolls: there is an end of the thread that is out of sight
		s.reply(t, number, strings.Repeat("It is being looked at. ", 40))
	}
	ann, bob := s.signedIn(t, store.Agent, "ann@example.com"), s.signedIn(t, store.Admin, "bob@example.com")
	path := fmt.Sprintf("/tickets/%d", number)
	ann.Open(path)
	bob.Open(path)
	live(ann, bob)
	ann.allow("409")
	ann.mark()

	seen := `Number(document.querySelector("#composer-form-reply [name=seen]").value)`
	last := `Number([...document.querySelectorAll("#timeline [data-position]")].at(-1).dataset.position)`

	// At the top of the page, writing nowhere near what comes.
	at := JS[float64](ann, seen)
	ann.Press("r")
	ann.Type("We send someone with a *key*")
	JS[any](ann, `void (document.activeElement.blur(), scrollTo(0, 0))`)
	bob.Fill("Reply", "The key is with the porter.")
	bob.Click("Send reply")
	ann.ExpectJS(`[...document.querySelectorAll("#timeline .message")].at(-1).innerText.includes("porter")`, "bob's reply on ann's page")
	ann.ExpectJS(presentLine("Bob is looking at this"), "that bob writes no more")
	ann.ExpectJS(`(e => !e.hidden && e.innerText === "Bob answered while you were writing")(document.querySelector("[data-meanwhile]"))`, "that bob answered")
	if now := JS[float64](ann, seen); now != at {
		t.Fatalf("what never was on the screen counts as seen: %v, before %v", now, at)
	}
	// Sent without looking: the button's form, wherever the page is scrolled to.
	text := JS[string](ann, `document.querySelector("#composer-text-reply").value`)
	form := JS[string](ann, `document.querySelector("#composer-form-reply [name=id]").value`)
	JS[any](ann, `void document.querySelector("#composer-form-reply").requestSubmit()`)
	ann.ExpectJS(`document.querySelector("#composer-form-reply .moved")?.innerText.includes("The key is with the porter.")`, "what is new above the form")
	ann.Expect("Bob wrote while you were writing. Nothing was sent yet.")
	if got := JS[string](ann, `document.querySelector("#composer-text-reply").value`); got != text {
		t.Errorf("%q was typed, %q came back", text, got)
	}
	if got := JS[string](ann, `document.querySelector("#composer-form-reply [name=id]").value`); got != form {
		t.Error("another form came back")
	}
	bob.ExpectGone("We send someone")
	ann.ExpectJS(`document.querySelector("#composer-form-note [name=seen]").value === document.querySelector("#composer-form-reply [name=seen]").value`, "both forms know what was shown")
	ann.look("reply that came too late")

	ann.Click("Send reply")
	bob.Expect("We send someone with a key")
	ann.ExpectJS(`!document.querySelector("#composer .moved") && !document.querySelector("#composer-text-reply").value`, "an empty form")

	// Whoever goes on writing with it before their eyes has seen it, and the first press sends.
	bob.ExpectJS(seen+" === "+last, "that bob has seen it")
	ann.Press("r")
	ann.Type("On our way.")
	bob.Fill("Reply", "He waits below.")
	bob.Click("Send reply")
	ann.Expect("He waits below.")
	until(t, "ann goes on writing below it", patience, func() bool {
		ann.Type(".")
		return JS[bool](ann, seen+" === "+last)
	})
	ann.ExpectJS(`document.querySelector("[data-meanwhile]").hidden`, "nothing unseen")
	ann.Press("Control+Enter")
	bob.Expect("On our way.")
	ann.unreloaded()
}

// TestBothTake is two agents who press Take at once, ten times over: one has the ticket, and the other is told who, and
// goes on reading that.
func TestBothTake(t *testing.T) {
	t.Parallel()
	s := development(t)
	ann, bob := s.signedIn(t, store.Agent, "ann@example.com"), s.signedIn(t, store.Agent, "bob@example.com")
	both := []*Person{ann, bob}
	for round := range 10 {
		number := s.submit(t, fmt.Sprintf("Whose is it, %d", round))
		var pressing sync.WaitGroup
		var pressed [2]bool
		for _, p := range both {
			p.allow("409")
			p.Open(fmt.Sprintf("/tickets/%d", number))
			p.ExpectLive()
		}
		for i, p := range both {
			pressing.Go(func() {
				pressed[i] = JS[bool](p, `(form => !form?.requestSubmit() && !!form)(document.querySelector("#take"))`)
			})
		}
		pressing.Wait()
		for i, p := range both {
			has := `document.querySelector("#prop-assignee option:checked").textContent.startsWith(%s)`
			me, other := fmt.Sprintf(has, quote([]string{"Ann", "Bob"}[i])), fmt.Sprintf(has, quote([]string{"Bob", "Ann"}[i]))
			p.ExpectJS(fmt.Sprintf(`!document.querySelector("#take") && ((%s) || (%s))`, me, other), "who has the ticket")
		}
		has := `document.querySelector("#ticket-head").innerText.match(/(\w+) has it/)?.[1] ?? ""`
		until(t, "both pages name the same one", patience, func() bool {
			who := JS[string](ann, has)
			return who != "" && who == JS[string](bob, has)
		})
		if !pressed[0] || !pressed[1] {
			continue // who hears of the other before the press has no button any more
		}
		told := func(p *Person, who string) bool {
			return JS[bool](p, fmt.Sprintf(`!!document.querySelector("#form-prop-assignee .field__error")?.innerText.includes("%s has this ticket meanwhile")`, who))
		}
		until(t, fmt.Sprintf("in round %d one is told that the other was faster", round), patience, func() bool { return told(ann, "Bob") != told(bob, "Ann") })
	}
}
