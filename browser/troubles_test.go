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

// troubles are what befalls a site and its pages at random. Each comes by a call and goes by the next.
type troubles struct {
	*rand.Rand
	site             *site
	offline, covered map[*Person]bool
	back             func() // brings the server back, while it is down
	log              []string
}

func (s *site) troubles(t *testing.T) *troubles {
	seed := rand.Uint64()
	x := &troubles{Rand: rand.New(rand.NewPCG(seed, 1)), site: s, offline: map[*Person]bool{}, covered: map[*Person]bool{}}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d: %s", seed, strings.Join(x.log, ", "))
		}
	})
	return x
}

func (x *troubles) note(format string, args ...any) {
	x.log = append(x.log, fmt.Sprintf(format, args...))
}

// network takes the page's network away, or gives it back.
func (x *troubles) network(p *Person) {
	x.offline[p] = !x.offline[p]
	x.note("%s offline %t", p.name, x.offline[p])
	p.offline(x.offline[p])
}

// tab opens another before the page's, or closes it.
func (x *troubles) tab(p *Person) {
	x.covered[p] = !x.covered[p]
	x.note("%s covered %t", p.name, x.covered[p])
	if x.covered[p] {
		p.cover("about:blank")
	} else {
		p.uncover()
	}
}

// server kills the server, or starts it.
func (x *troubles) server() {
	x.note("server down %t", x.back == nil)
	if x.back == nil {
		x.back = x.site.takeAway(syscall.SIGKILL)
		return
	}
	x.back()
	x.back = nil
}

// last is how long things stay as they are: a trouble is over after a while, whatever has come of it.
func (x *troubles) last(most time.Duration) {
	pause := time.Duration(x.Int64N(int64(most)))
	x.note("%d ms", pause.Milliseconds())
	time.Sleep(pause)
}

// end makes all well again.
func (x *troubles) end() {
	if x.back != nil {
		x.server()
	}
	for p, yes := range x.offline {
		if yes {
			x.network(p)
		}
	}
	for p, yes := range x.covered {
		if yes {
			x.tab(p)
		}
	}
}

// TestTroubles lets befall pages what may, in any order and one upon the other. Once all is well again every page is
// live, has everything, and a browser holds one stream; whatever went before, no page is left in a lesser state.
func TestTroubles(t *testing.T) {
	t.Parallel()
	s, streams := measured(t)
	number := s.submit(t, "The roof leaks")
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	pages := []*Person{ann, s.open(t, ann.ctx, "ann-2", store.Agent), s.signedIn(t, store.Client, "cora@example.com")}
	for _, p := range pages {
		p.allow("Failed to fetch")
		p.Open(fmt.Sprintf("/tickets/%d", number))
	}
	live(pages...)

	x := s.troubles(t)
	var told []string
	tell := func() {
		told = append(told, fmt.Sprintf("It drips for the %dth time.", len(told)))
		x.note("told")
		s.reply(t, number, told[len(told)-1])
	}
	for range 2 {
		for range 8 {
			switch p, k := pages[x.IntN(len(pages))], x.IntN(10); {
			case k < 4:
				x.network(p)
			case k < 7:
				x.tab(p)
			case k < 9:
				x.server()
			default:
				tell()
			}
			x.last(3 * time.Second)
		}
		x.end()
		tell()
		for _, p := range pages {
			p.ExpectLive()
			for _, words := range told {
				p.Expect(words)
			}
			p.unreloaded()
		}
		until(t, "a browser holds one stream", 30*time.Second, func() bool { return streams() == 2 })
	}
}

// TestTroublesOfAWriter writes a reply while the network goes, the server dies, others write and the page is loaded
// anew: no word is lost, on this device nor, once all is well again, on another; and it is sent once.
func TestTroublesOfAWriter(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The roof leaks")
	path := fmt.Sprintf("/tickets/%d", number)
	desk := s.signedIn(t, store.Agent, "ann@example.com")
	phone := s.newPerson(t, "phone", store.Agent)
	phone.SignIn("ann@example.com")
	cora := s.signedIn(t, store.Client, "cora@example.com")
	for _, p := range []*Person{desk, phone, cora} {
		p.allow("Failed to fetch")
		p.Open(path)
	}
	live(desk, phone, cora)

	x := s.troubles(t)
	begun := time.Now()
	written := ""
	turnTo := func() {
		JS[any](desk, `(() => { const f = document.querySelector("#composer-text-reply"); f.focus(); f.setSelectionRange(f.value.length, f.value.length); })()`)
	}
	write := func() {
		words := fmt.Sprintf("word%d ", x.IntN(1000))
		x.note("%s", words)
		turnTo()
		desk.Type(words)
		written += words
	}
	all := func() string { return replyText + " === " + quote(written) }
	// The first word is written without a network: what fails is not asked again at once.
	x.network(desk)
	write()
	until(t, "the draft is kept in vain", patience, func() bool { return desk.asked(path+"/drafts/reply", begun) > 0 })
	if n := desk.asked(path+"/presence", begun); n > 3 {
		t.Errorf("presence told %d times in %s", n, time.Since(begun))
	}
	x.network(desk)
	for range 14 {
		switch k := x.IntN(12); {
		case k < 2:
			x.network(desk)
		case k < 4:
			x.server()
		case k < 6 && !x.offline[desk] && x.back == nil:
			x.note("loaded anew")
			desk.Open(path)
			desk.ExpectJS(all(), "all words after loading anew")
			desk.ExpectLive()
		case k < 7:
			x.note("told")
			s.reply(t, number, fmt.Sprintf("Heard %d.", x.IntN(1000)))
		default:
			write()
		}
		x.last(1500 * time.Millisecond)
		if !JS[bool](desk, all()) {
			t.Fatalf("%q is left of %q", JS[string](desk, replyText), written)
		}
	}
	x.end()
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
	said := strings.TrimSpace(written)
	cora.Expect(said)
	cora.ExpectLive()
	if n := JS[int](cora, fmt.Sprintf(`[...document.querySelectorAll("#timeline .message__body")].filter((m) => m.innerText.trim() === %s).length`, quote(said))); n != 1 {
		t.Errorf("sent %d times", n)
	}
	phone.ExpectJS(`!`+replyText, "nothing left to send on the other device")
}
