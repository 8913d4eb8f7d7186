package handlers

import (
	"context"
	"errors"
	"sync"
	"time"
)

// shared answers once what many ask alike. When a ticket changes, everybody who has it on a list asks for the
// list: one question for its version and one for its rows do for all. Nobody is given an answer older than
// their question: a version counts only where it was asked for after they asked, and rows only where they are
// of that version or a later one. Its zero value is ready.
type shared struct {
	mu      sync.Mutex
	rounds  map[string]*rounds
	regions map[regionKey]*region
}

// regionKey has the audience as the store names it: no region is found by somebody of another one.
type regionKey struct{ audience, address string }

const (
	betweenRounds = 200 * time.Millisecond // as long as pages spread their asking over
	regionLife    = 2 * time.Second        // what no version counts, such as the time, is no older than this
	mostRegions   = 64
	answerWithin  = 20 * time.Second
)

var errNoAnswer = errors.New("whoever asked for all failed")

// rounds puts one question for all who come before it is put.
type rounds struct {
	mu   sync.Mutex
	next *round // not begun yet: whoever comes may wait for it
	last time.Time
}

type round struct {
	done    chan struct{}
	version int64
	err     error
}

// version asks for the version of what the audience sees. Who comes alone does not wait; of a crowd, those who
// come after the first wait for each other.
func (s *shared) version(ctx context.Context, audience string, ask func(context.Context) (int64, error)) (int64, error) {
	s.mu.Lock()
	if s.rounds == nil || len(s.rounds) >= mostRegions {
		s.rounds = map[string]*rounds{}
	}
	r := s.rounds[audience]
	if r == nil {
		r = &rounds{}
		s.rounds[audience] = r
	}
	s.mu.Unlock()

	r.mu.Lock()
	this := r.next
	if this != nil {
		r.mu.Unlock()
		return this.wait(ctx)
	}
	this = &round{done: make(chan struct{}), err: errNoAnswer}
	r.next = this
	pause := betweenRounds - time.Since(r.last)
	r.mu.Unlock()
	defer close(this.done)
	time.Sleep(pause)
	r.mu.Lock()
	r.next, r.last = nil, time.Now() // from here on nobody joins: the question is about to be put
	r.mu.Unlock()
	// For all of them: it does not end with the one who happens to put it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer cancel()
	this.version, this.err = ask(ctx)
	return this.version, this.err
}

func (r *round) wait(ctx context.Context) (int64, error) {
	select {
	case <-r.done:
		return r.version, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// rendered is a region's answer. version is of what was read for it, in the same moment.
type rendered struct {
	status  int
	html    []byte
	version int64
}

type region struct {
	done chan struct{}
	at   time.Time // when it was begun
	rendered
	err error
}

// region gives the rendering of version, or of a later one. render gets nothing of the request, not even its
// context's values: what it makes is for everybody of the audience.
func (s *shared) region(ctx context.Context, key regionKey, version int64, render func(context.Context) (rendered, error)) (rendered, error) {
	for {
		r, mine := s.find(key, version)
		if mine {
			return r.make(render)
		}
		select {
		case <-r.done:
		case <-ctx.Done():
			return rendered{}, ctx.Err()
		}
		if r.err != nil || r.version >= version {
			return r.rendered, r.err
		}
		// It was begun before the version we must show: find makes another.
	}
}

// find gives the region to wait for, or one that the caller must render.
func (s *shared) find(key regionKey, version int64) (r *region, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r = s.regions[key]; r != nil {
		select {
		case <-r.done:
			if r.err == nil && r.version >= version && time.Since(r.at) < regionLife {
				return r, false
			}
		default:
			return r, false
		}
	}
	for other, old := range s.regions {
		if time.Since(old.at) >= regionLife {
			delete(s.regions, other)
		}
	}
	if s.regions == nil || len(s.regions) >= mostRegions {
		s.regions = map[regionKey]*region{}
	}
	r = &region{done: make(chan struct{}), at: time.Now(), err: errNoAnswer}
	s.regions[key] = r
	return r, true
}

func (r *region) make(render func(context.Context) (rendered, error)) (rendered, error) {
	defer close(r.done)
	ctx, cancel := context.WithTimeout(context.Background(), answerWithin)
	defer cancel()
	r.rendered, r.err = render(ctx)
	return r.rendered, r.err
}
