package browser

import (
	"testing"
	"time"

	"autocrm/store"
)

const isExpired = `document.documentElement.dataset.live === "expired"`

// cutWithin waits for the end of a page's stream and for the words about it.
func (p *Person) cutWithin(t *testing.T, limit time.Duration, s *sight, since time.Time) {
	t.Helper()
	got := <-s.seen
	if got.err != nil {
		t.Fatalf("%s: %v", p.name, got.err)
	}
	took := got.at.Sub(since)
	t.Logf("%s is told %d ms after the click", p.name, took.Milliseconds())
	if took > limit {
		t.Errorf("that is more than %s", limit)
	}
	p.Expect("You are no longer signed in here")
	p.ExpectJS(control(pressable, "Sign in", nil), "a link to sign in")
	if open, _ := p.streamsOpen(); open != 0 {
		t.Errorf("%s still holds %d streams", p.name, open)
	}
}

// TestCut ends what somebody may no longer see: a session ended elsewhere, a role changed, a person deactivated.
func TestCut(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.submit(t, "The chair squeaks")
	desk := s.signedIn(t, store.Agent, "ann@example.com")
	desk.Open("/tickets/1001")
	desk.Fill("Reply", "Half a sent")
	live(desk)
	phone := s.newPerson(t, "ann's phone", store.Agent)
	phone.SignIn("ann@example.com")
	phone.Open("/account")
	seen, start := desk.watch("the end", isExpired), time.Now()
	phone.Click("Sign out elsewhere")
	desk.cutWithin(t, 2*time.Second, seen, start)

	// Back through the link, to the same page, with the words still there.
	desk.Click("Sign in")
	desk.Fill("Email", "ann@example.com")
	desk.Fill("Password", "autocrm-demo")
	desk.Click("Sign in")
	desk.ExpectPath("/tickets/1001")
	desk.ExpectLive()
	desk.ExpectJS(`document.querySelector("#composer textarea").value === "Half a sent"`, "what was being written")

	adam := s.signedIn(t, store.Admin, "adam@example.com")
	adam.Open("/users")
	adam.Click("Role", "ann@example.com")
	adam.Select("Role", "Client")
	seen, start = desk.watch("the end", isExpired), time.Now()
	adam.Click("Change role")
	desk.cutWithin(t, 2*time.Second, seen, start)
	desk.Open("/queue")
	desk.ExpectPath("/unauthorized")
	desk.Expect(s.urls[store.Client])

	// Deactivated, and in again once reactivated.
	bea := s.signedIn(t, store.Agent, "bea@example.com")
	bea.ExpectLive()
	adam.Open("/users")
	adam.Click("Deactivate", "bea@example.com")
	adam.Expect("Deactivate Bea?")
	seen, start = bea.watch("the end", isExpired), time.Now()
	adam.Click("Deactivate")
	bea.cutWithin(t, 2*time.Second, seen, start)
}
