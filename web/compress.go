package web

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
)

// compressed sends pages, fragments and JSON with gzip to whom takes it. Other things go as they are: streams, which
// must not wait for a block to fill; static files, which are compressed once and kept; attachments, which mostly are
// compressed already.
//
// A page can repeat what is in its address. So that its length does not tell somebody on the wire, guess by guess, what
// else is on it, each answer is longer by some bytes that depend on all of it.
func compressed(next http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(
		gzhttp.ContentTypes([]string{"text/html", "application/json"}),
		gzhttp.MinSize(1024), // less fits one packet anyway
		gzhttp.EnableZstd(false),
		gzhttp.RandomJitter(32, 0, false),
		gzhttp.SetContentType(false),
	)
	if err != nil {
		return nil, err
	}
	zipping := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, plain := range []string{"/live", "/static/", "/attachments/"} {
			if strings.HasPrefix(r.URL.Path, plain) {
				next.ServeHTTP(w, r)
				return
			}
		}
		zipping.ServeHTTP(w, r)
	}), nil
}
