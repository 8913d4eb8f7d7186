package web_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"autocrm/store"
)

// Which addresses have an account is told to no API client: not by words, not by a status, and not by the time it
// takes. TestAnUnknownAddressCostsAsMuchAsAWrongPassword holds the sign-in page to the same.
func TestNothingTellsWhoHasAnAccount(t *testing.T) {
	d := deploy(t, "http") // not parallel: it measures
	for _, email := range []string{"ana@example.com", "closed@example.com"} {
		// Signing up makes a hash of full cost; a Person's is cheap.
		d.browser(t, store.Client).post(t, "/signup", person("A", email, "a password of ana's")).want(t, http.StatusSeeOther)
	}
	d.Exec(t, `UPDATE users SET active = false WHERE email = 'closed@example.com'`)
	d.Exec(t, `INSERT INTO users (email, full_name, user_role) VALUES ('invited@example.com', 'No password yet', 'client')`)
	others := map[string][2]string{
		"unknown":     {"nobody@example.com", "not her password"},
		"closed":      {"closed@example.com", "a password of ana's"},
		"no password": {"invited@example.com", "not her password"},
		"no address":  {"not an address", "not her password"},
	}
	timed := func(email, password string) (time.Duration, answer) {
		d.Exec(t, `DELETE FROM sign_in_failures`)
		b := d.browser(t, store.Client)
		began := time.Now()
		got := b.post(t, "/api/token", url.Values{"email": {email}, "password": {password}})
		return time.Since(began), got
	}
	compare := func(kind string, given [2]string) float64 {
		var ratios []float64
		for range 5 {
			known, right := timed("ana@example.com", "not her password")
			other, got := timed(given[0], given[1])
			ratios = append(ratios, float64(other)/float64(known))
			if got.StatusCode != right.StatusCode || said(got) != said(right) || len(got.Header) != len(right.Header) {
				t.Fatalf("%s is answered %d %q, a wrong password %d %q", kind, got.StatusCode, said(got), right.StatusCode, said(right))
			}
		}
		slices.Sort(ratios)
		return ratios[len(ratios)/2]
	}
	for kind, given := range others {
		// On a busy machine any one comparison may be off; what a stranger could learn from is off each time.
		var medians []float64
		for range 4 {
			medians = append(medians, compare(kind, given))
			if median := medians[len(medians)-1]; median > 0.6 && median < 1.7 {
				medians = nil
				break
			}
		}
		if medians != nil {
			t.Errorf("%s takes %.2f times as long as a wrong password", kind, medians)
		}
	}
}

// said is the answer without the id of the request.
func said(got answer) string {
	return strings.ReplaceAll(got.body, got.Header.Get("X-Request-Id"), "")
}

// A link that never was, one with a letter changed and one that is no link at all are the same to who tries them.
func TestInvitationsAreNotGuessed(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	admin := d.Person(t, store.Admin, "root@example.com")
	_, token, err := d.Store.Invite(t.Context(), admin, "ben@example.com", store.Agent)
	if err != nil {
		t.Fatal(err)
	}
	b := d.browser(t, store.Agent)
	b.get(t, "/signup?token="+token).want(t, http.StatusOK)
	changed := []byte(token)
	changed[5] ^= 1
	want := ""
	for _, guess := range []string{string(changed), token[:len(token)-1], token + "A", "x", "ben@example.com", "%27", "00000000-0000-0000-0000-000000000000"} {
		got := b.get(t, "/signup?token="+url.QueryEscape(guess)).want(t, http.StatusNotFound)
		words := got.html(t).Find("h1, h1 ~ p:not(.oops__id)").Text()
		if want == "" {
			want = words
		}
		if words != want {
			t.Errorf("%q is answered %q, others %q", guess, words, want)
		}
		form := person("Ben", "ben@example.com", "a long password")
		form.Set("token", guess)
		b.post(t, "/signup", form).want(t, http.StatusNotFound)
	}
	if n := number(t, d, `SELECT count(*) FROM users WHERE email = 'ben@example.com'`); n != 0 {
		t.Error("a guessed link made an account")
	}
}
