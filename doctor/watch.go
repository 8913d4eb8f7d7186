package doctor

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// watch is one stream being read, with the times at which things arrived.
type watch struct {
	asked   time.Time
	moments chan moment

	answer  *http.Response // nil until its head is there
	first   time.Time      // the first byte of the body
	last    time.Time      // the latest event
	hello   time.Time
	cursor  string
	pings   []time.Time
	current bool // as the latest ping says: the node itself is fed
	changes map[string]time.Time
	bye     string // its reason
	ended   time.Time
	err     error     // why it ended; nil: it was ended in order
	left    time.Time // when the probe signed out
}

// moment is something that arrived: the head of the answer, the first byte, an event, the end.
type moment struct {
	at     time.Time
	answer *http.Response
	first  bool
	event  *event
	ended  bool
	err    error
}

type event struct{ name, data string }

// open asks for the stream. The reading goes on until ctx ends or the stream does.
func (p *portal) open(ctx context.Context, cookie string) *watch {
	w := &watch{asked: time.Now(), moments: make(chan moment, 64), changes: map[string]time.Time{}}
	send := func(m moment) {
		m.at = time.Now()
		select {
		case w.moments <- m:
		case <-ctx.Done():
		}
	}
	go func() {
		answer, err := p.client.do(ctx, http.MethodGet, "/live", "Accept", "text/event-stream", "Cache-Control", "no-cache",
			"Sec-Fetch-Site", "same-origin", "Cookie", cookie)
		if err != nil {
			send(moment{ended: true, err: err})
			return
		}
		defer answer.Body.Close()
		send(moment{answer: answer})
		err = readEvents(answer, send)
		if err == io.EOF {
			err = nil
		}
		send(moment{ended: true, err: err})
	}()
	return w
}

// unpacked is the answer's body, whatever it came packed in.
func unpacked(answer *http.Response) (io.Reader, error) {
	switch encoding := strings.ToLower(answer.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
		return answer.Body, nil
	case "gzip":
		return gzip.NewReader(answer.Body)
	default:
		return nil, fmt.Errorf("the answer is packed as %s, which was not asked for", encoding)
	}
}

// longestLine bounds what is kept of an answer that is no stream: its first line may never end.
const longestLine = 64 << 10

func readEvents(answer *http.Response, send func(moment)) error {
	body, err := unpacked(answer)
	if err != nil {
		return err
	}
	reader := bufio.NewReaderSize(body, longestLine)
	if _, err := reader.Peek(1); err != nil {
		return err
	}
	send(moment{first: true})
	var e event
	for {
		line, err := reader.ReadSlice('\n')
		if err != nil { // also where the line does not end
			return err
		}
		field, value, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case field == "event":
			e.name = value
		case field == "data":
			e.data = value
		case field == "" && value == "" && e.name != "":
			done := e
			send(moment{event: &done})
			e = event{}
		}
	}
}

// until takes in what arrives until fact holds. It returns false when the time is over or the stream is.
func (w *watch) until(ctx context.Context, wait time.Duration, fact func() bool) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for !fact() {
		if !w.ended.IsZero() {
			return false
		}
		select {
		case m := <-w.moments:
			w.take(m)
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}

func (w *watch) take(m moment) {
	switch {
	case m.answer != nil:
		w.answer = m.answer
	case m.first:
		w.first = m.at
	case m.ended:
		w.ended, w.err = m.at, m.err
	case m.event != nil:
		w.last = m.at
		w.takeEvent(*m.event, m.at)
	}
}

func (w *watch) takeEvent(e event, at time.Time) {
	var data struct {
		Cursor  string `json:"cursor"`
		Topic   string `json:"topic"`
		Current bool   `json:"current"`
		Reason  string `json:"reason"`
	}
	if json.Unmarshal([]byte(e.data), &data) != nil {
		return
	}
	switch e.name {
	case "hello":
		w.hello, w.cursor = at, data.Cursor
	case "ping":
		w.pings, w.current = append(w.pings, at), data.Current
	case "change":
		if _, before := w.changes[data.Topic]; !before {
			w.changes[data.Topic] = at
		}
	case "bye":
		w.bye = data.Reason
	}
}
