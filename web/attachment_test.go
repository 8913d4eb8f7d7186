package web_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"autocrm/store"

	"github.com/prometheus/client_golang/prometheus"
	"gocloud.dev/blob/fileblob"
)

const (
	png  = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
	jpeg = "\xff\xd8\xff\xe0\x00\x10JFIF"
	page = "<!DOCTYPE html><script>alert(1)</script>"
)

func TestFilesCannotRun(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	for _, c := range []struct {
		name, content string
		kind          string // "" is a download of no type
		saved         string // the name it is saved by
	}{
		{"chart.png", png, "image/png", "chart.png"},
		{"photo.html", jpeg, "image/jpeg", "photo.html"},
		{"page.html", page, "", "page.html"},
		{"page.png", page, "", "page.png"},
		{"drawing.svg", `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`, "", "drawing.svg"},
		{"drawing.png", `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`, "", "drawing.png"},
		{"paper.pdf", "%PDF-1.7", "", "paper.pdf"},
		{"run.js", "alert(1)", "", "run.js"},
		{"look.css", "*{display:none}", "", "look.css"},
		{`C:\Users\cleo\notes.txt`, "x", "", "notes.txt"},
		{"../../etc/passwd", "x", "", "passwd"},
		{`a"b;filename=evil.exe`, "x", "", `a"b;filename=evil.exe`},
		{"Übersicht 100 %.txt", "x", "", "Übersicht 100 %.txt"},
		{"日本語.txt", "x", "", "日本語.txt"},
		{"a\r\nSet-Cookie: x=y.txt", "x", "", "a%0D%0ASet-Cookie: x=y.txt"},
	} {
		address := client.submit(t, "File", "Text", part{"files", c.name, c.content})
		link := client.see(t, address).html(t).Find(".attachment")
		if link.Find(".attachment__name").Text() != c.saved {
			t.Errorf("%q is shown as %q", c.name, link.Find(".attachment__name").Text())
		}
		if (link.Find("img").Length() == 1) != (c.kind != "") {
			t.Errorf("%q: %d pictures in place", c.name, link.Find("img").Length())
		}
		got := client.see(t, link.AttrOr("href", ""))
		want := map[string]string{
			"Content-Type":                 "application/octet-stream",
			"X-Content-Type-Options":       "nosniff",
			"Content-Security-Policy":      "sandbox; default-src 'none'",
			"Cache-Control":                "private, no-cache",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Set-Cookie":                   "",
		}
		disposition := "attachment"
		if c.kind != "" {
			want["Content-Type"], disposition = c.kind, "inline"
		}
		for name, value := range want {
			if len(got.Header.Values(name)) > 1 || got.Header.Get(name) != value {
				t.Errorf("%q: %s: %q, want %q", c.name, name, got.Header.Values(name), value)
			}
		}
		how, params, err := mime.ParseMediaType(got.Header.Get("Content-Disposition"))
		if err != nil || how != disposition || params["filename"] != c.saved {
			t.Errorf("%q: %v: %s as %q in %s", c.name, err, how, params["filename"], got.Header.Get("Content-Disposition"))
		}
		if got.body != c.content {
			t.Errorf("%q came back as %q", c.name, got.body)
		}
		if again := client.get(t, link.AttrOr("href", ""), "If-None-Match", got.Header.Get("ETag")); again.StatusCode != http.StatusNotModified {
			t.Errorf("%q, unchanged: %d", c.name, again.StatusCode)
		}
	}
}

func TestTooManyAndTooLargeFiles(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	address := client.submit(t, "One", "Text")
	var eleven []part
	for range 11 {
		eleven = append(eleven, part{"files", "a.txt", "x"})
	}
	before := d.fingerprint(t)
	for name, c := range map[string]struct {
		files []part
		words string
	}{
		"eleven":    {eleven, "at most 10 files"},
		"too large": {[]part{{"files", "ok.txt", "x"}, {"files", "film.mov", strings.Repeat("x", 25<<20+1)}, {"files", "late.txt", "x"}}, "film.mov is larger than 25 MB."},
		"empty":     {[]part{{"files", "nothing.txt", ""}}, "nothing.txt is empty."},
	} {
		got := client.multi(t, address+"/replies", append(c.files, part{field: "content", content: "kept words"}))
		if got.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d, want 422", name, got.StatusCode)
		}
		form := got.html(t).Find("#composer-form-reply")
		if text := form.Find("#composer-files-reply-error").Text(); !strings.Contains(text, c.words) {
			t.Errorf("%s: beside the files stands %q", name, text)
		}
		if !strings.Contains(form.Find("textarea").Text(), "kept words") {
			t.Errorf("%s: what was typed is gone", name)
		}
	}
	if d.fingerprint(t) != before || d.blobs(t) != 0 {
		t.Errorf("something was left: %d files", d.blobs(t))
	}
	if got := client.multi(t, address+"/replies", []part{{"files", "film.mov", strings.Repeat("x", 25<<20)}}); got.StatusCode != http.StatusSeeOther {
		t.Errorf("a file of 25 MB: %d", got.StatusCode)
	}
	if got := client.multi(t, address+"/replies", eleven[:10]); got.StatusCode != http.StatusSeeOther || d.blobs(t) != 11 {
		t.Errorf("ten files: %d, and %d are there", got.StatusCode, d.blobs(t))
	}
}

// breaking is a connection that breaks off in the middle.
type breaking struct{ io.Reader }

func (b breaking) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errors.New("connection reset by peer")
	}
	return n, err
}

func TestBrokenOffUploadLeavesNothing(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	address := client.submit(t, "One", "Text")
	before := d.fingerprint(t)
	var whole bytes.Buffer
	w := multipart.NewWriter(&whole)
	for range 3 {
		file, _ := w.CreateFormFile("files", "a.bin")
		io.WriteString(file, strings.Repeat("x", 3<<20))
	}
	field, _ := w.CreateFormField("content")
	io.WriteString(field, "words")
	w.Close()
	for _, at := range []int{10, 4 << 20, 7 << 20, whole.Len() - 60, whole.Len() - 4} {
		cut := breaking{bytes.NewReader(whole.Bytes()[:at])}
		if got := client.body(t, address+"/replies", w.FormDataContentType(), cut); got.StatusCode < 400 {
			t.Errorf("cut at %d: %d", at, got.StatusCode)
		}
		if n := d.blobs(t); n != 0 {
			t.Errorf("cut at %d: %d files are left", at, n)
		}
	}
	slow := io.MultiReader(bytes.NewReader(whole.Bytes()[:4<<20]), iotest.ErrReader(os.ErrDeadlineExceeded))
	if got := client.body(t, address+"/replies", w.FormDataContentType(), slow); got.StatusCode != http.StatusBadRequest || d.blobs(t) != 0 {
		t.Errorf("too slow: %d, %d files are left", got.StatusCode, d.blobs(t))
	}
	if d.fingerprint(t) != before {
		t.Error("a broken-off upload changed something")
	}
}

// TestUploadIsStreamed: not parallel, since it measures the memory of the whole program.
func TestUploadIsStreamed(t *testing.T) {
	d := deploy(t, "https")
	dir := t.TempDir()
	files, err := fileblob.OpenBucket(dir, &fileblob.Options{NoTempDir: true})
	if err != nil {
		t.Fatal(err)
	}
	if d.Store, err = store.Open(t.Context(), d.URL, files, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Store.Close)
	d.Files, d.registry = files, prometheus.NewRegistry()
	d.handler = d.open(t)
	client := d.person(t, store.Client, "cleo@example.com")
	address := client.submit(t, "One", "Text")

	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	start, most := heap(), uint64(0)
	reading, writing := io.Pipe()
	w := multipart.NewWriter(writing)
	go func() {
		file, _ := w.CreateFormFile("files", "film.bin")
		piece := bytes.Repeat([]byte("0123456789abcdef"), 4096)
		for sent := 0; sent < 25<<20; sent += len(piece) {
			file.Write(piece)
			if sent%(5<<20) == 0 {
				most = max(most, heap())
			}
		}
		writing.CloseWithError(w.Close())
	}()
	got := client.body(t, address+"/replies", w.FormDataContentType(), reading)
	if got.StatusCode != http.StatusSeeOther {
		t.Fatalf("upload: %d\n%s", got.StatusCode, got.body)
	}
	if most > start+8<<20 {
		t.Errorf("during an upload of 25 MB the heap grew from %d to %d MB", start>>20, most>>20)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		t.Errorf("nothing was stored: %v", err)
	}
}

func TestOnlyFilesOfTheFieldAreTaken(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	address := client.submit(t, "One", "Text")
	// As a browser sends a file input in which nothing was chosen.
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	field, _ := w.CreateFormField("content")
	io.WriteString(field, "words alone")
	w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="files"; filename=""`}, "Content-Type": {"application/octet-stream"}})
	w.Close()
	got := client.body(t, address+"/replies", w.FormDataContentType(), &body)
	if got.StatusCode != http.StatusSeeOther || d.blobs(t) != 0 {
		t.Errorf("no file chosen: %d, %d files\n%s", got.StatusCode, d.blobs(t), got.body)
	}
	// A form that was never told that it has files.
	if got := client.post(t, address+"/replies", url.Values{"content": {"plain"}}); got.StatusCode != http.StatusSeeOther {
		t.Errorf("a plain form: %d", got.StatusCode)
	}
}
