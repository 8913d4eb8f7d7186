package store

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// What is kept of a text is what a column can hold, and cleaning it again changes nothing.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"a", " a\r\nb\r", "\x00", "\xff\xfe", "a\u202eb", "../../etc/passwd", `C:\x\y.txt`, strings.Repeat("n", 300) + ".pdf", "..", "\u200b", "a@example.com", "A <a@example.com>", "\u2028"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		holds := func(what, s string, control func(rune) bool) {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, control) {
				t.Errorf("%s of %q is %q", what, text, s)
			}
		}
		inText := func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
		inLine := func(r rune) bool {
			return unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
		}
		holds("the text", cleanText(text), inText)
		holds("the line", cleanLine(text), inLine)
		holds("the search", cleanSearch(text), inLine)
		holds("the excerpt", excerpt(text, 20), inLine)
		holds("the key", emailKey(text), inLine)
		for what, clean := range map[string]func(string) string{"text": cleanText, "line": cleanLine, "file name": cleanFileName} {
			if once := clean(text); clean(once) != once {
				t.Errorf("the %s of %q is %q, and of that %q", what, text, once, clean(once))
			}
		}
		name := cleanFileName(text)
		holds("the file name", name, inLine)
		if name == "" || name == "." || name == ".." || strings.ContainsAny(name, `/\`) || utf8.RuneCountInString(name) > 255 {
			t.Errorf("the file name of %q is %q", text, name)
		}
		if email, problem := checkEmail(text); problem == "" {
			holds("the address", email, inLine)
			if strings.Count(email, "@") != 1 || len(email) > MaxEmail || strings.ContainsAny(email, " <>\",;:\\") {
				t.Errorf("%q is taken for an address", email)
			}
		}
		if person, problem := checkName(text); problem == "" {
			holds("the name", person, inLine)
			if person == "" || utf8.RuneCountInString(person) > MaxName {
				t.Errorf("%q is taken for a name", person)
			}
		}
	})
}

// A page's key is what a list of that order makes, or Invalid: it is cast in SQL, where a hostile one must not fail.
func FuzzPageKey(f *testing.F) {
	encode := func(key any) string {
		if k, ok := key.(listKey); ok {
			return k.String()
		}
		return ticketQuery{sort: "updated"}.pageKey(Ticket{})
	}
	for _, seed := range []string{encode(listKey{Key: "ana"}), encode(nil), "eyJTb3J0Ijoic3RhdHVzIiwiS2V5IjoiOSIsIk51bWJlciI6MX0", "eyJTb3J0IjoiYWdlIiwiS2V5IjoiMDAwMC0wMS0wMVQwMDowMDowMFoifQ", "e30", "bnVsbA", "", "=", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for sort := range ticketSorts {
			q, err := newTicketQuery(Actor{Role: Agent}, TicketFilter{Sort: sort, After: text})
			if err != nil || text == "" {
				continue
			}
			key, _ := q.args["key"].(string)
			if !utf8.ValidString(key) || strings.ContainsRune(key, 0) {
				t.Errorf("%s after %q asks for %q", sort, text, key)
			}
		}
		w, err := newListWindow(text, "", 0)
		if err == nil && (!utf8.ValidString(w.key.Key) || strings.ContainsRune(w.key.Key, 0)) {
			t.Errorf("after %q the list asks for %q", text, w.key.Key)
		}
	})
}

// What is sniffed of a file decides whether a browser shows it: a picture begins as one, whatever follows.
func FuzzPicture(f *testing.F) {
	for _, seed := range []string{"\x89PNG\r\n\x1a\n<script>", "GIF89a/*", "\xff\xd8\xff<svg>", "RIFF\x00\x00\x00\x00WEBPVP", "<svg>", "<html>", "%PDF-", "\ufeff<script>"} {
		f.Add([]byte(seed))
	}
	begins := map[string][]string{"image/png": {"\x89PNG\r\n\x1a\n"}, "image/jpeg": {"\xff\xd8\xff"}, "image/gif": {"GIF87a", "GIF89a"}, "image/webp": {"RIFF"}}
	f.Fuzz(func(t *testing.T, content []byte) {
		kind := http.DetectContentType(content)
		if !(Attachment{ContentType: kind}).Picture() {
			return
		}
		for _, magic := range begins[kind] {
			if strings.HasPrefix(string(content), magic) {
				return
			}
		}
		t.Errorf("%q is taken for %s", content, kind)
	})
}

// What the claims hook answers, which an operator may have written, is taken whole or not at all.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{`{"claims":{"iss":"i","aud":"authenticated","sub":"00000000-0000-0000-0000-000000000000","role":"service_role"}}`, `{"error":{"message":"x"}}`, `null`, `[]`, `{"claims":[]}`, `{"claims":{"exp":1e99}}`, ``} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, hooked string) {
		row := sessionRow{Issuer: "https://agent.example.com", Hooked: json.RawMessage(hooked)}
		claims, role, err := checkClaims(row)
		if err != nil {
			return
		}
		var is struct{ Role, Aud, Sub string }
		if json.Unmarshal(claims, &is) != nil || !role.Valid() || is.Role != "authenticated" || is.Aud != "authenticated" || is.Sub != row.UserID.String() {
			t.Errorf("%s makes a %q with %s", hooked, role, claims)
		}
	})
}
