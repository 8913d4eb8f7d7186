package web_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"autocrm/handlers"
	"autocrm/store"
	"autocrm/web"
	"autocrm/web/auth"
)

// What the app saw of a request it tells to who has the deployment's secret, now; to anybody else it says ok.
func TestWhatTheAppSawIsForTheDoctorAlone(t *testing.T) {
	t.Parallel()
	old, now := []byte("the secret before this one, still good"), time.Now()
	d := deploy(t, "https", func(c *web.Config) { c.SecretKeys = append(c.SecretKeys, old) })
	b := d.browser(t, store.Agent)
	b.peer = "10.9.1.2:4711"
	secret := d.config.SecretKeys[0]
	for name, proof := range map[string]string{
		"none":            "",
		"nonsense":        "x",
		"another secret":  auth.Proof([]byte("a secret that is not this deployment's"), now),
		"of an hour ago":  auth.Proof(secret, now.Add(-time.Hour)),
		"of in an hour":   auth.Proof(secret, now.Add(time.Hour)),
		"one letter else": flipped(auth.Proof(secret, now)),
		"cut":             auth.Proof(secret, now)[:40],
	} {
		if got := b.get(t, "/healthz", auth.ProbeHeader, proof); got.StatusCode != http.StatusOK || got.body != "ok\n" {
			t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
		}
	}
	for name, key := range map[string][]byte{"the newest secret": secret, "an older one": old} {
		got := b.get(t, "/healthz?a=b", auth.ProbeHeader, auth.Proof(key, now), "X-Forwarded-For", "203.0.113.9", "Origin", "https://agent.example.com")
		var seen handlers.Seen
		if err := json.Unmarshal([]byte(got.body), &seen); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, got.body)
		}
		if seen.Portal != store.Agent || seen.Host != "agent.example.com" || seen.Peer != "10.9.1.2:4711" || !seen.PeerTrusted ||
			seen.Caller != "203.0.113.9" || seen.Query != "a=b" || seen.Header.Get("Origin") != "https://agent.example.com" {
			t.Errorf("%s: it saw %+v", name, seen)
		}
		if strings.Contains(got.body, auth.ProbeHeader) || strings.Contains(got.body, string(key)) {
			t.Errorf("%s: it tells the proof: %s", name, got.body)
		}
	}
	b.peer = "192.0.2.7:4711"
	got := b.get(t, "/healthz", auth.ProbeHeader, auth.Proof(secret, now), "X-Forwarded-For", "203.0.113.9")
	if !strings.Contains(got.body, `"peer_trusted":false`) || !strings.Contains(got.body, `"caller":"192.0.2.7"`) {
		t.Errorf("of a stranger it says %s", got.body)
	}
}

// flipped is another text of the same length.
func flipped(s string) string {
	if s[20] == 'A' {
		return s[:20] + "B" + s[21:]
	}
	return s[:20] + "A" + s[21:]
}
