package store

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// demoSeed makes every volume demo of one size the same but for the day that it ends on.
const demoSeed = 20261126

// activitiesPerTicket is how many timeline entries the volume demo has for each ticket, on average.
const activitiesPerTicket = 5

// volumeEntry is one timeline entry to come: 16 bytes, for there are millions of them.
type volumeEntry struct {
	at     int64 // microseconds since 1970
	ticket int32
	kind   entryKind
	from   uint8 // of a change of status, the index in Statuses; of a message, which agent wrote it
	to     uint8
}

type entryKind uint8

const (
	entryCreated entryKind = iota
	entryClient            // the customer's message
	entryAgent
	entryNote
	entryStatus
	entryAssigned
	entryTagged
)

// volumeTicket is a ticket as its whole story leaves it. Times are microseconds since 1970, 0 where there is none.
type volumeTicket struct {
	created, updated, clientUpdated                   int64
	firstResponse, resolved, closed, waiting, snoozed int64
	client                                            int32
	agent                                             int16 // -1: nobody
	seq, clientSeq                                    int32
	status, priority                                  uint8
	tags                                              [3]uint8 // 1 + index in the tags; 0: none
}

// volumePlan is everything that the volume demo will hold but its words.
type volumePlan struct {
	now     time.Time
	people  volumePeople
	tickets []volumeTicket
	entries []volumeEntry // in the order of time
}

const (
	volumeYears    = 4 * 365 * 24 * time.Hour // nothing is older
	volumeMeanAge  = 420 * 24 * time.Hour
	volumeActive   = 11 * 24 * time.Hour // what is older is hardly ever still open
	longThreadSize = 50                  // messages of every so many'th ticket
	longThreadEach = 2000
)

func planVolume(n int, now time.Time, people volumePeople, progress func(done int)) volumePlan {
	r := rand.New(rand.NewPCG(demoSeed, 2))
	p := volumePlan{now: now.Truncate(time.Microsecond), people: people, tickets: make([]volumeTicket, n)}
	for i := range p.tickets {
		age := volumeYears
		for age >= volumeYears {
			age = time.Duration(-math.Log(1-r.Float64()) * float64(volumeMeanAge))
		}
		p.tickets[i].created = atDesk(p.now.Add(-age-time.Minute), r).UnixMicro()
	}
	slices.SortFunc(p.tickets, func(a, b volumeTicket) int { return cmp.Compare(a.created, b.created) })
	p.entries = make([]volumeEntry, 0, n*activitiesPerTicket+64)
	customers := newSkew(people.clients)
	// From the youngest on, of which most have no story yet; the old ones make up for them.
	for i := n - 1; i >= 0; i-- {
		wanted := (n-i)*activitiesPerTicket - len(p.entries)
		p.tickets[i].client = int32(customers.draw(r))
		p.tell(r, int32(i), wanted)
		if i%50000 == 0 {
			progress(n - i)
		}
	}
	slices.SortFunc(p.entries, func(a, b volumeEntry) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.ticket, b.ticket))
	})
	return p
}

// atDesk moves a time to when people write tickets: mostly on working days, by day.
func atDesk(at time.Time, r *rand.Rand) time.Time {
	if day := at.Weekday(); (day == time.Saturday || day == time.Sunday) && r.IntN(4) > 0 {
		at = at.Add(-2 * 24 * time.Hour)
	}
	if hour := at.Hour(); (hour < 7 || hour > 19) && r.IntN(5) > 0 {
		at = at.Add(-12 * time.Hour)
	}
	return at
}

// skew draws few of many often: at rank r with a probability proportional to (r+10)^-0.8.
type skew struct{ n float64 }

func newSkew(n int) skew { return skew{float64(n)} }

func (s skew) draw(r *rand.Rand) int {
	// The inverse of the integral from 10 on.
	low, high := math.Pow(10, 0.2), math.Pow(s.n+10, 0.2)
	return min(int(math.Pow(low+r.Float64()*(high-low), 5)-10), int(s.n)-1)
}

var (
	indexNew, indexOpen, indexPending = statusIndex(StatusNew), statusIndex(StatusOpen), statusIndex(StatusPending)
	indexHold, indexResolved          = statusIndex(StatusOnHold), statusIndex(StatusResolved)
	indexClosed, indexCancelled       = statusIndex(StatusClosed), statusIndex(StatusCancelled)
)

func statusIndex(s Status) uint8 { return uint8(slices.Index(Statuses, s)) }

// story is what the telling of one ticket keeps in mind.
type story struct {
	t       *volumeTicket
	ticket  int32
	entries []volumeEntry
	pace    float64 // of what the gaps should be, where the ticket is too young for all that happened on it
}

// tell makes up the story of ticket i: about wanted entries, all of them since its creation and before now. The last
// tickets to be told have no surprises, so that the sum comes out.
func (p *volumePlan) tell(r *rand.Rand, i int32, wanted int) {
	plain := i < 200
	t := &p.tickets[i]
	age := time.Duration(p.now.UnixMicro()-t.created) * time.Microsecond
	t.agent, t.status = int16(r.IntN(p.people.agents)), indexClosed
	t.priority = [20]uint8{0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 1}[r.IntN(20)]
	stays := r.Float64()
	switch {
	case stays < 0.96*math.Exp(-float64(age)/float64(volumeActive))+0.0006:
		switch dice := r.IntN(100); {
		case dice < 22:
			t.agent, t.status = -1, indexNew
		case dice < 55:
			t.status = indexOpen
		case dice < 88:
			t.status = indexPending
		default:
			t.status = indexHold
		}
	case r.IntN(100) < 4:
		t.status = indexCancelled
		if r.IntN(2) == 0 {
			t.agent = -1
		}
	case age < 40*24*time.Hour && r.IntN(3) > 0, r.IntN(100) < 8:
		t.status = indexResolved
	}

	var messages []entryKind
	many := 1 + int(-math.Log(1-r.Float64())*0.85)
	switch {
	case !plain && i%longThreadEach == longThreadEach/2:
		many = longThreadSize
	case i >= 800 && r.IntN(400) == 0:
		many = min(12+int(6*math.Pow(r.Float64(), -1.1)), 220)
	case plain:
		many = min(max(wanted-3, 1), 6)
	case wanted > activitiesPerTicket && r.IntN(200) < wanted:
		many++
	case wanted < 0 && many > 1 && r.IntN(200) < -wanted:
		many = 1
	}
	if t.status == indexNew {
		many = max(0, r.IntN(6)-3)
	} else if t.status == indexCancelled {
		many = r.IntN(2)
	}
	reassigned := t.agent >= 0 && (t.status < indexResolved || r.IntN(7) == 0) && !plain
	viaResolved := t.status == indexClosed && r.IntN(6) == 0 && !plain
	tagged := r.IntN(10) == 0 || t.status < indexResolved && r.IntN(4) == 0
	if plain {
		tagged = false
	}
	if i == 0 { // the last to be told makes the sum exact
		t.status, t.agent = indexClosed, 0
		many, tagged = max(wanted-2, 1), false
	}
	clientSpoke := true
	for range many {
		switch {
		case t.agent < 0 || i == 0:
			messages = append(messages, entryClient)
		case many > 1 && r.IntN(8) == 0:
			messages = append(messages, entryNote)
		case clientSpoke || r.IntN(4) == 0:
			messages, clientSpoke = append(messages, entryAgent), false
		default:
			messages, clientSpoke = append(messages, entryClient), true
		}
	}
	// Who finished it, or waits for the customer, had the last word.
	if last := len(messages) - 1; last >= 0 && t.agent >= 0 && t.status != indexOpen && t.status != indexCancelled && messages[last] != entryNote {
		messages[last] = entryAgent
	}
	if t.agent >= 0 && t.status != indexCancelled && t.status != indexOpen && !slices.Contains(messages, entryAgent) {
		messages[len(messages)-1] = entryAgent
	}
	firstAnswer, lastAnswer := slices.Index(messages, entryAgent), lastIndex(messages, entryAgent)

	s := story{t: t, ticket: i, pace: 1}
	add := func(kind entryKind, from, to uint8, gap time.Duration) {
		s.entries = append(s.entries, volumeEntry{int64(gap), i, kind, from, to})
	}
	spread := func(mean time.Duration) time.Duration {
		return time.Second + time.Duration(-math.Log(1-r.Float64())*float64(mean))
	}
	add(entryCreated, 0, 0, 0)
	status := indexNew
	become := func(to uint8, gap time.Duration) {
		if status != to {
			add(entryStatus, status, to, gap)
			status = to
		}
	}
	author := func() uint8 {
		if r.IntN(8) == 0 {
			return uint8(r.IntN(p.people.agents)) // somebody who helps
		}
		return uint8(max(t.agent, 0))
	}
	if reassigned {
		add(entryAssigned, 0, uint8(t.agent), spread(20*time.Minute))
	}
	if tagged {
		for k := range 1 + r.IntN(5)/2 {
			t.tags[k] = 1 + uint8(p.people.tags.index(r))
		}
		slices.Sort(t.tags[:])
		slices.Reverse(t.tags[:])
		unique := slices.Compact(t.tags[:])
		clear(t.tags[len(unique):])
		add(entryTagged, author(), 0, spread(10*time.Minute))
	}
	for k, kind := range messages {
		gap := spread(9 * time.Hour)
		if k == 0 {
			gap = spread(time.Duration(1+(3-int(t.priority))*2) * time.Hour)
		}
		add(kind, author(), 0, gap)
		// What the desk does with a press of "reply and resolve" is one change of status, else the first answer opens it.
		if k == firstAnswer && (k < lastAnswer || t.status < indexResolved) {
			become(indexOpen, time.Second)
		}
	}
	if t.status == indexOpen && i != 0 {
		become(indexOpen, spread(30*time.Minute))
	}
	if viaResolved {
		become(indexResolved, 2*time.Second)
		become(indexClosed, spread(5*24*time.Hour))
	}
	become(t.status, 3*time.Second)

	total := time.Duration(0)
	for _, e := range s.entries {
		total += time.Duration(e.at)
	}
	if limit := age * 97 / 100; total > limit {
		s.pace = float64(limit) / float64(total)
	}
	at := t.created
	for k := range s.entries {
		if k > 0 {
			at += max(int64(float64(s.entries[k].at)*s.pace)/int64(time.Microsecond), 1)
		}
		s.entries[k].at = at
	}
	s.settle(r, p.now)
	p.entries = append(p.entries, s.entries...)
}

func lastIndex(kinds []entryKind, kind entryKind) int {
	for i := len(kinds) - 1; i >= 0; i-- {
		if kinds[i] == kind {
			return i
		}
	}
	return -1
}

// settle gives the ticket what the triggers of its tables would have given it, entry by entry.
func (s *story) settle(r *rand.Rand, now time.Time) {
	t := s.t
	t.seq, t.clientSeq, t.waiting = 1, 1, t.created
	t.updated, t.clientUpdated = t.created, t.created
	var seen int32
	for _, e := range s.entries {
		seen = 1
		switch e.kind {
		case entryCreated:
			continue
		case entryClient:
			if t.waiting == 0 {
				t.waiting = e.at
			}
		case entryAgent:
			if t.waiting = 0; t.firstResponse == 0 {
				t.firstResponse = e.at
				seen = 2 // the first answer is itself a change of the ticket
			}
		case entryNote, entryTagged:
			seen = 0
		case entryStatus:
			if e.to != indexResolved && e.to != indexClosed {
				t.resolved = 0
			} else if e.to == indexResolved {
				t.resolved = e.at
			}
			t.closed = 0
			if e.to == indexClosed || e.to == indexCancelled {
				t.closed = e.at
			}
			if e.to >= indexResolved {
				t.waiting = 0
			}
		}
		t.seq += max(seen, 1)
		t.clientSeq += seen
		t.updated = e.at
		if seen > 0 {
			t.clientUpdated = e.at
		}
	}
	if t.status < indexResolved && t.agent >= 0 && r.IntN(25) == 0 {
		t.snoozed = now.Add(time.Duration(1+r.IntN(14*24)) * time.Hour).UnixMicro()
		t.seq++
	}
}

// volumePeople says who they are: the demo's own come first, customers by how much they write.
type volumePeople struct {
	clients, agents int
	clientIDs       []uuid.UUID
	agentIDs        []uuid.UUID
	names           []string // of the clients: how an answer addresses them
	tags            zipf
}

// volumePerson makes up person i.
func volumePerson(r *rand.Rand, i int) (name, first, email string) {
	firsts, lasts := demoNameLists()
	firms, trades := demoFirmLists()
	first, last := firsts[r.IntN(len(firsts))], lasts[r.IntN(len(lasts))]
	email = fmt.Sprintf("%s.%s%d@%s-%s.example", strings.ToLower(first), strings.ToLower(last), i,
		firms[r.IntN(len(firms))], trades[r.IntN(len(trades))])
	return first + " " + last, first, email
}

// volumeID is the id of the i'th row of a table: as random as any, and the same each time.
func volumeID(table byte, i int) (id uuid.UUID) {
	state := uint64(demoSeed)<<32 ^ uint64(table)<<56 ^ uint64(i)
	for half := range 2 {
		state += 0x9e3779b97f4a7c15
		z := state
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		for b := range 8 {
			id[half*8+b] = byte(z >> (8 * b))
		}
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}
