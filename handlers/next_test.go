package handlers_test

import (
	"strings"
	"testing"

	"autocrm/handlers"
)

func TestNextStaysOnThisHost(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"/":                             "/",
		"/tickets":                      "/tickets",
		"/tickets/1001?sort=age#reply":  "/tickets/1001?sort=age",
		"/tickets?q=a%20b&page=2":       "/tickets?q=a%20b&page=2",
		"/tickets/%2Fx":                 "/tickets/%2Fx",
		"/a//b":                         "/a//b",
		"":                              "/",
		"tickets":                       "/",
		"//evil.example":                "/",
		"///evil.example":               "/",
		"/\\evil.example":               "/",
		"\\\\evil.example":              "/",
		"/\t/evil.example":              "/",
		"/\n/evil.example":              "/",
		"/\r\nSet-Cookie: x=y":          "/",
		"\t//evil.example":              "/",
		" //evil.example":               "/",
		"https://evil.example":          "/",
		"https:evil.example":            "/",
		"javascript:alert(1)":           "/",
		"data:text/html,x":              "/",
		"/tickets\x00":                  "/",
		"/tickets\u0085":                "/",
		"/\xff":                         "/",
		"@evil.example":                 "/",
		"?next=//evil.example":          "/",
		"/sign-in?next=/x":              "/",
		"/sign-out":                     "/",
		"/auth/callback?next=/x":        "/",
		"/unauthorized":                 "/",
		"/live":                         "/",
		"/%":                            "/",
		"/%2fevil.example/ x":           "/",
		"/%2Fevil.example/\"":           "/",
		"/" + strings.Repeat("a", 3000): "/",
		"/tickets/../..//evil.example":  "/tickets/../..//evil.example", // resolves on this host: it begins with one slash
	} {
		if got := handlers.Next(given); got != want {
			t.Errorf("Next(%q) = %q, want %q", given, got, want)
		}
	}
}
