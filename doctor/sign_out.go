package doctor

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// signOut leaves as a person does. Its answer takes the cookie away, and so shows what becomes of cookies on
// the way; its effect is the stream's end. w may be nil.
func (d *doctor) signOut(ctx context.Context, p *portal, cookie string, w *watch) {
	asking, cancel := context.WithTimeout(ctx, d.pace.ask)
	defer cancel()
	left := time.Now()
	answer, err := p.client.do(asking, http.MethodPost, "/sign-out", "Sec-Fetch-Site", "same-origin", "Origin", origin(p), "Cookie", cookie)
	if err != nil {
		d.report.add(p.finding("cookies", Error, "Signing out gets no answer.", sentence(oneLine(err)), "See in the proxy's error log why it does not pass POST on."))
		return
	}
	answer.Body.Close()
	d.report.add(p.cookieFinding(answer))
	if w == nil {
		return
	}
	w.left = left
	w.until(ctx, d.pace.bye, func() bool { return false })
	if !w.ended.IsZero() {
		d.report.note(p, func(f *Figures) { f.Bye = milliseconds(max(0, w.ended.Sub(left))) })
	}
}

// cookieFinding compares the cookie with the one that the app makes for this address.
func (p *portal) cookieFinding(answer *http.Response) Finding {
	want := p.gate.Dismissed()
	const cure = "Take the rule out (nginx: `proxy_cookie_path`, `proxy_cookie_domain`, `proxy_cookie_flags`; Apache: `Header edit Set-Cookie`)."
	var got *http.Cookie
	for _, cookie := range answer.Cookies() {
		if strings.TrimPrefix(cookie.Name, "__Host-") == strings.TrimPrefix(want.Name, "__Host-") {
			got = cookie
		}
	}
	if got == nil {
		return p.finding("cookies", Error, "The cookie of a session does not come through.", fmt.Sprintf("Signing out is answered with %s and without Set-Cookie.", answer.Status), cure)
	}
	var wrong []string
	if got.Name != want.Name {
		wrong = append(wrong, fmt.Sprintf("is called %s and not %s", got.Name, want.Name))
	}
	if want.Secure && !got.Secure {
		wrong = append(wrong, "has lost Secure")
	}
	if !want.Secure && got.Secure {
		wrong = append(wrong, "is Secure, which browsers do not take on http")
	}
	if !got.HttpOnly {
		wrong = append(wrong, "has lost HttpOnly")
	}
	if got.SameSite != want.SameSite {
		wrong = append(wrong, "has not SameSite=Lax")
	}
	if got.Path != want.Path || got.Domain != "" {
		wrong = append(wrong, fmt.Sprintf("is for the path %q and the domain %q", got.Path, got.Domain))
	}
	if len(wrong) == 0 {
		return p.finding("cookies", OK, "The session's cookie "+flags(got)+".", "", "")
	}
	cause := "The proxy rewrites cookies."
	if strings.HasPrefix(want.Name, "__Host-") {
		cause += " Browsers refuse a cookie of this name unless it is Secure, for / and for this host alone: nobody can sign in."
	}
	return p.finding("cookies", Error, "The session's cookie "+strings.Join(wrong, ", ")+".", cause, cure)
}

func flags(cookie *http.Cookie) string {
	words := []string{"HttpOnly", "SameSite=Lax", "for this host alone"}
	if cookie.Secure {
		words = append([]string{"Secure"}, words...)
	}
	return "is " + strings.Join(words, ", ")
}
