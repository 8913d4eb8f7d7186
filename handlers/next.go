package handlers

import (
	"net/url"
	"strings"
	"unicode"
)

// Next is where signing in leads: the path that was asked for, on this host and nowhere else, or "/". It comes
// from a link that anybody may have written.
func Next(path string) string {
	if len(path) > 2000 || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		// Browsers take a backslash for a slash, and drop tabs and line breaks: /\host and /<tab>/host lead away.
		strings.ContainsFunc(path, func(r rune) bool { return r == '\\' || r == unicode.ReplacementChar || unicode.IsControl(r) }) {
		return "/"
	}
	to, err := url.Parse(path)
	if err != nil || to.Scheme != "" || to.Host != "" || to.User != nil || to.Opaque != "" {
		return "/"
	}
	switch to.Path {
	case "/sign-in", "/sign-out", "/signup", "/auth/callback", "/unauthorized", "/live", "/live/poll":
		return "/" // would lead in a circle, or to no page
	}
	// A path that is not encoded as it should be is encoded anew: "/%2fhost/ x" becomes "//host/%20x".
	uri := to.RequestURI()
	if strings.HasPrefix(uri, "//") {
		return "/"
	}
	return uri
}

// SignInPath is the sign-in page that leads back to path.
func SignInPath(path string) string { return withNext("/sign-in", path) }

func withNext(page, path string) string {
	if path = Next(path); path == "/" {
		return page
	}
	return page + "?next=" + url.QueryEscape(path)
}
