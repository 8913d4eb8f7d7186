package web_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"hash/crc32"
	"io"
	"mime"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"autocrm/store"
)

// pictureBomb is a PNG of a few bytes that says it is 60,000 pixels wide and high.
func pictureBomb() string {
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		binary.Write(&b, binary.BigEndian, uint32(len(data)))
		b.WriteString(kind)
		b.Write(data)
		binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(append([]byte(kind), data...)))
	}
	head := binary.BigEndian.AppendUint32(nil, 60000)
	chunk("IHDR", append(binary.BigEndian.AppendUint32(head, 60000), 8, 2, 0, 0, 0))
	var pixels bytes.Buffer
	w, _ := flate.NewWriter(&pixels, flate.BestCompression)
	w.Write(make([]byte, 1<<20))
	w.Close()
	chunk("IDAT", append([]byte{0x78, 0xda}, pixels.Bytes()...))
	chunk("IEND", nil)
	return b.String()
}

// zipBomb unpacks to 60 MB.
func zipBomb(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	file, err := w.Create("bomb.txt")
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range 60 {
		file.Write(zeros)
	}
	w.Close()
	return b.String()
}

// A file that is two things at once, or says that it is another: it comes back byte by byte, of a type in which
// nothing runs, sniffed here and by no browser, and a browser that opens it has it sandboxed.
func TestPolyglotsAreHarmless(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	bomb := zipBomb(t)
	pictures := map[string]bool{"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true}
	for name, content := range map[string]string{
		"HTML in a PNG.png":         png + "IHDR\x00<html><script>alert(1)</script>",
		"HTML in a GIF.gif":         "GIF89a/*<script>alert(1)</script>*/=1",
		"script in a GIF.js":        "GIF89a=1;alert(1)",
		"GIFAR.gif":                 "GIF89a\x01\x00\x01\x00\x80\x00\x00" + bomb,
		"GIFAR.jar":                 "GIF89a\x01\x00\x01\x00\x80\x00\x00" + bomb,
		"WEBP.html":                 "RIFF\x24\x00\x00\x00WEBPVP8 <script>alert(1)</script>",
		"SVG.svg":                   `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`,
		"SVG after a comment.png":   `<!-- ` + strings.Repeat(" ", 600) + ` --><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`,
		"SVG packed.svgz":           "\x1f\x8b\x08\x00<svg onload=alert(1)>",
		"HTML.png":                  "<html><script>alert(1)</script>",
		"HTML with a BOM.txt":       "\xef\xbb\xbf<html><script>alert(1)</script>",
		"HTML in UTF-16.txt":        "\xff\xfe<\x00s\x00c\x00r\x00i\x00p\x00t\x00>\x00",
		"HTML in UTF-7.txt":         "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
		"HTML after 512 bytes.txt":  strings.Repeat(" ", 600) + "<script>alert(1)</script>",
		"HTML.html":                 "<!doctype html><script>alert(1)</script>",
		"page.xhtml":                `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>`,
		"sheet.xml":                 `<?xml version="1.0"?><?xml-stylesheet href="javascript:alert(1)"?><a/>`,
		"archive.mht":               "MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<script>alert(1)</script>",
		"paper.pdf":                 "%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj",
		"PDF in a JPEG.jpg":         jpeg + "%PDF-1.7 <</S/JavaScript/JS(app.alert(1))>>",
		"HTML in a PDF.pdf":         "%PDF-1.7\n<script>alert(1)</script>",
		"bomb.zip":                  bomb,
		"picture bomb.png":          pictureBomb(),
		"worker.js":                 "self.onmessage=()=>{}",
		"feed.rss":                  `<rss><item><link>javascript:alert(1)</link></item></rss>`,
		"program.exe":               "MZ\x90\x00",
		"flash.swf":                 "CWS\x09",
		"crossdomain.xml":           `<cross-domain-policy><allow-access-from domain="*"/></cross-domain-policy>`,
		"manifest.webmanifest":      `{"start_url":"//evil.example"}`,
		"shortcut.url":              "[InternetShortcut]\r\nURL=file:///etc/passwd",
		"icon.ico":                  "\x00\x00\x01\x00<script>alert(1)</script>",
		"film.mp4":                  "\x00\x00\x00\x18ftypmp42",
		"page.html.png":             "<script>alert(1)</script>",
		"one byte":                  "<",
		"nothing but a NUL.html":    "\x00",
		"a type that says more.htm": "\x00\x00\x00\x00<script>alert(1)</script>",
	} {
		began := time.Now()
		page := client.see(t, client.submit(t, "File", "Text", part{"files", name, content}))
		link := page.html(t).Find(".attachment")
		got := client.get(t, link.AttrOr("href", ""), "Accept", "text/html,*/*", "Range", "bytes=0-3").want(t, http.StatusOK)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s takes %s", name, took)
		}
		if got.body != content {
			t.Errorf("%s comes back as %d bytes, was %d", name, len(got.body), len(content))
		}
		kind := got.Header.Get("Content-Type")
		how, _, err := mime.ParseMediaType(got.Header.Get("Content-Disposition"))
		if err != nil || (!pictures[kind] || how != "inline") && (kind != "application/octet-stream" || how != "attachment") {
			t.Errorf("%s is served as %s, %s (%v)", name, kind, how, err)
		}
		if policy := got.Header.Values("Content-Security-Policy"); len(policy) != 1 || policy[0] != "sandbox; default-src 'none'" ||
			got.Header.Get("X-Content-Type-Options") != "nosniff" || got.Header.Get("X-Frame-Options") != "DENY" || got.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: %v", name, got.Header)
		}
		if pictures[kind] && strings.HasPrefix(content, "<") {
			t.Errorf("%s is taken for a picture", name)
		}
	}
}

// A name is a name: one line, no path, nothing that turns or hides what it ends with, and no part of a header.
func TestAFileNameIsOnlyAName(t *testing.T) {
	t.Parallel()
	d := deploy(t, "https")
	client := d.person(t, store.Client, "cleo@example.com")
	for _, name := range []string{
		"/etc/passwd", `..\..\windows\win.ini`, "....//....//a.txt", "a/", "..", ".", `\`, "/", " ", "\u200b", "invoice\u202efdp.exe", "a\u2066b\u2069.txt",
		"a\x00b.txt", "a\x1b[31mred.txt", "a\r\nContent-Type: text/html\r\n\r\n<script>", "a\nb", "a\u2028b", "a\u0085b", strings.Repeat("n", 300) + ".pdf",
		strings.Repeat("名", 300) + ".pdf", strings.Repeat("👍", 300), "a." + strings.Repeat("e", 300), `"; filename="evil.exe`, `a"; filename*=UTF-8''evil.exe`, "a;b=c.txt", `a\"b.txt`,
		"%2e%2e%2fpasswd", "%00.txt", "~/.ssh/authorized_keys", "C:evil.exe", "CON", "file.txt::$DATA", "\xff\xfe.txt", "a\tb.txt", "'; DROP TABLE attachments; --", "<img src=x onerror=alert(1)>.png",
		"javascript:alert(1)", "data:text/html,x", "../../../static/js/app.js",
	} {
		if strings.ContainsAny(name, "\x00\x1b") { // no browser sends such a part
			client.multi(t, "/tickets", []part{{field: "subject", content: "File"}, {"files", name, "x"}}).want(t, http.StatusBadRequest)
			continue
		}
		page := client.see(t, client.submit(t, "File", "Text", part{"files", name, "x"}))
		link := page.html(t).Find(".attachment")
		shown := link.Find(".attachment__name").Text()
		got := client.see(t, link.AttrOr("href", ""))
		disposition := got.Header.Get("Content-Disposition")
		how, params, err := mime.ParseMediaType(disposition)
		saved := params["filename"]
		switch {
		case err != nil, how != "attachment", len(params) != 1, saved != shown:
			t.Errorf("%q: %s as %q, shown as %q: %s (%v)", name, how, saved, shown, disposition, err)
		case saved == "", saved == ".", saved == "..", strings.ContainsAny(saved, "/\\"), !utf8.ValidString(saved), utf8.RuneCountInString(saved) > 255:
			t.Errorf("%q is saved as %q", name, saved)
		case strings.ContainsFunc(saved, func(r rune) bool {
			return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) && r != '\u200e' && r != '\u200f' && r != '\u061c'
		}):
			t.Errorf("%q is saved as %q, which is not what it looks like", name, saved)
		case got.Header.Get("Content-Type") != "application/octet-stream" || got.StatusCode != http.StatusOK:
			t.Errorf("%q: %d %v", name, got.StatusCode, got.Header)
		}
	}
	if keys := d.keys(t); strings.Contains(keys, "passwd") || strings.Contains(keys, "..") || strings.Contains(keys, "evil") {
		t.Errorf("a sender's name is part of where a file lies: %s", keys)
	}
}

// keys lists where the files lie.
func (d *deployment) keys(t testing.TB) string {
	t.Helper()
	var all []string
	for files := d.Files.List(nil); ; {
		file, err := files.Next(t.Context())
		if err == io.EOF {
			return strings.Join(all, " ")
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, file.Key)
	}
}
