package browser

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"autocrm/store"
)

// TestTroubles lets befall pages what may, in any order and one upon the other: the network goes, a tab comes before
// theirs, the server dies, things happen meanwhile. Once all is well again every page is live, has everything, and a
// browser holds one stream; whatever went before, no page is left in a lesser state.
func TestTroubles(t *testing.T) {
	t.Parallel()
	s, streams := measured(t)
	number := s.submit(t, "The roof leaks")
	path := fmt.Sprintf("/tickets/%d", number)
	ann := s.signedIn(t, store.Agent, "ann@example.com")
	pages := []*Person{ann, s.open(t, ann.ctx, "ann-2", store.Agent), s.signedIn(t, store.Client, "cora@example.com")}
	for _, p := range pages {
		p.allow("Failed to fetch")
		p.Open(path)
	}
	live(pages...)

	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	told := []string{}
	tell := func() {
		told = append(told, fmt.Sprintf("It drips for the %dth time.", len(told)))
		s.reply(t, number, told[len(told)-1])
	}
	for range 2 {
		offline, covered, down := map[*Person]bool{}, map[*Person]bool{}, time.Time{}
		toggle := func(p *Person, network bool) {
			if network {
				offline[p] = !offline[p]
				p.offline(offline[p])
			} else if covered[p] = !covered[p]; covered[p] {
				p.cover("about:blank")
			} else {
				p.uncover()
			}
		}
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
		var done []string
		for range 8 {
			p := pages[r.IntN(len(pages))]
			switch k := r.IntN(10); {
			case k < 4:
				toggle(p, true)
				done = append(done, fmt.Sprintf("%s offline %t", p.name, offline[p]))
			case k < 7:
				toggle(p, false)
				done = append(done, fmt.Sprintf("%s covered %t", p.name, covered[p]))
			case k < 9:
				server()
				done = append(done, fmt.Sprintf("server down %t", !down.IsZero()))
			default:
				tell()
				done = append(done, "told")
			}
			pause := time.Duration(r.Int64N(int64(3 * time.Second))) // how long a trouble lasts
			done = append(done, pause.String())
			time.Sleep(pause)
		}
		if !down.IsZero() {
			server()
		}
		for _, p := range pages {
			if offline[p] {
				toggle(p, true)
			}
			if covered[p] {
				toggle(p, false)
			}
		}
		t.Logf("seed %d: %v", seed, done)
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
