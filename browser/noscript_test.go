package browser

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/chromedp/cdproto/emulation"
)

// withoutScripts is a person whose browser runs none.
func (s *site) withoutScripts(t *testing.T, name string, portal store.Role) *Person {
	t.Helper()
	p := s.newPerson(t, name, portal)
	do(p, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	return p
}

// TestWithoutScripts is the whole of a ticket's life by plain forms.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	s := production(t)
	s.actor(t, store.Agent, "ann@example.com")
	file := filepath.Join(t.TempDir(), "bill.txt")
	// More than nginx lets through by itself.
	if err := os.WriteFile(file, bytes.Repeat([]byte("One coffee, 3.20\n"), 120_000), 0o644); err != nil {
		t.Fatal(err)
	}

	cleo := s.withoutScripts(t, "cleo", store.Client)
	cleo.Open("/signup")
	cleo.Fill("Full name", "Cleo Clark")
	cleo.Fill("Email", "cleo@example.com")
	cleo.Fill("Password", "a long enough one")
	cleo.Click("Create account")
	cleo.ExpectPath("/")
	cleo.Click("Sign out")
	cleo.ExpectPath("/sign-in")
	cleo.Fill("Email", "cleo@example.com")
	cleo.Fill("Password", "a wrong one")
	cleo.Click("Sign in")
	cleo.Expect("The email or the password is wrong.")
	cleo.Fill("Password", "a long enough one")
	cleo.Click("Sign in")
	cleo.ExpectPath("/")

	cleo.Open("/tickets/new")
	cleo.Fill("Description", "It was written by hand.")
	cleo.Click("Submit ticket")
	cleo.Expect("Say in a few words what it is about.")
	cleo.ExpectJS(`document.querySelector("textarea").value.trim() === "It was written by hand."`, "the words that were typed")
	cleo.Fill("Subject", "The bill is wrong")
	cleo.Attach("Attachments", file)
	cleo.Click("Submit ticket")
	cleo.ExpectPath("/tickets/1001")
	cleo.Expect("bill.txt")
	cleo.Fill("Reply", "It should be 3.10.")
	cleo.Click("Send reply")
	cleo.Expect("It should be 3.10.")

	ann := s.withoutScripts(t, "ann", store.Agent)
	ann.Open("/sign-in")
	ann.Fill("Email", "ann@example.com")
	ann.Fill("Password", storetest.Password)
	ann.Click("Sign in")
	ann.ExpectPath("/")
	ann.Open("/queue")
	ann.Click("The bill is wrong")
	ann.Click("Take ticket")
	ann.Expect("Ann took the ticket")
	ann.Fill("Reply", "We look into it.")
	ann.Click("Send reply")
	ann.Expect("We look into it.")
	ann.Fill("Internal note", "He is right.")
	ann.Click("Add note")
	ann.Expect("He is right.")
	ann.Select("Status", "On hold")
	ann.Click("Set", "Status")
	ann.Expect("set the status to On hold")

	cleo.Open("/tickets/1001")
	cleo.Expect("We look into it.")
	if JS[bool](cleo, reads("He is right.")) {
		t.Error("a client reads an internal note")
	}
	cleo.Click("Cancel ticket")
	cleo.Click("Yes, cancel it")
	cleo.Expect("Cancelled")
	cleo.Click("Sign out")
	cleo.ExpectPath("/sign-in")
	cleo.Open("/tickets/1001")
	cleo.ExpectPath("/sign-in")
}
