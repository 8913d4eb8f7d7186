package browser

import (
	"testing"
	"time"

	"autocrm/store"
)

// TestCells is what the product exists for: in each of {client, agent, admin} x {development, production} a
// change made in that portal is on the other two screens within a second, without a reload. Not parallel: it
// tells times.
func TestCells(t *testing.T) {
	for _, name := range []string{"development", "production"} {
		t.Run(name, func(t *testing.T) {
			s := deployments[name](t)
			s.Person(t, store.Agent, "greta@example.com")
			cora := s.signedIn(t, store.Client, "cora@example.com")
			agnes := s.signedIn(t, store.Agent, "agnes@example.com")
			adam := s.signedIn(t, store.Admin, "adam@example.com")

			t.Run("client", func(t *testing.T) {
				var all times
				agnes.Open("/queue")
				adam.Open("/")
				cora.Open("/tickets/new")
				cora.Fill("Subject", "The printer eats paper")
				cora.Fill("Description", "It began this morning.")
				live(agnes, adam)
				all.see(t, cora, "POST", "/tickets", func() { cora.Click("Submit ticket") },
					agnes.watchText("The printer eats paper"), adam.watchText("The printer eats paper"))
				cora.ExpectPath("/tickets/1001")
				settled(t, agnes, adam)

				adam.Open("/tickets/1001")
				agnes.Open("/tickets/1001")
				live(agnes, adam)
				for _, words := range []string{"It is the one on the second floor.", "Now it eats the tray."} {
					cora.Fill("Reply", words)
					all.see(t, cora, "POST", "/tickets/1001/replies", func() { cora.Click("Send reply") }, agnes.watchText(words), adam.watchText(words))
				}
				settled(t, agnes, adam)
				all.within(t, time.Second)
			})

			t.Run("agent", func(t *testing.T) {
				var all times
				for _, p := range []*Person{cora, agnes, adam} {
					p.Open("/tickets/1001")
				}
				live(cora, adam)
				all.see(t, agnes, "POST", "/tickets/1001/assignment", func() { agnes.Click("Take ticket") },
					cora.watchText("Agnes took the ticket"), adam.watchText("Agnes has it"))
				agnes.Fill("Reply", "Which of the two trays?")
				all.see(t, agnes, "POST", "/tickets/1001/replies", func() { agnes.Click("Send reply") },
					cora.watchText("Which of the two trays?"), adam.watchText("Which of the two trays?"))
				agnes.Select("Status", "On hold")
				all.see(t, agnes, "POST", "/tickets/1001/status", func() { agnes.Click("Set", "Status") },
					cora.watchText("set the status to On hold"), adam.watchText("set the status to On hold"))
				settled(t, cora, adam)
				all.within(t, time.Second)
			})

			t.Run("admin", func(t *testing.T) {
				var all times
				for _, p := range []*Person{cora, agnes, adam} {
					p.Open("/tickets/1001")
				}
				live(cora, agnes)
				adam.Select("Assignee", "Greta")
				all.see(t, adam, "POST", "/tickets/1001/assignment", func() { adam.Click("Set", "Assignee") },
					cora.watchText("gave the ticket to Greta"), agnes.watchText("Greta has it"))
				adam.Select("Priority", "Urgent")
				all.see(t, adam, "POST", "/tickets/1001/priority", func() { adam.Click("Set", "Priority") },
					cora.watchText("set the priority to Urgent"), agnes.watchText("set the priority to Urgent"))
				adam.Fill("Reply", "We bring you another one.")
				all.see(t, adam, "POST", "/tickets/1001/replies", func() { adam.Click("Send reply") },
					cora.watchText("We bring you another one."), agnes.watchText("We bring you another one."))
				settled(t, cora, agnes)
				all.within(t, time.Second)
			})
		})
	}
}

// live waits until each page is, and marks it.
func live(people ...*Person) {
	for _, p := range people {
		p.t.Helper()
		p.ExpectLive()
		p.mark()
	}
}

// settled holds that each page is still the one it was, live, with one stream.
func settled(t *testing.T, people ...*Person) {
	t.Helper()
	for _, p := range people {
		p.ExpectLive()
		p.unreloaded()
		if open, _ := p.streamsOpen(); open != 1 {
			t.Errorf("%s holds %d streams", p.name, open)
		}
	}
}
