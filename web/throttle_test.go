package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"
)

// Twenty guesses at once get as far as twenty one after the other: five.
func TestConcurrentGuessesDoNotSlipPast(t *testing.T) {
	t.Parallel()
	for name, email := range map[string]string{"an account": "ana@example.com", "no account": "nobody@example.com"} {
		d := deploy(t, "http")
		d.Person(t, store.Client, "ana@example.com")
		statuses := map[int]int{}
		var mu sync.Mutex
		var group sync.WaitGroup
		for i := range 20 {
			b := d.browser(t, store.Client)
			b.peer = fmt.Sprintf("192.0.2.%d:1", i+1) // from as many addresses
			group.Go(func() {
				got := b.post(t, "/sign-in", url.Values{"email": {email}, "password": {"guess " + strconv.Itoa(i)}})
				mu.Lock()
				defer mu.Unlock()
				statuses[got.StatusCode]++
			})
		}
		group.Wait()
		// The sixth guess may come a second after the fifth on a slow machine.
		if statuses[http.StatusUnprocessableEntity] < 5 || statuses[http.StatusUnprocessableEntity] > 6 ||
			statuses[http.StatusUnprocessableEntity]+statuses[http.StatusTooManyRequests] != 20 {
			t.Errorf("%s: %v", name, statuses)
		}
	}
}

func TestGuessingIsSlowedPerAccount(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Client, "ana@example.com")
	b := d.browser(t, store.Client)
	guess := func(email, password string) answer {
		return b.post(t, "/sign-in", url.Values{"email": {email}, "password": {password}})
	}
	for range 4 {
		guess("ana@example.com", "wrong").want(t, http.StatusUnprocessableEntity)
	}
	guess("Ana@Example.com ", storetest.Password).want(t, http.StatusSeeOther) // a success starts anew
	for range 5 {
		got := guess("ana@example.com", "wrong").want(t, http.StatusUnprocessableEntity)
		if email := got.html(t).Find("[name=email]").AttrOr("value", ""); email != "ana@example.com" {
			t.Errorf("what was typed is gone: %q", email)
		}
		if strings.Contains(got.body, `value="wrong"`) {
			t.Error("the password came back")
		}
	}
	d.Exec(t, `UPDATE sign_in_failures SET failures = 9, last_at = clock_timestamp() - interval '3 seconds' WHERE failures = 5`)
	slowed := guess("ANA@example.com", storetest.Password).want(t, http.StatusTooManyRequests)
	if seconds, err := strconv.Atoi(slowed.Header.Get("Retry-After")); err != nil || seconds < 10 || seconds > 13 {
		t.Errorf("Retry-After %q", slowed.Header.Get("Retry-After"))
	}
	if !strings.Contains(slowed.body, "too many attempts. Wait 1") {
		t.Errorf("does not say how long: %s", slowed.html(t).Find(".notice").Text())
	}
	// Asking in vain does not lengthen the wait, and after it the right password opens.
	d.Exec(t, `UPDATE sign_in_failures SET last_at = clock_timestamp() - interval '16 seconds'`)
	guess("ana@example.com", storetest.Password).want(t, http.StatusSeeOther)
	// However many mistakes: at most five minutes.
	d.Exec(t, `DELETE FROM sign_in_failures`)
	guess("ana@example.com", "wrong")
	d.Exec(t, `UPDATE sign_in_failures SET failures = 100000, last_at = clock_timestamp() - interval '301 seconds'`)
	guess("ana@example.com", storetest.Password).want(t, http.StatusSeeOther)
}

func TestGuessingIsSlowedPerAddress(t *testing.T) {
	t.Parallel()
	d := deploy(t, "http")
	d.Person(t, store.Client, "ana@example.com")
	b := d.browser(t, store.Client)
	b.peer = "[2001:db8:1:2::1]:1"
	for i := range 30 {
		b.peer = fmt.Sprintf("[2001:db8:1:2::%x]:1", i+1) // one subscriber has them all
		b.post(t, "/sign-in", url.Values{"email": {fmt.Sprintf("p%d@example.com", i)}, "password": {"wrong"}}).want(t, http.StatusUnprocessableEntity)
	}
	d.Exec(t, `UPDATE sign_in_failures SET failures = failures + 5 WHERE failures = 30`)
	right := url.Values{"email": {"ana@example.com"}, "password": {storetest.Password}}
	b.post(t, "/sign-in", right).want(t, http.StatusTooManyRequests)
	b.peer = "[2001:db8:1:3::1]:1"
	b.post(t, "/sign-in", right).want(t, http.StatusSeeOther)
}

// An unknown address, a wrong password and a closed account take the same time and the same words.
func TestAnUnknownAddressCostsAsMuchAsAWrongPassword(t *testing.T) {
	d := deploy(t, "http") // not parallel: it measures
	for _, email := range []string{"ana@example.com", "closed@example.com"} {
		// Signing up makes a hash of full cost; a Person's is cheap.
		d.browser(t, store.Client).post(t, "/signup",
			url.Values{"full_name": {"A"}, "email": {email}, "password": {"a password of ana's"}}).want(t, http.StatusSeeOther)
	}
	d.Exec(t, `UPDATE users SET active = false WHERE email = 'closed@example.com'`)
	times := map[string][]time.Duration{}
	words := map[string]bool{}
	for range 15 {
		for kind, given := range map[string][2]string{
			"wrong":   {"ana@example.com", "not her password"},
			"unknown": {"nobody@example.com", "not her password"},
			"closed":  {"closed@example.com", "a password of ana's"},
			"hostile": {"no\x00body \xff", "not her password"},
		} {
			d.Exec(t, `DELETE FROM sign_in_failures`)
			b := d.browser(t, store.Client)
			began := time.Now()
			got := b.post(t, "/sign-in", url.Values{"email": {given[0]}, "password": {given[1]}}).want(t, http.StatusUnprocessableEntity)
			times[kind] = append(times[kind], time.Since(began))
			words[got.html(t).Find(".field__error, .notice").Text()] = true
		}
	}
	if len(words) != 1 {
		t.Errorf("the words differ: %v", words)
	}
	// The least of each: whatever else the machine does only adds to a time.
	least := func(kind string) time.Duration { return slices.Min(times[kind]) }
	for _, kind := range []string{"unknown", "closed", "hostile"} {
		if ratio := float64(least(kind)) / float64(least("wrong")); ratio < 0.6 || ratio > 1.7 {
			t.Errorf("%s takes %s, a wrong password %s", kind, least(kind), least("wrong"))
		}
	}
}
