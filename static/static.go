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

	"github.com/andybalholm/brotli"
)

//go:embed css js icons vendor
var tree embed.FS

// Prefix is where Handler expects to be mounted.
const Prefix = "/static/"

// Two files are made here, each of many in one, because every file costs time on the way: appCSS of all in css/, and
// appJS of the modules that it imports.
const (
	appCSS = "css/app.css"
	appJS  = "js/app.js"
)

type file struct {
	mime   string
	raw    []byte
	etag   string
	pack   func(raw []byte) []byte // makes it smaller; nil: it goes as it is
	once   sync.Once
	packed []byte
	coded  map[string][]byte // by the name of the coding
}

var (
	files = load(tree)
	hash  = treeHash(files)
)

// Path gives the address of a file of the tree, such as Path("js/app.js").
func Path(name string) string { return Prefix + hash + "/" + name }

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
	f.once.Do(f.prepare)
	body := f.packed
	for _, coding := range []string{"br", "gzip"} {
		if coded := f.coded[coding]; len(coded) < len(body) && accepts(r.Header.Get("Accept-Encoding"), coding) {
			body = coded
			h.Set("Content-Encoding", coding)
			break
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		w.Write(body)
	}
}

// prepare packs and compresses on the first request for the file and never again.
func (f *file) prepare() {
	f.packed = f.raw
	if f.pack != nil {
		f.packed = f.pack(f.raw)
	}
	var zipped, small bytes.Buffer
	zw, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	zw.Write(f.packed)
	zw.Close()
	bw := brotli.NewWriterLevel(&small, brotliLevel)
	bw.Write(f.packed)
	bw.Close()
	f.coded = map[string][]byte{"gzip": zipped.Bytes(), "br": small.Bytes()}
}

// accepts says whether an Accept-Encoding takes the coding. It honours "gzip;q=0", which is a refusal.
func accepts(header, coding string) bool {
	for _, part := range strings.Split(header, ",") {
		named, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if named != coding && named != "*" {
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
	out[appCSS].pack = packCSS
	out[appJS].pack = func(raw []byte) []byte { return bundle(out, raw) }
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
