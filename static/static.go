// Package static holds what the browser loads: styles, scripts, icons. The whole tree is embedded and
// has one content hash, which stands in every address, so a file may be cached for ever and relative
// imports between modules keep working. It never reads the disk and knows no page. Start at Path.
package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed css js icons vendor
var tree embed.FS

// Prefix is where Handler expects to be mounted.
const Prefix = "/static/"

// appCSS is made here, of all files in css/ in one, because @import would cost a second round trip.
const appCSS = "css/app.css"

type file struct {
	mime    string
	raw     []byte
	zipped  []byte
	etag    string
	zipOnce sync.Once
}

var (
	files = load(tree)
	hash  = treeHash(files)
)

// Path gives the address of a file of the tree, such as Path("js/app.js").
func Path(name string) string { return Prefix + hash + "/" + name }

// Modules lists our own ES modules, for preloading: without it the browser would learn of each only
// after it has read the one that imports it. Those of the stream, live*.js, are for pages that have one.
func Modules(live bool) []string {
	if live {
		return allModules
	}
	return plainModules
}

var allModules, plainModules = modules()

func modules() (all, plain []string) {
	for name := range files {
		if !strings.HasPrefix(name, "js/") {
			continue
		}
		all = append(all, Path(name))
		if !strings.HasPrefix(name, "js/live") {
			plain = append(plain, Path(name))
		}
	}
	slices.Sort(all)
	slices.Sort(plain)
	return all, plain
}

// Handler serves the tree. An older hash still gets the present file, cached briefly, so that a page
// opened before a deploy keeps working.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		rest, ok := strings.CutPrefix(r.URL.Path, Prefix)
		version, name, cut := strings.Cut(rest, "/")
		f := files[name]
		if !ok || !cut || f == nil {
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "not found", http.StatusNotFound)
			return
		}
		f.serve(w, r, version == hash)
	})
}

func (f *file) serve(w http.ResponseWriter, r *http.Request, current bool) {
	h := w.Header()
	h.Set("Content-Type", f.mime)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", f.etag)
	h.Set("Cache-Control", "public, max-age=60")
	if current {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if strings.Contains(r.Header.Get("If-None-Match"), f.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := f.raw
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		if z := f.gzip(); len(z) < len(body) {
			body = z
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		w.Write(body)
	}
}

// gzip compresses on the first request for the file and never again.
func (f *file) gzip() []byte {
	f.zipOnce.Do(func() {
		var buf bytes.Buffer
		zw, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression)
		zw.Write(f.raw)
		zw.Close()
		f.zipped = buf.Bytes()
	})
	return f.zipped
}

// acceptsGzip honours "gzip;q=0", which is a refusal.
func acceptsGzip(header string) bool {
	for _, part := range strings.Split(header, ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if coding != "gzip" && coding != "*" {
			continue
		}
		q, found := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !found || (err == nil && weight > 0)
	}
	return false
}

// mimes is fixed here: the host's own table differs from machine to machine, and a wrong type for a
// module is a blank page.
var mimes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
	".png":  "image/png",
	".ico":  "image/x-icon",
	".webp": "image/webp",
}

func load(tree fs.FS) map[string]*file {
	out := map[string]*file{}
	var names []string
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || mimes[path.Ext(name)] == "" {
			return err
		}
		raw, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		names = append(names, name)
		out[name] = newFile(name, raw)
		return nil
	})
	if err != nil {
		panic("static: " + err.Error()) // the tree is part of the binary: this cannot happen in a good build
	}
	out[appCSS] = newFile(appCSS, joinCSS(names, out))
	return out
}

// joinCSS puts layers.css first, because the order of the layers is fixed by whoever names them first.
func joinCSS(names []string, files map[string]*file) []byte {
	var all bytes.Buffer
	all.Write(files["css/layers.css"].raw)
	for _, name := range names {
		if strings.HasPrefix(name, "css/") && name != "css/layers.css" {
			all.WriteByte('\n')
			all.Write(files[name].raw)
		}
	}
	return all.Bytes()
}

func newFile(name string, raw []byte) *file {
	sum := sha256.Sum256(raw)
	return &file{mime: mimes[path.Ext(name)], raw: raw, etag: `W/"` + hex.EncodeToString(sum[:8]) + `"`}
}

func treeHash(files map[string]*file) string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	sum := sha256.New()
	for _, name := range names {
		sum.Write([]byte(name + "\x00" + files[name].etag))
	}
	return hex.EncodeToString(sum.Sum(nil)[:5])
}
