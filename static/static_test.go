package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
)

func get(t *testing.T, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w.Result()
}

func TestCurrentHashIsKeptForEver(t *testing.T) {
	t.Parallel()
	for name, mime := range map[string]string{
		"css/app.css":              "text/css; charset=utf-8",
		"js/app.js":                "text/javascript; charset=utf-8",
		"vendor/htmx-4.0.1.min.js": "text/javascript; charset=utf-8",
		"icons/favicon-client.svg": "image/svg+xml",
	} {
		res := get(t, Path(name))
		if res.StatusCode != 200 || res.Header.Get("Content-Type") != mime || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d %v", name, res.StatusCode, res.Header)
		}
	}
}

func TestOlderHashGetsThePresentFileBriefly(t *testing.T) {
	t.Parallel()
	res := get(t, "/static/0000000000/js/app.js")
	if res.StatusCode != 200 || strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%d %s", res.StatusCode, res.Header.Get("Cache-Control"))
	}
}

func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for _, target := range []string{Path("js/none.js"), Path(""), "/static/", "/static/x", Path("../static.go"), Path("vendor/SHA256SUMS"), "/elsewhere/js/app.js"} {
		if res := get(t, target); res.StatusCode != 404 {
			t.Errorf("%s: %d", target, res.StatusCode)
		}
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, Path("js/app.js"), nil))
	if w.Code != 405 {
		t.Errorf("POST: %d", w.Code)
	}
}

func TestCompressedIsTheSameFile(t *testing.T) {
	t.Parallel()
	plain, _ := io.ReadAll(get(t, Path("css/app.css"), "Accept-Encoding", "gzip;q=0, br;q=0").Body)
	for accept, coding := range map[string]string{"gzip, br;q=0.5": "br", "br;q=0, gzip": "gzip", "gzip": "gzip", "deflate": ""} {
		res := get(t, Path("css/app.css"), "Accept-Encoding", accept)
		if res.Header.Get("Content-Encoding") != coding || res.Header.Get("Vary") != "Accept-Encoding" {
			t.Fatal(accept, res.Header)
		}
		var body io.Reader = res.Body
		switch coding {
		case "br":
			body = brotli.NewReader(body)
		case "gzip":
			zr, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = zr
		}
		got, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, plain) || len(plain) == 0 {
			t.Errorf("%s: %d bytes, plain %d", accept, len(got), len(plain))
		}
	}
}

func TestNotModified(t *testing.T) {
	t.Parallel()
	etag := get(t, Path("js/app.js")).Header.Get("ETag")
	if res := get(t, Path("js/app.js"), "If-None-Match", etag); res.StatusCode != 304 {
		t.Error(res.StatusCode)
	}
}

// The order of the layers is whatever the stylesheet names first.
func TestLayersAreNamedFirst(t *testing.T) {
	t.Parallel()
	css, _ := io.ReadAll(get(t, Path("css/app.css")).Body)
	first := bytes.Index(css, []byte("@layer"))
	if !bytes.HasPrefix(css[first:], []byte("@layer reset,tokens,base,layout,components,portal,utilities;")) {
		t.Errorf("%.120s", css[first:])
	}
}

// A module that imports a file that is not there takes every behaviour of the page with it.
func TestModulesImportWhatExists(t *testing.T) {
	t.Parallel()
	imports := regexp.MustCompile(`(?m)(?:^import [^"]*|\bimport\()"(\./[^"]+)"`)
	seen := 0
	for name, f := range files {
		if !strings.HasPrefix(name, "js/") {
			continue
		}
		for _, m := range imports.FindAllSubmatch(f.raw, -1) {
			seen++
			if target := path.Join("js", string(m[1])); files[target] == nil {
				t.Errorf("%s imports %s", name, target)
			}
		}
	}
	if seen < 8 {
		t.Errorf("found only %d imports", seen)
	}
}

// One file for all modules, much smaller than they are, in which nothing is left to import.
func TestModulesAreOneFile(t *testing.T) {
	t.Parallel()
	made := build(files)
	for _, m := range made.Errors {
		t.Errorf("%+v", m)
	}
	for _, m := range made.Warnings {
		t.Errorf("%s: %+v", m.Text, m.Location)
	}
	body, _ := io.ReadAll(get(t, Path(appJS)).Body)
	all := 0
	for name, f := range files {
		if strings.HasPrefix(name, "js/") {
			all += len(f.raw)
		}
	}
	if len(body) < all/5 || len(body) > all*3/4 || bytes.Contains(body, []byte(`from"./`)) || bytes.Contains(body, []byte(`import("./`)) {
		t.Errorf("%d bytes of modules became %d: %.200s", all, len(body), body)
	}
	css, _ := io.ReadAll(get(t, Path(appCSS)).Body)
	if len(css) < len(files[appCSS].raw)/2 || len(css) > len(files[appCSS].raw)*95/100 {
		t.Errorf("%d bytes of styles became %d", len(files[appCSS].raw), len(css))
	}
}
