package browser

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"autocrm/store"
)

// TestPages looks at every page and state of the three portals, in the demo and before anything is there.
func TestPages(t *testing.T) {
	t.Run("client", func(t *testing.T) {
		t.Parallel()
		s := development(t, "--demo")
		p := s.newPerson(t, "client", store.Client)
		p.Open("/sign-in")
		p.look("sign-in")
		p.Fill("Email", "client@example.com")
		p.Fill("Password", "wrong wrong")
		p.Click("Sign in")
		p.Expect("The email or the password is wrong.")
		p.look("sign-in refused")
		p.Open("/signup")
		p.look("sign-up")
		p.Fill("Full name", "X")
		p.Fill("Email", "client@example.com")
		p.Fill("Password", "short")
		p.Click("Create account")
		p.ExpectJS(`document.querySelector("[aria-invalid=true]")`, "a refused form")
		p.look("sign-up refused")

		p.SignIn("client@example.com")
		p.ExpectLive()
		p.look("dashboard")
		p.each(map[string]string{"/tickets": "list", "/tickets?status=cancelled&priority=urgent": "list, nothing matches",
			"/tickets?status=nonsense": "list, wrong address", "/tickets/new": "new ticket", "/account": "account", "/nowhere": "not found"})
		p.Open("/tickets/new")
		p.Click("Submit ticket")
		p.ExpectJS(`document.querySelectorAll("[aria-invalid=true]").length > 1`, "a refused form")
		p.look("new ticket refused")
		p.Open("/tickets")
		p.clickOn(`document.querySelector("[data-row] a[href]")`, "click the first ticket")
		p.ExpectLive()
		p.look("ticket")
		p.Click("Keyboard shortcuts")
		p.ExpectJS(`document.querySelector("dialog:modal")`, "the sheet")
		p.look("ticket, shortcuts")
		p.Open("/tickets?status=open")
		p.clickOn(`document.querySelector("[data-row] a[href]")`, "click the first open ticket")
		p.Click("Cancel ticket")
		p.Expect("Yes, cancel it")
		p.look("ticket, asking")
		p.Open("/_style")
		p.look("style")
	})

	t.Run("agent", func(t *testing.T) {
		t.Parallel()
		s := development(t, "--demo")
		stranger := s.newPerson(t, "stranger", store.Agent)
		stranger.Open("/sign-in")
		stranger.Fill("Email", "client@example.com")
		stranger.Fill("Password", "autocrm-demo")
		stranger.Click("Sign in")
		stranger.ExpectPath("/unauthorized")
		stranger.look("unauthorized")
		stranger.Open("/signup")
		stranger.look("sign-up without a link")

		p := s.newPerson(t, "agent", store.Agent)
		p.SignIn("agent@example.com")
		p.ExpectLive()
		p.look("dashboard")
		p.each(map[string]string{"/notifications": "notifications", "/queue": "queue", "/my-tickets": "my tickets", "/tickets": "list", "/account": "account",
			"/tickets/999999": "no such ticket", "/queue?priority=low&age=older": "queue, filtered"})
		p.Open("/my-tickets")
		p.clickOn(`document.querySelector("[data-row] a[href]")`, "click the first ticket")
		p.ExpectLive()
		p.look("ticket")
		p.Press("?")
		p.ExpectJS(`document.querySelector("#help:modal")`, "the sheet")
		p.look("ticket, shortcuts")
		p.Press("Escape")
		p.Press("Control+k")
		p.ExpectJS(`document.querySelectorAll("#palette[open] [role=option]").length > 3`, "the palette")
		p.look("ticket, palette")
		p.Press("Escape")
		p.Press("i")
		p.ExpectJS(`document.querySelector(".bell[open] .notices__head")`, "the notifications")
		p.look("ticket, notifications")
		p.Press("Escape")
		p.Press("n")
		p.ExpectJS(`document.activeElement.matches("#composer-note textarea")`, "the note")
		p.look("ticket, note")
		p.Select("Priority", "Low")
		p.look("ticket, property chosen")
		p.offline(true)
		p.ExpectState("reconnecting")
		p.look("ticket, reconnecting")
		p.offline(false)
		p.ExpectLive()
		s.exec(`UPDATE sessions SET revoked_at = now() WHERE user_id = (SELECT id FROM users WHERE email = 'agent@example.com')`)
		p.ExpectState("expired")
		p.look("ticket, signed out")
	})

	t.Run("admin", func(t *testing.T) {
		t.Parallel()
		s := development(t, "--demo")
		p := s.newPerson(t, "admin", store.Admin)
		p.SignIn("admin@example.com")
		p.ExpectLive()
		p.look("dashboard")
		p.each(map[string]string{"/tickets": "list", "/users": "users", "/users?q=zzzz": "users, nothing matches",
			"/invitations": "invitations", "/account": "account", "/nowhere": "not found"})
		p.Open("/tickets")
		p.clickOn(`document.querySelector("[data-row] a[href]")`, "click the first ticket")
		p.ExpectLive()
		p.look("ticket")
		s.measured()
		p.Open("/health")
		p.look("health")
		p.clickOn(`document.querySelector("#by-hour summary")`, "open the table")
		p.ExpectJS(`document.querySelector("#by-hour").open`, "the table")
		p.look("health, as a table")
		link := invite(p, "new@example.com", "Agent")
		p.look("invitations, link shown")
		p.Fill("Email", "new@example.com")
		p.Click("Send invitation")
		p.ExpectJS(`document.querySelector("[aria-invalid=true]")`, "a refused form")
		p.look("invitations, refused")
		p.Open("/users")
		p.clickOn(`document.querySelector("[data-row] a[href]")`, "click the first person")
		p.ExpectPathLike("/users/")
		p.look("person")
		p.Click("Deactivate")
		p.ExpectPathLike("/deactivation")
		p.look("person, asking")

		guest := s.newPerson(t, "guest", store.Agent)
		guest.Open(link)
		guest.Expect("invites you")
		guest.look("invited")
		guest.Open(strings.Replace(link, s.urls[store.Agent], s.urls[store.Client], 1))
		guest.look("invited elsewhere")
		guest.Open(link + "x")
		guest.look("invitation unknown")
	})

	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		s := development(t)
		for role, pages := range map[store.Role][]string{
			store.Client: {"/", "/tickets"},
			store.Agent:  {"/", "/queue", "/my-tickets", "/tickets"},
			store.Admin:  {"/", "/tickets", "/invitations", "/health"},
		} {
			p := s.signedIn(t, role, string(role)+"@example.com")
			for _, path := range pages {
				p.Open(path)
				p.look("empty " + path)
			}
			if role != store.Admin {
				continue
			}
			// A failure inside: a page with an id and no detail.
			p.allow("answered 500")
			s.exec(`ALTER TABLE invitations RENAME TO elsewhere`)
			p.Open("/invitations")
			p.look("a failure inside")
			if text := JS[string](p, "document.body.innerText"); strings.Contains(text, "invitations") && strings.Contains(text, "relation") {
				t.Errorf("the page tells what failed: %s", text)
			}
			s.exec(`ALTER TABLE elsewhere RENAME TO invitations`)
		}
		request, _ := http.NewRequest("GET", "http://"+s.listen+"/", nil)
		request.Host = "example.org"
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusMisdirectedRequest || len(text) == 0 {
			t.Errorf("a host that is no portal's answers %d %q", answer.StatusCode, text)
		}
	})
}

// each opens pages and looks at them.
func (p *Person) each(pages map[string]string) {
	p.t.Helper()
	for path, state := range pages {
		p.Open(path)
		p.look(state)
	}
}

// ExpectPathLike waits until the address has that in its path.
func (p *Person) ExpectPathLike(part string) {
	p.t.Helper()
	p.ExpectJS(fmt.Sprintf("location.pathname.includes(%s) && document.readyState === 'complete'", quote(part)), "a page like "+part)
}
