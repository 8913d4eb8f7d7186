package chaos

import (
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"autocrm/deploy/deploytest"
)

// TestRollingRestart restarts three nodes behind nginx one after the other, as docs/nodes.md says, while people
// write, read and upload. No request fails, no event is lost, and the pages come back soon and not all at once.
func TestRollingRestart(t *testing.T) {
	t.Parallel()
	var front *nginx
	r := newRig(t, setup{
		nodes: 3, settings: sharedSettings(t),
		front: func(r *rig) string { front = startNginx(r); return front.wire.address },
	})
	pages := 60
	if long {
		pages = 500
	}
	for i := range pages {
		r.watch(r.agents[i%len(r.agents)], streaming)
	}
	until(t, "every page is live", patience, r.allLive)
	r.write(t)
	read := r.startReading()
	began := time.Now()
	for i, n := range r.nodes {
		var uploads sync.WaitGroup
		for range r.nodes { // nginx leads each to another
			uploads.Go(func() { r.uploadSlowly() })
		}
		until(t, "the uploads are under way", patience, func() bool { return r.uploading.Load() == int64(len(r.nodes)) })
		told := time.Now()
		n.End(syscall.SIGTERM)
		ended := time.Since(told)
		n.start()
		t.Logf("node %d: gone %d ms after SIGTERM, ready %d ms after it", i+1, ended.Milliseconds(), time.Since(told).Milliseconds())
		uploads.Wait()
		time.Sleep(rotation)
	}
	r.flows(t, "after the restarts", time.Now(), patience)
	until(t, "every page is live", patience, r.allLive)
	took := time.Since(began)
	gets, failed := read.stop()
	r.check(t, noResync)

	for _, words := range failed {
		t.Error(words)
	}
	posts := 0
	for _, w := range r.ledger.all(func(w write) bool { return w.path != "" && w.sent.After(began) }) {
		posts++
		if w.outcome == unknown {
			t.Errorf("POST %s was answered %d %s", w.path, w.status, w.answer)
		}
	}
	retried := front.check(t)
	gaps := r.gaps(began)
	if len(gaps) < pages {
		t.Fatalf("only %d streams ended: the nodes were not all in use", len(gaps))
	}
	median, longest := gaps[len(gaps)/2], gaps[len(gaps)-1]
	peak := r.mostWithin(time.Second, began)
	t.Logf("FAULT rolling restart of 3 nodes: %s, %d GET and %d POST answered, %d GET asked of a second node; "+
		"%d streams ended and were live again after %s, at most %s, at most %d of them in one second",
		took.Round(time.Second), gets, posts, retried, len(gaps), median.Round(10*time.Millisecond), longest.Round(10*time.Millisecond), peak)
	// 10 s are promised to each; a busy machine may add some.
	if median > 10*time.Second || longest > 20*time.Second {
		t.Errorf("pages were not live for %s, at most %s", median, longest)
	}
	// Each node has a third of the streams or more, and they have eight seconds.
	if peak > len(r.watchers)/2 {
		t.Errorf("%d of %d pages came back within one second", peak, len(r.watchers))
	}
}

// rotation is how long nginx leaves a node alone that it found stopped: fail_timeout, and the second it rounds to.
const rotation = 4 * time.Second

// sharedSettings are those of deploy/nodes/nodes.env, with the values marked YOURS replaced and nothing else. What
// a rig sets by itself it leaves out.
func sharedSettings(t *testing.T, changes ...[2]string) (settings []string) {
	t.Helper()
	shipped, err := os.ReadFile("../deploy/nodes/nodes.env")
	if err != nil {
		t.Fatal(err)
	}
	text := deploytest.Replace(t, "nodes.env", string(shipped), append(changes, [2]string{".example.com\n", ".localhost\n"}))
	for line := range strings.Lines(text) {
		name, _, ok := strings.Cut(strings.TrimSpace(line), "=")
		switch {
		case !ok || strings.HasPrefix(name, "#"):
		case name == "SECRET_KEY" || name == "BLOB_URL" || strings.HasPrefix(name, "DATABASE_") && len(changes) == 0:
		default:
			settings = append(settings, strings.TrimSpace(line))
		}
	}
	return settings
}

// uploadSlowly submits a ticket with a file that takes 2 s to come.
func (r *rig) uploadSlowly() {
	c := r.customers[0]
	w := &write{kind: "ticket", words: words("upload"), by: c, path: "/tickets", sent: time.Now()}
	body, pipe := io.Pipe()
	form := multipart.NewWriter(pipe)
	go func() {
		defer pipe.Close()
		form.WriteField("subject", w.words)
		form.WriteField("description", "With a file.")
		form.WriteField("priority", "low")
		file, _ := form.CreateFormFile("files", "slow.txt")
		for i := range 20 {
			if _, err := fmt.Fprintf(file, "%6000d\n", i); err != nil {
				return
			}
			if i == 3 {
				r.uploading.Add(1)
			}
			time.Sleep(100 * time.Millisecond) // a slow line
		}
		form.Close()
	}()
	got, err := c.do(c.request(context.Background(), "POST", w.path, form.FormDataContentType(), body))
	r.uploading.Add(-1)
	w.took, w.status, w.answer = time.Since(w.sent), got.status, got.body
	switch {
	case err != nil:
		w.answer = err.Error()
	case got.status == http.StatusSeeOther:
		w.outcome = done
	}
	r.ledger.add(w)
}

// reading is people who read without a pause.
type reading struct {
	cancel context.CancelFunc
	group  sync.WaitGroup
	count  atomic.Int64
	mu     sync.Mutex
	failed []string
}

func (r *rig) startReading() *reading {
	ctx, cancel := context.WithCancel(context.Background())
	read := &reading{cancel: cancel}
	for _, p := range []*person{r.customers[0], r.customers[1], r.agents[0], r.agents[1], r.admin} {
		read.group.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				path := []string{"/", "/tickets", "/healthz", "/account"}[i%4]
				got, err := p.get(context.Background(), path)
				read.count.Add(1)
				if err != nil || got.status != http.StatusOK {
					read.mu.Lock()
					read.failed = append(read.failed, fmt.Sprintf("GET %s of %s: %d %v", path, p.name, got.status, err))
					read.mu.Unlock()
				}
				time.Sleep(20 * time.Millisecond) // a person looks at it
			}
		})
	}
	return read
}

func (read *reading) stop() (count int64, failed []string) {
	read.cancel()
	read.group.Wait()
	return read.count.Load(), read.failed
}

// gaps lists for how long pages were not live since then, the longest last.
func (r *rig) gaps(since time.Time) (gaps []time.Duration) {
	for _, w := range r.watchers {
		w.mu.Lock()
		var left time.Time
		for _, m := range w.history {
			switch {
			case m.at.Before(since):
			case m.is != live && left.IsZero():
				left = m.at
			case m.is == live && !left.IsZero():
				gaps, left = append(gaps, m.at.Sub(left)), time.Time{}
			}
		}
		w.mu.Unlock()
	}
	slices.Sort(gaps)
	return gaps
}

// mostWithin is how many pages became live within the busiest span since then.
func (r *rig) mostWithin(span time.Duration, since time.Time) (most int) {
	counts := map[int64]int{}
	for _, w := range r.watchers {
		w.mu.Lock()
		for _, m := range w.history {
			if m.is == live && m.at.After(since) {
				counts[int64(m.at.Sub(since)/span)]++
			}
		}
		w.mu.Unlock()
	}
	for _, count := range counts {
		most = max(most, count)
	}
	return most
}

// check holds the log of nginx against what is promised, and counts what was asked of a second node.
func (n *nginx) check(t *testing.T) (retried int) {
	t.Helper()
	raw, err := os.ReadFile(n.log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		method, path, connected := fields[0], fields[1], strings.Split(fields[3], ", ")
		if status, _ := strconv.Atoi(fields[2]); status >= 500 {
			t.Errorf("nginx answered %s", line)
		}
		if len(connected) == 1 {
			continue
		}
		retried++
		for _, took := range connected[:len(connected)-1] {
			if method != "GET" && took != "-" {
				t.Errorf("%s %s reached a node and was sent to another: %s", method, path, line)
			}
		}
	}
	return retried
}
