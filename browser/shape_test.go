package browser

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"autocrm/store"

	"github.com/google/uuid"
)

// TestShaping is an agent who shapes a ticket by keys alone, and a colleague and the client who look on.
func TestShaping(t *testing.T) {
	t.Parallel()
	s := development(t)
	number, other := s.submit(t, "The lift is stuck"), s.submit(t, "Lift again, please hurry up with it")
	cora := s.actor(t, store.Client, "cora@example.com")
	asked := store.Message{ID: uuid.New(), Body: "And my bill of October is wrong."}
	if err := s.Store.Reply(context.Background(), cora, number, asked); err != nil {
		t.Fatal(err)
	}
	ann, bob := s.signedIn(t, store.Agent, "ann@example.com"), s.signedIn(t, store.Agent, "bob@example.com")
	client := s.signedIn(t, store.Client, "cora@example.com")
	path := fmt.Sprintf("/tickets/%d", number)
	for _, p := range []*Person{ann, bob, client} {
		p.Open(path)
		p.ExpectLive()
		p.mark()
	}
	ann.look("a ticket before it is shaped")
	version := JS[string](client, `document.querySelector("#ticket-timeline").dataset.version`)

	// Tags: the field has the focus again, for the next one.
	ann.Press("t")
	ann.Type("vip, late-delivery")
	ann.Press("Enter")
	ann.ExpectJS(`document.querySelectorAll(".ticket-tags .ticket-tag").length === 2`, "two tags")
	ann.ExpectJS(`document.activeElement.id === "prop-tag" && document.activeElement.value === ""`, "the field for the next tag")
	bob.ExpectJS(`document.querySelectorAll(".ticket-tags .ticket-tag").length === 2`, "two tags, live")
	ann.Type("no:good")
	ann.Press("Enter")
	ann.Expect("without blanks, commas, colons")
	ann.Press("Control+a")
	ann.Type("refund")
	ann.Press("Enter")
	ann.ExpectJS(`document.querySelectorAll(".ticket-tags .ticket-tag").length === 3`, "three tags")
	ann.ExpectJS(`document.activeElement.id === "prop-tag" && document.activeElement.value === ""`, "the field for the next tag")
	ann.Press("Escape")
	ann.Click("Remove tag refund")
	ann.ExpectJS(`document.querySelectorAll(".ticket-tags .ticket-tag").length === 2 && document.activeElement.id === "prop-tag"`, "two tags, and the field")
	ann.Press("Escape")

	// Sleep, in the reader's own zone.
	ann.Press("b")
	ann.ExpectJS(`document.activeElement.closest("#act-snooze form") && document.activeElement.innerText === "In 3 hours"`, "the first choice of snooze")
	ann.look("snooze")
	JS[any](ann, `document.querySelector("#snooze-at").value = "2020-01-01T09:00"`)
	JS[any](ann, `document.querySelector("#form-snooze [value=at]").click()`)
	ann.Expect("Choose a time that is still to come.")
	ann.Click("Until the customer answers")
	ann.Expect("Asleep until the customer answers")
	ann.ExpectJS(`document.activeElement.id === "act-snooze-line" && !document.querySelector("#act-snooze").open`, "the line closed, with the focus")
	bob.Expect("Asleep until the customer answers")
	ann.Press("B")
	ann.ExpectGone("Asleep until the customer answers")

	ann.Press("h")
	ann.Type("1h 20m")
	ann.Press("Enter")
	ann.Expect("spent 1h 20m")
	ann.ExpectJS(`!document.activeElement.matches("input")`, "the hands free again")
	ann.Press("w")
	ann.Expect("Followed by")
	ann.Press("f")
	ann.ExpectJS(`document.activeElement.id === "forward-to"`, "the colleague to forward to")
	ann.Select("Forward to", "Bob")
	ann.Fill("Note for them", "Can you call her?")
	ann.Press("Control+Enter")
	ann.Expect("forwarded to Bob")
	ann.ExpectJS(`document.activeElement.id === "act-forward-line"`, "the line closed, with the focus")
	bob.Expect("Can you call her?")
	ann.Press("l")
	ann.Select("As", "Duplicate of")
	ann.Fill("Ticket", fmt.Sprint(other))
	ann.Press("Enter")
	ann.ExpectJS(`document.querySelectorAll(".links__link").length === 1`, "a link")
	bob.ExpectJS(`document.querySelectorAll(".links__link").length === 1`, "a link, live")

	// A linked ticket's status is live here.
	if err := s.Store.ChangeStatus(context.Background(), s.actor(t, store.Agent, "bob@example.com"), other, store.StatusNew, store.StatusPending); err != nil {
		t.Fatal(err)
	}
	ann.ExpectJS(`document.querySelector('.links__link [data-status="pending"]')`, "the linked ticket's status")
	ann.look("a shaped ticket")
	if now := JS[string](client, `document.querySelector("#ticket-timeline").dataset.version`); now != version {
		t.Errorf("the client's version moved from %s to %s", version, now)
	}

	// Merge: the client, who looks on, is led to the other ticket.
	ann.Press("M")
	ann.Type(fmt.Sprint("#", other))
	ann.look("merge")
	ann.Press("Enter")
	ann.ExpectPath(fmt.Sprint("/tickets/", other))
	ann.Expect("was merged into this ticket")
	ann.Expect("And my bill of October is wrong.")
	client.Expect("This ticket was merged into")
	client.unreloaded()
	client.look("a merged ticket")
	bob.Expect("Undo merge")
	bob.look("a merged ticket")
	ann.look("a ticket with another in it")
	bob.Click("Undo merge")
	bob.Expect("And my bill of October is wrong.")
	ann.ExpectJS(`![...document.querySelectorAll(".message__body")].some((m) => m.innerText.includes("October"))`, "what came from the other gone back")

	// Split a message off.
	bob.Click("Split this message off")
	bob.look("split")
	bob.Click("Make it a ticket")
	bob.Expect("This ticket was made of a message on")
	bob.ExpectJS(`document.querySelector("h1").innerText.includes("And my bill of October is wrong.")`, "the proposed subject")
	client.ExpectJS(`![...document.querySelectorAll(".message__body")].some((m) => m.innerText.includes("October"))`, "the message gone to its own ticket")

	ann.Open("/tags")
	ann.ExpectLive()
	ann.look("tags")
	ann.Click("Change", "vip")
	ann.look("a tag's menu")
	ann.Fill("Name", "very-important", "vip")
	ann.Click("Save", "vip")
	ann.Expect("very-important")
	if strings.Contains(JS[string](ann, "document.querySelector('main').innerText"), "vip") {
		t.Error("the old name is still there")
	}
}
