package browser

import (
	"fmt"
	"testing"

	"autocrm/store"
)

// TestManyWindows opens ten windows of one person over HTTP/1.1, where a browser has six connections for a
// portal: all of them load, some hold a stream and the others ask, and each has the news.
func TestManyWindows(t *testing.T) {
	t.Parallel()
	s := development(t)
	number := s.submit(t, "The desk wobbles")
	first := s.signedIn(t, store.Agent, "ann@example.com")
	windows := []*Person{first}
	for i := range 9 {
		windows = append(windows, s.open(t, first.ctx, fmt.Sprintf("ann-%d", i+2), store.Agent))
	}
	const up = `["live", "polling"].includes(document.documentElement.dataset.live)`
	for _, w := range windows {
		w.Open(fmt.Sprintf("/tickets/%d", number))
		w.ExpectJS(up, "live or polling")
	}
	streams := 0
	for _, w := range windows {
		w.mark()
		open, _ := w.streamsOpen()
		streams += open
	}
	if streams < 1 || streams > 5 {
		t.Errorf("%d streams are open, of six connections", streams)
	}
	s.reply(t, number, "It stands on three legs.")
	for _, w := range windows {
		w.Expect("It stands on three legs.")
		w.unreloaded()
	}
	t.Logf("%d of %d windows hold a stream", streams, len(windows))
}
