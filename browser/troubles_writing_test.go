package browser

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"autocrm/store"
)

// TestTroublesWhileWriting writes a reply while the network goes, the server dies, others write and the page is loaded
// anew: no word is lost, on this device nor, once all is well again, on another; and it is sent once.
func TestTroublesWhileWriting(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The roof leaks")
	path := fmt.Sprintf("/tickets/%d", number)
	desk := s.signedIn(t, store.Agent, "ann@example.com")
	desk.allow("Failed to fetch")
	phone := s.newPerson(t, "phone", store.Agent)
	phone.SignIn("ann@example.com")
	cora := s.signedIn(t, store.Client, "cora@example.com")
	cora.allow("Failed to fetch")
	phone.allow("Failed to fetch")
	for _, p := range []*Person{desk, phone, cora} {
		p.Open(path)
	}
	desk.ExpectLive()

	begun := time.Now()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	var done []string
	defer func() { t.Logf("seed %d: %v", seed, done) }()
	var written strings.Builder
	turnTo := func() {
		JS[any](desk, `(() => { const f = document.querySelector("#composer-text-reply"); f.focus(); f.setSelectionRange(f.value.length, f.value.length); })()`)
	}
	write := func() {
		words := fmt.Sprintf("word%d ", r.IntN(1000))
		turnTo()
		desk.Type(words)
		written.WriteString(words)
		done = append(done, words)
	}
	all := func() string { return replyText + " === " + quote(written.String()) }
	var offline bool
	var down time.Time
	server := func() {
		if down.IsZero() {
			down = time.Now()
			s.server.End(syscall.SIGKILL)
			return
		}
		s.start()
		s.absences = append(s.absences, absence{down, time.Now()})
		down = time.Time{}
	}
	network := func() {
		offline = !offline
		desk.offline(offline)
	}
	write()
	for range 14 {
		switch k := r.IntN(12); {
		case k < 2:
			network()
			done = append(done, fmt.Sprintf("offline %t", offline))
		case k < 4:
			server()
			done = append(done, fmt.Sprintf("down %t", !down.IsZero()))
		case k < 6 && !offline && down.IsZero():
			done = append(done, "reload")
			desk.Open(path)
			desk.ExpectJS(all(), "all words after loading anew")
			desk.ExpectLive()
		case k < 7:
			done = append(done, "told")
			s.reply(t, number, fmt.Sprintf("Heard %d.", r.IntN(1000)))
		default:
			write()
		}
		pause := time.Duration(r.Int64N(int64(1500 * time.Millisecond)))
		done = append(done, pause.String())
		time.Sleep(pause)
		if !JS[bool](desk, all()) {
			t.Fatalf("%q is left of %q", JS[string](desk, replyText), written.String())
		}
	}
	if offline {
		network()
	}
	if !down.IsZero() {
		server()
	}
	desk.ExpectLive()
	desk.ExpectJS(all(), "all words when all is well")
	phone.ExpectLive()
	phone.expect(30*time.Second, all(), "all words on the other device")

	// Nobody is asked without a pause, least of all a server that is down.
	if n, most := desk.asked(path+"/", begun), 40+4*int(time.Since(begun).Seconds()); n > most {
		t.Errorf("%d requests in %s, wanted %d at most", n, time.Since(begun), most)
	}

	turnTo()
	desk.Press("Control+Enter")
	desk.ExpectJS(`!`+replyText+` || document.querySelector("#composer-form-reply .moved")`, "an answer")
	if JS[bool](desk, `Boolean(`+replyText+`)`) { // the thread has moved on: a second press sends
		desk.Press("Control+Enter")
	}
	said := strings.TrimSpace(written.String())
	cora.Expect(said)
	cora.ExpectLive()
	if n := JS[int](cora, fmt.Sprintf(`[...document.querySelectorAll("#timeline .message__body")].filter((m) => m.innerText.trim() === %s).length`, quote(said))); n != 1 {
		t.Errorf("sent %d times", n)
	}
	phone.ExpectJS(`!`+replyText, "nothing left to send on the other device")
}
