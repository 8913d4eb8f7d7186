package browser

import (
	"strings"
	"testing"

	"autocrm/store"
)

// invite makes an invitation on the page and takes the link from it.
func invite(adam *Person, email, role string) (link string) {
	adam.t.Helper()
	adam.Open("/invitations")
	adam.Fill("Email", email)
	adam.Select("Role", role)
	adam.Click("Send invitation")
	adam.Expect("Send this link to " + email)
	return JS[string](adam, `document.querySelector("input[readonly]").value`)
}

// TestInvitation is the way in for staff, by two people: the link shown once, used once, on its own portal; and
// what each link that is no good says.
func TestInvitation(t *testing.T) {
	t.Parallel()
	s := production(t)
	adam := s.signedIn(t, store.Admin, "adam@example.com")
	link := invite(adam, "nora@example.com", "Agent")
	if !strings.HasPrefix(link, s.urls[store.Agent]+"/signup?token=") {
		t.Fatalf("the link is %q", link)
	}
	adam.Open("/invitations")
	adam.ExpectLive()
	adam.Expect("nora@example.com")
	if JS[bool](adam, "document.documentElement.outerHTML.includes("+quote(link[strings.Index(link, "=")+1:])+")") {
		t.Error("the link is shown again")
	}
	adam.mark()

	nora := s.newPerson(t, "nora", store.Agent)
	nora.Open(strings.Replace(link, s.urls[store.Agent], s.urls[store.Client], 1))
	nora.Expect("This invitation is for the agent portal")
	nora.Click("Open it on the agent portal")
	nora.Expect("Adam invites you to AutoCRM as an agent")
	nora.Fill("Full name", "Nora Novak")
	nora.Fill("Password", "short")
	nora.Click("Create account")
	nora.ExpectJS(`document.querySelector("input[name=full_name]").value === "Nora Novak" && document.querySelector("[aria-invalid]")`, "the form again, with what was typed")
	nora.Fill("Password", "a long enough one")
	nora.Click("Create account")
	nora.ExpectPath("/")
	nora.Expect("Oldest unassigned")
	nora.ExpectLive()
	adam.ExpectJS(`[...document.querySelectorAll("[data-row]")].some((r) => r.textContent.includes("nora@") && r.textContent.includes("Accepted"))`, "the row used, by itself")
	adam.unreloaded()

	guest := s.newPerson(t, "guest", store.Agent)
	guest.Open(link)
	guest.Expect("This invitation has been used")

	link = invite(adam, "otto@example.com", "Client")
	adam.Click("Revoke", "otto@example.com")
	adam.ExpectJS(`[...document.querySelectorAll("[data-row]")].some((r) => r.textContent.includes("otto@") && r.textContent.includes("Revoked"))`, "the row revoked")
	guest.Open(link)
	guest.Expect("This invitation was revoked")

	link = invite(adam, "pia@example.com", "Admin")
	s.exec(`UPDATE invitations SET expires_at = now() - interval '1 minute', created_at = now() - interval '2 days' WHERE email = 'pia@example.com'`)
	guest.Open(link)
	guest.Expect("This invitation has expired")
	guest.Open(strings.Replace(link, "token=", "token=x", 1))
	guest.Expect("This invitation is unknown")
}
