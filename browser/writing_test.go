package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"autocrm/store"

	"github.com/chromedp/cdproto/fetch"
)

const replyText = `document.querySelector("#composer-text-reply").value`

// TestDraftGoesAlong begins a reply on one device, goes on on another, and sends it there.
func TestDraftGoesAlong(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The lift is stuck")
	desk := s.signedIn(t, store.Agent, "ann@example.com")
	phone := s.newPerson(t, "phone", store.Agent)
	phone.SignIn("ann@example.com")
	ben := s.signedIn(t, store.Agent, "ben@example.com")
	path := fmt.Sprintf("/tickets/%d", number)
	desk.Open(path)
	phone.Open(path)
	ben.Open(path)
	live(desk, phone, ben)

	desk.Press("r")
	desk.Type("Dear Cleo,")
	// An open page that nobody types in follows.
	phone.ExpectJS(replyText+` === "Dear Cleo,"`, "the draft on the other device")
	desk.Expect("Draft kept")
	// Later pages have it at once, without scripts too.
	phone.Open(path)
	phone.ExpectJS(replyText+` === "Dear Cleo,"`, "the draft on a page opened later")
	live(phone)
	phone.Press("r")
	phone.Press("Control+End")
	phone.Type(" it moves again.")
	desk.ExpectJS(replyText+` === "Dear Cleo, it moves again."`, "what was added there")

	// Two that differ: neither is lost without a word.
	JS[any](desk, `document.querySelector("#composer-text-reply").select()`)
	desk.Type("Something else")
	phone.ExpectJS(replyText+` === "Something else"`, "the newer text")
	phone.Expect("You wrote something else here at")
	phone.Click("Show it")
	phone.ExpectJS(replyText+` === "Dear Cleo, it moves again."`, "the other text again")
	desk.ExpectJS(replyText+` === "Dear Cleo, it moves again."`, "and on the first device")

	phone.look("a draft that differs")
	phone.Press("r")
	phone.Press("Control+Enter")
	ben.Expect("it moves again.")
	desk.ExpectJS(`!`+replyText, "nothing left to send")
	desk.ExpectGone("Draft kept")
	ben.ExpectJS(`!`+replyText, "nothing of it where somebody else writes")
	for _, p := range []*Person{desk, phone} { // what either device had kept for itself does not come back
		p.Open(path)
		live(p)
		if text := JS[string](p, replyText); text != "" {
			t.Errorf("%s has %q again after it was sent", p.name, text)
		}
		if JS[bool](p, `!document.querySelector("#composer-form-reply [data-other]").hidden`) {
			t.Errorf("%s is offered what was sent", p.name)
		}
	}

	// Thrown away it can still be had back. News of it may come before the answer, and nothing is kept meanwhile.
	desk.Press("n")
	desk.Type("a note that")
	desk.Expect("Draft of a note kept")
	stop := desk.delayed("*/deletion", fetch.RequestStageResponse, 2*time.Second)
	desk.Type(" nobody needs")
	since := time.Now()
	desk.Click("Discard draft")
	desk.ExpectJS(`!document.querySelector("#composer-text-note").value`, "an empty note")
	phone.Open(path)
	if text := JS[string](phone, `document.querySelector("#composer-text-note").value`); text != "" {
		t.Errorf("what was thrown away is there again: %q", text)
	}
	live(phone)
	desk.Click("Show it")
	desk.ExpectJS(`document.querySelector("#composer-text-note").value === "a note that nobody needs"`, "the note again")
	if n := desk.asked(path+"/drafts/note/deletion", since); n != 1 {
		t.Errorf("thrown away %d times", n)
	}
	stop()

	// Whoever types before the script is there does not lose what this device alone has.
	JS[any](phone, fmt.Sprintf(`localStorage.setItem("draft:" + document.documentElement.dataset.person + ":ticket-%d-reply", JSON.stringify({ texts: { content: "Only here" }, at: Date.now() }))`, number))
	phone.beforeScripts("#composer-text-reply", `value = "Hasty"`)
	phone.Open(path)
	live(phone)
	phone.Click("Show it")
	phone.ExpectJS(replyText+` === "Only here"`, "what was kept on this device")
	settled(t, desk, phone, ben)
}

// TestUndoSend takes a reply back, with its file and its status, and then lets it go while the server is started anew.
func TestUndoSend(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The lift is stuck")
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	ann.holdsReplies()
	ben := s.signedIn(t, store.Agent, "ben@example.com")
	cleo := s.signedIn(t, store.Client, "cora@example.com")
	path := fmt.Sprintf("/tickets/%d", number)
	for _, p := range []*Person{ann, ben, cleo} {
		p.Open(path)
		p.allow("/live answered 502") // while the server is started anew
	}
	live(ann, ben, cleo)

	ann.Press("r")
	ann.Type("It moves again.")
	bill := filepath.Join(t.TempDir(), "bill.txt")
	if err := os.WriteFile(bill, []byte("5 euros"), 0o600); err != nil {
		t.Fatal(err)
	}
	ann.Attach("Attachments", bill)
	ann.Click("Send and set the status")
	ann.look("the statuses that go with a reply")
	ann.Click("Send, mark Pending")
	ann.Expect("Sending…")
	ann.ExpectJS(`/^\d+ s$/.test(document.querySelector(".sending__left").textContent)`, "how long it can be taken back")
	ann.ExpectJS(`!`+replyText+` && !document.activeElement.matches("textarea")`, "a composer that is free")
	ben.Expect("Ann is sending a reply")
	ann.Press("z")
	ann.ExpectJS(replyText+` === "It moves again." && document.activeElement.matches("#composer-text-reply")`, "the reply where it was written")
	ann.Expect("bill.txt")
	ann.Expect("Send, mark Pending")
	ben.ExpectGone("Ann is sending a reply")

	// What was written since stands behind what comes back, and what is kept of it by the clock, before or after the
	// undoing, does not take its place.
	for _, late := range []string{"the answer", "what is kept"} {
		ann.Press("Control+Enter")
		ann.Expect("Sending…")
		ann.ExpectJS(`!`+replyText, "a composer that is free")
		ann.Press("r")
		since := time.Now()
		stop := func() {}
		if late == "the answer" {
			stop = ann.delayed("*/withdrawal", fetch.RequestStageResponse, time.Second)
			ann.Type("Really.")
		} else {
			stop = ann.delayed("*/drafts/reply", fetch.RequestStageRequest, time.Second)
			ann.Type("Really.")
			until(t, "it is being kept", patience, func() bool { return ann.asked(path+"/drafts/reply", since) > 0 })
		}
		ann.Click("Undo")
		ann.ExpectJS(replyText+` === "It moves again.\n\nReally."`, "both, with "+late+" late")
		stop()
		ann.Open(path)
		ann.ExpectJS(replyText+` === "It moves again.\n\nReally."`, "both on a page opened later, with "+late+" late")
		ann.ExpectLive()
		ann.Press("r")
		JS[any](ann, `document.querySelector("#composer-text-reply").select()`)
		ann.Type("It moves again.")
	}
	JS[any](ann, `document.querySelector("#composer-text-reply").select()`)
	ann.Type("It moves again. Really.")
	ann.Press("Control+Enter")
	ann.Expect("Sending…")
	ann.ExpectJS(`!`+replyText, "a composer that is free")
	ann.Press("r")
	ann.Type("And")
	start := time.Now()
	ann.Open("/") // whoever sent it may be gone
	s.restart(syscall.SIGTERM, func() {})
	cleo.expect(40*time.Second, reads("It moves again. Really."), "the reply")
	if took := time.Since(start); took < 5*time.Second {
		t.Errorf("it came after %s", took)
	}
	cleo.Expect("bill.txt")
	ben.ExpectJS(`document.querySelector("#prop-status").value === "pending"`, "the status")
	ann.Open(path)
	ann.ExpectJS(replyText+` === "And"`, "what was begun meanwhile")

	// A colleague is faster: it comes back, with the reason.
	ann.Press("r")
	ann.Press("Control+Enter")
	ann.Expect("Sending…")
	s.reply(t, number, "I am on it.")
	ann.expect(30*time.Second, reads("Your reply was not sent. Somebody else wrote on this ticket meanwhile."), "why it was not sent")
	ann.ExpectJS(replyText+` === "And"`, "the text again")
	ann.look("a reply that came back")
	cleo.Expect("I am on it.")
	if JS[bool](cleo, `[...document.querySelectorAll("#timeline .message__body")].some((e) => e.textContent.trim() === "And")`) {
		t.Error("the client has it all the same")
	}

	// Last, since looking takes its time.
	ann.Press("r")
	ann.Press("Control+Enter")
	ann.Expect("Sending…")
	ben.Expect("Ann is sending a reply")
	ben.look("a colleague is sending")
	ann.look("a reply on its way")
}

// TestWritingByKey marks words, mentions a colleague, looks at the preview, and never sends a note to a customer.
func TestWritingByKey(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The lift is stuck")
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	s.actor(t, store.Agent, "bo@example.com")
	s.exec(`UPDATE users SET full_name = 'Bo Berg' WHERE email = 'bo@example.com'`)
	cleo := s.signedIn(t, store.Client, "cora@example.com")
	path := fmt.Sprintf("/tickets/%d", number)
	ann.Open(path)
	cleo.Open(path)
	live(ann, cleo)
	text := func(kind, want string) {
		t.Helper()
		ann.ExpectJS(fmt.Sprintf(`document.querySelector("#composer-text-%s").value === %s`, kind, quote(want)), want)
	}

	ann.Press("n")
	ann.Press("Control+b")
	ann.Type("now")
	text("note", "**now**")
	ann.Press("Control+z")
	ann.Press("Control+z")
	ann.Press("Control+z")
	ann.Press("Control+z")
	text("note", "")
	ann.Type("Ask @b")
	ann.ExpectJS(`document.querySelector("[role=option][aria-selected=true]")?.textContent.includes("Bo Berg")`, "a colleague to mention")
	ann.look("colleagues to mention")
	ann.Press("Enter")
	text("note", "Ask @Bo Berg ")
	ann.Type("@x")
	ann.ExpectJS(`!document.querySelector(".mentions")`, "no list for nobody")
	ann.Press("Enter") // a line, as always
	text("note", "Ask @Bo Berg @x\n")
	ann.Press("Escape")
	ann.Press("r")
	ann.Type("Dear Cleo")
	text("note", "Ask @Bo Berg @x\n")
	ann.Click("Bold")
	text("reply", "Dear Cleo**bold**")
	ann.Click("Preview")
	ann.ExpectJS(`document.querySelector("#composer-preview-reply strong")?.textContent === "bold" && !document.querySelector("#composer-text-reply").checkVisibility()`, "the preview instead of the text")
	ann.look("a preview")
	ann.Click("Preview")
	JS[any](ann, `document.querySelector("#composer").dispatchEvent(new CustomEvent("composer:insert", { detail: { text: "!" } }))`)

	ann.Press("Escape")
	ann.Press("n")
	ann.look("a note")
	ann.Press("Control+Shift+Enter") // in a note there is nothing to resolve with
	ann.ExpectJS(`document.querySelector("#timeline .message[data-kind=note] .mention")?.textContent === "@Bo Berg"`, "the note, with the mention set off")
	text("note", "")
	if JS[bool](cleo, `document.querySelectorAll("#timeline .message").length > 1`) {
		t.Error("the client sees the note")
	}
	ann.Press("r")
	ann.Press("Control+Shift+Enter")
	cleo.Expect("Dear Cleo")
	ann.ExpectJS(`document.querySelector("#seen-status").value === "resolved"`, "the status")
	settled(t, ann, cleo)
}

// TestQuotesAndPictures pastes and drops pictures, and opens a long quote that stays open while others write.
func TestQuotesAndPictures(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The lift is stuck")
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	cora := s.signedIn(t, store.Client, "cora@example.com")
	path := fmt.Sprintf("/tickets/%d", number)
	ann.Open(path)
	cora.Open(path)
	live(ann, cora)

	ann.Press("r")
	ann.Type("See here: ")
	const picture = `async (name) => {
		const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 200 });
		const pen = canvas.getContext("2d");
		pen.fillStyle = "teal"; pen.fillRect(0, 0, 320, 200); pen.fillStyle = "gold"; pen.fillRect(90, 60, 140, 80);
		const data = new DataTransfer();
		data.items.add(new File([await new Promise((done) => canvas.toBlob(done))], name, { type: "image/png" }));
		return data;
	}`
	JS[any](ann, `(`+picture+`)("image.png").then((clipboardData) => {
		document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true })); })`)
	ann.ExpectJS(`document.querySelectorAll("#composer-reply canvas.files__thumb").length === 1`, "the picture small")
	JS[any](ann, `(`+picture+`)("plan.png").then((dataTransfer) => {
		document.activeElement.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true })); })`)
	ann.Expect("plan.png")
	ann.ExpectJS(`(() => { const c = document.querySelector("#composer-reply canvas.files__thumb"); return c.getContext("2d").getImageData(32, 32, 1, 1).data[0] > 200; })()`, "it drawn")
	ann.ExpectJS(`/^See here: \n!\[pasted-\d+-1\]\(attachment:pasted-\d+-1\.png\)\n!\[plan\]\(attachment:plan\.png\)\n$/.test(`+replyText+`)`, "their places in the text")
	ann.look("pictures to send")
	ann.Click("Remove plan.png")
	ann.ExpectJS(`!`+replyText+`.includes("plan")`, "its place gone with it")
	JS[any](ann, `(`+picture+`)("the plan (2).png").then((dataTransfer) => {
		document.querySelector("#composer-text-reply").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true })); })`)
	ann.Expect("the plan (2).png")
	ann.Press("Control+Enter")
	cora.ExpectJS(`[...document.querySelectorAll("#timeline img")].filter((e) => e.complete && e.naturalWidth === 320).length === 2 || (document.querySelectorAll("#timeline img").forEach((e) => { e.loading = "eager"; }), false)`, "both pictures")
	if n := JS[int](cora, `document.querySelectorAll("#timeline .prose a.picture > img").length`); n != 2 {
		t.Errorf("%d pictures stand in the text", n)
	}
	cora.look("a message with pictures")

	cora.Fill("Reply", "Thanks.\n\nOn Monday, Ann wrote:\n\n> one\n> two\n> three\n> four\n> the last line")
	cora.Click("Send reply")
	ann.Expect("Show quoted text")
	ann.ExpectGone("the last line")
	ann.clickOn(`document.querySelector("#timeline details.quoted summary")`, "open the quote")
	ann.Expect("the last line")
	ann.look("a quote")
	s.reply(t, number, "Something new.")
	ann.Expect("Something new.")
	ann.Expect("the last line")
	settled(t, ann, cora)
}
