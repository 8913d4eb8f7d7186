package handlers

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// ledger is what regions are made of: a version and the rows of that version.
type ledger struct {
	now       atomic.Int64
	asked     atomic.Int64
	renders   atomic.Int64
	forbidden atomic.Bool // asking fails
}

var errLedger = errors.New("no answer from the ledger")

func (l *ledger) version(context.Context) (int64, error) {
	l.asked.Add(1)
	v := l.now.Load()
	time.Sleep(time.Millisecond) // what is read is old when it arrives
	if l.forbidden.Load() {
		return 0, errLedger
	}
	return v, nil
}

func (l *ledger) render(context.Context) (rendered, error) {
	l.renders.Add(1)
	v := l.now.Load()
	time.Sleep(time.Millisecond)
	return rendered{http.StatusOK, []byte(strconv.FormatInt(v, 10)), v}, nil
}

// read is a request: its version and then its rows.
func (l *ledger) read(s *shared, audience string) (rendered, error) {
	version, err := s.version(context.Background(), audience, l.version)
	if err != nil {
		return rendered{}, err
	}
	return s.region(context.Background(), regionKey{audience, "/queue/rows"}, version, l.render)
}

func TestACrowdAsksOnce(t *testing.T) {
	t.Parallel()
	var l ledger
	var s shared
	l.now.Store(41)
	if _, err := l.read(&s, "agent"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(betweenRounds)
	l.now.Store(42)
	l.asked.Store(0)
	l.renders.Store(0)
	var crowd sync.WaitGroup
	for range 1000 {
		crowd.Go(func() {
			time.Sleep(rand.N(betweenRounds)) // as pages do
			got, err := l.read(&s, "agent")
			if err != nil || string(got.html) != "42" {
				t.Errorf("%s, %v", got.html, err)
			}
		})
	}
	crowd.Wait()
	if asked, renders := l.asked.Load(), l.renders.Load(); asked+renders > 5 || renders != 1 {
		t.Errorf("1000 requests asked %d times for the version and %d times for the rows", asked, renders)
	}
}

// Whoever begins to ask after a change is shown it, however many share the answers and whatever is under way.
func TestAChangeIsNeverHidden(t *testing.T) {
	t.Parallel()
	var l ledger
	var s shared
	stop := make(chan struct{})
	var all, writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					l.now.Add(1)
					time.Sleep(rand.N(3 * time.Millisecond))
				}
			}
		})
	}
	for range 50 {
		all.Go(func() {
			for range 8 {
				before := l.now.Load()
				got, err := l.read(&s, "agent")
				if err != nil {
					t.Error(err)
				} else if shown, _ := strconv.ParseInt(string(got.html), 10, 64); shown < before || got.version < before {
					t.Errorf("shown %d after %d was committed", shown, before)
				}
				time.Sleep(rand.N(10 * time.Millisecond))
			}
		})
	}
	all.Wait()
	close(stop)
	writers.Wait()
}

func TestAudiencesShareNothing(t *testing.T) {
	t.Parallel()
	var s shared
	var crowd sync.WaitGroup
	for _, audience := range []string{"agent", "admin"} {
		for range 20 {
			crowd.Go(func() {
				got, err := s.region(t.Context(), regionKey{audience, "/tickets/rows"}, 1, func(context.Context) (rendered, error) {
					return rendered{http.StatusOK, []byte(audience), 1}, nil
				})
				if err != nil || string(got.html) != audience {
					t.Errorf("%s is given %s, %v", audience, got.html, err)
				}
			})
		}
	}
	crowd.Wait()
}

// Who asks for all may leave, fail or panic: the others wait for none of that longer than for an answer.
func TestWhoAsksForAllMayFail(t *testing.T) {
	t.Parallel()
	var l ledger
	var s shared
	l.forbidden.Store(true)
	if _, err := l.read(&s, "agent"); !errors.Is(err, errLedger) {
		t.Errorf("a failed question gives %v", err)
	}
	l.forbidden.Store(false)
	key := regionKey{"agent", "/queue/rows"}
	began, panicking := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(panicking)
		defer func() { recover() }()
		s.region(context.Background(), key, 1, func(context.Context) (rendered, error) {
			close(began)
			time.Sleep(10 * time.Millisecond)
			panic("rendering")
		})
	}()
	<-began
	if _, err := s.region(t.Context(), key, 1, l.render); !errors.Is(err, errNoAnswer) {
		t.Errorf("waiting for a panic gives %v", err)
	}
	<-panicking
	gone, leave := context.WithCancel(context.Background())
	leave()
	if _, err := s.version(gone, "agent", l.version); err != nil {
		t.Errorf("who has left asks for those who have not: %v", err)
	}
	if _, err := l.read(&s, "agent"); err != nil {
		t.Error(err)
	}
}

func TestSharingIsBounded(t *testing.T) {
	t.Parallel()
	var l ledger
	var s shared
	for i := range 3 * mostRegions {
		address := strconv.Itoa(i)
		if _, err := s.region(t.Context(), regionKey{"agent", address}, 0, func(context.Context) (rendered, error) { return rendered{status: 200}, nil }); err != nil {
			t.Fatal(err)
		}
		if i%20 == 0 {
			s.version(t.Context(), address, l.version)
		}
	}
	if len(s.regions) > mostRegions || len(s.rounds) > mostRegions {
		t.Errorf("%d regions, %d audiences kept", len(s.regions), len(s.rounds))
	}
}
