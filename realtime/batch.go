package realtime

import (
	"fmt"
	"sync"

	"autocrm/store"

	"github.com/google/uuid"
)

// batch is what one commit tells one audience. It is shared by every stream of that audience and encoded once.
type batch struct {
	place   int64 // of the commit
	prev    int64 // of the commit before it: whoever has this one's batch has nothing more up to prev
	signals []store.Signal
	bulk    bool // too many topics to name: signals is one without a name, and the page is to look at all it shows

	once   sync.Once
	frames [][]byte // signals[i] on the wire
	whole  []byte   // all of them
}

// encode puts the commit's cursor on the last signal alone: a stream cut in the middle of a commit starts
// that commit again.
func (b *batch) encode(seal func(place int64) string) {
	b.once.Do(func() {
		before, through := "", seal(b.place)
		if len(b.signals) > 1 {
			before = seal(b.prev)
		}
		start := make([]int, 0, len(b.signals)+1)
		for i, signal := range b.signals {
			id := before
			if i == len(b.signals)-1 {
				id = through
			}
			start = append(start, len(b.whole))
			if b.bulk {
				b.whole = appendResync(b.whole, id)
				continue
			}
			b.whole = appendChange(b.whole, id, signal)
		}
		start = append(start, len(b.whole))
		b.frames = make([][]byte, len(b.signals))
		for i := range b.frames {
			b.frames[i] = b.whole[start[i]:start[i+1]:start[i+1]]
		}
	})
}

func appendChange(to []byte, id string, signal store.Signal) []byte {
	return fmt.Appendf(to, "id: %s\nevent: change\ndata: {\"topic\":%q,\"version\":%d}\n\n", id, signal.Topic, signal.Version)
}

// appendResync tells a page to look at everything it shows, and goes on from id.
func appendResync(to []byte, id string) []byte {
	return fmt.Appendf(to, "id: %s\nevent: resync\ndata: {\"cursor\":%q}\n\n", id, id)
}

// bulkTopics is how many topics of one commit are named. A page shows a few; a commit may change ten thousand.
const bulkTopics = 1000

// bounded is b, or what takes its place where it names too many.
func (b *batch) bounded() *batch {
	if b == nil || len(b.signals) <= bulkTopics {
		return b
	}
	return everything(b.prev, b.place)
}

// everything is a batch that names no topic and means all.
func everything(prev, place int64) *batch {
	return &batch{place: place, prev: prev, signals: []store.Signal{{Version: place}}, bulk: true}
}

// batchOf collects what events, all of one commit or of one page of the log, tell viewer, each topic once
// with its highest version. nil: nothing.
func batchOf(events []store.Event, viewer store.Actor, prev, place int64) *batch {
	var signals []store.Signal
	at := map[string]int{}
	for _, event := range events {
		for _, signal := range event.Signals(viewer) {
			if i, seen := at[signal.Topic]; !seen {
				at[signal.Topic] = len(signals)
				signals = append(signals, signal)
			} else if signals[i].Version < signal.Version {
				signals[i].Version = signal.Version
			}
		}
	}
	if signals == nil {
		return nil
	}
	return &batch{place: place, prev: prev, signals: signals}
}

// each calls f for the signals that batches, in commit order, come to: of each topic the last one. What f
// gets is in commit order too, so that a stream cut after any of them resumes with all that follow.
func each(batches []*batch, f func(b *batch, i int)) {
	if len(batches) == 1 {
		for i := range batches[0].signals {
			f(batches[0], i)
		}
		return
	}
	last := map[string]*batch{}
	for _, b := range batches {
		for _, signal := range b.signals {
			last[signal.Topic] = b
		}
	}
	for _, b := range batches {
		for i, signal := range b.signals {
			if last[signal.Topic] == b {
				f(b, i)
			}
		}
	}
}

// commit is what one transaction tells each audience, and whose streams it ends.
type commit struct {
	place, prev int64
	agent       *batch
	admin       *batch
	persons     map[uuid.UUID]persons // of staff, whom it tells something of their own besides
	clients     map[uuid.UUID]*batch
	cuts        []cut
	size        int // how many signals it holds in memory
}

// persons is what a commit tells one of the staff, whichever role they have now, in place of what it tells all.
type persons struct{ agent, admin *batch }

// newCommit works out once what the streams are then only handed.
func newCommit(events []store.Event, prev int64) *commit {
	c := &commit{place: events[0].Place, prev: prev}
	c.agent = batchOf(events, store.Actor{Role: store.Agent}, prev, c.place).bounded()
	c.admin = batchOf(events, store.Actor{Role: store.Admin}, prev, c.place).bounded()
	if c.agent != nil && c.agent.bulk == c.admin.bulk && len(c.agent.signals) == len(c.admin.signals) {
		c.admin = c.agent // nothing about people: one encoding does for both
	}
	byClient := map[uuid.UUID][]store.Event{}
	for _, event := range events {
		if event.ClientID != nil {
			byClient[*event.ClientID] = append(byClient[*event.ClientID], event)
		}
		if event.OldClientID != nil {
			byClient[*event.OldClientID] = append(byClient[*event.OldClientID], event)
		}
		c.cuts = append(c.cuts, cutsOf(event)...)
		if event.Topic != nil && event.UserID != nil {
			if c.persons == nil {
				c.persons = map[uuid.UUID]persons{}
			}
			c.persons[*event.UserID] = persons{}
		}
	}
	for id := range c.persons {
		own := persons{
			agent: batchOf(events, store.Actor{Role: store.Agent, UserID: id}, prev, c.place).bounded(),
			admin: batchOf(events, store.Actor{Role: store.Admin, UserID: id}, prev, c.place).bounded(),
		}
		c.persons[id] = own
		c.size += len(own.admin.signals)
	}
	for id, own := range byClient {
		if b := batchOf(own, store.Actor{Role: store.Client, UserID: id}, prev, c.place).bounded(); b != nil {
			if c.clients == nil {
				c.clients = map[uuid.UUID]*batch{}
			}
			c.clients[id] = b
			c.size += len(b.signals)
		}
	}
	if c.admin != nil {
		c.size += len(c.admin.signals)
	}
	return c
}

// tells gives what the commit tells viewer, or nil.
func (c *commit) tells(viewer store.Actor) *batch {
	own, has := c.persons[viewer.UserID]
	switch viewer.Role {
	case store.Client:
		return c.clients[viewer.UserID]
	case store.Agent:
		if has {
			return own.agent
		}
		return c.agent
	case store.Admin:
		if has {
			return own.admin
		}
		return c.admin
	}
	return nil
}
