package doctor

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Whatever comes in the place of a stream, it is read to its end, and an event is what the lines say.
func FuzzReadEvents(f *testing.F) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	io.WriteString(w, "event: hello\ndata: {}\n\n")
	w.Close()
	f.Add("event: hello\ndata: {\"cursor\":\"x\"}\n\nid: y\nevent: ping\ndata: {\"current\":true}\n\n", "")
	f.Add(packed.String(), "gzip")
	f.Add("event: change\r\ndata: {\"topic\":\"ticket-1\",\"version\":1e999}\r\n\r\n", "identity")
	f.Add("event:\n\ndata\n\nevent: bye\ndata: [\n\n", "GZIP")
	f.Add(strings.Repeat("a", 70_000), "")
	f.Add(":"+strings.Repeat(" ", 2048)+"\n\n<html>", "")
	f.Fuzz(func(t *testing.T, body, encoding string) {
		answer := &http.Response{Header: http.Header{"Content-Encoding": {encoding}}, Body: io.NopCloser(strings.NewReader(body))}
		w := &watch{changes: map[string]time.Time{}}
		events := 0
		err := readEvents(answer, func(m moment) {
			if m.event != nil {
				events++
				if m.event.name == "" || strings.ContainsAny(m.event.name+m.event.data, "\n") {
					t.Errorf("%q is an event %+v", body, m.event)
				}
			}
			w.take(m)
		})
		if err == nil {
			t.Error("a stream that ends without an end")
		}
		if most := strings.Count(body, "\n"); encoding == "" && events > most/2 {
			t.Errorf("%d events of %d lines", events, most)
		}
	})
}
