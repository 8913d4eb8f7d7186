package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"autocrm/deploy/deploytest"
	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/PuerkitoBio/goquery"
	"github.com/jackc/pgx/v5"
)

// caller is somebody at a portal of a running program, with the cookies of it.
type caller struct {
	*program
	portal  string
	cookies map[string]string
	errors  *strings.Builder // every page that is an error
}

// do sends a request; a body is a form unless header says otherwise.
func (c *caller) do(method, path, body string, header ...string) (*http.Response, string) {
	c.t.Helper()
	request := c.request(method, c.portal, path)
	if body != "" {
		request.Body, request.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	for name, value := range c.cookies {
		request.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	answer, err := http.DefaultTransport.RoundTrip(request.WithContext(ctx))
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	for _, cookie := range answer.Cookies() {
		c.cookies[cookie.Name] = cookie.Value
	}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") {
		hello := bufio.NewScanner(answer.Body)
		for hello.Scan() {
			if id, ok := strings.CutPrefix(hello.Text(), "id: "); ok {
				return answer, id
			}
		}
	}
	text, _ := io.ReadAll(answer.Body)
	switch {
	case answer.StatusCode < 400 || answer.StatusCode == http.StatusUnprocessableEntity: // no error, or the form again
	case answer.StatusCode == http.StatusForbidden && strings.HasPrefix(path, "/signup?"): // leads to the right portal, whole
	default:
		c.errors.Write(text)
	}
	return answer, string(text)
}

func (c *caller) post(path string, fields ...string) (*http.Response, string) {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	return c.do("POST", path, form.Encode())
}

// TestSecretsStaySecret does with the real program, at its most talkative, whatever has to do with a secret, well and
// badly, and then looks for every one of them in all that it wrote and in every error that it answered.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	for _, role := range store.Roles {
		db.Person(t, role, string(role)+"@example.com")
	}
	const key, old = "a-secret-key-that-is-long-enough", "an-older-key-that-is-long-enough"
	p := start(t, onDatabase(t, db, "LOG_LEVEL=debug", "LOG_FORMAT=json", "SECRET_KEY="+key+","+old), "serve")
	p.ready()
	secrets := map[string]string{"SECRET_KEY": key, "the old SECRET_KEY": old, "the password": storetest.Password}
	if config, err := pgx.ParseConfig(db.URL); err == nil && config.Password != "" {
		secrets["the database's password"] = config.Password
	}
	errors := &strings.Builder{}
	at := func(portal string) *caller {
		return &caller{program: p, portal: portal, cookies: map[string]string{}, errors: errors}
	}
	signIn := func(c *caller, email, password string) {
		t.Helper()
		if answer, text := c.post("/sign-in", "email", email, "password", password); answer.StatusCode != http.StatusSeeOther {
			t.Fatalf("sign-in: %s\n%s", answer.Status, text)
		}
	}
	keep := func(name string, c *caller) {
		for cookie, value := range c.cookies {
			if strings.HasPrefix(cookie, "autocrm_"+c.portal) && value != "" {
				secrets[name+"'s cookie"] = value
			}
		}
	}

	admin, client := at("admin"), at("client")
	signIn(admin, "admin@example.com", storetest.Password)
	signIn(client, "client@example.com", storetest.Password)
	keep("the admin", admin)
	keep("the client", client)
	secrets["a wrong password"] = "wrong-password-of-somebody"
	at("client").post("/sign-in", "email", "client@example.com", "password", secrets["a wrong password"])
	at("client").post("/sign-in", "email", "client@example.com\x00", "password", secrets["a wrong password"])
	secrets["a password as an email"] = "typed-into-the-wrong-field"
	at("client").post("/sign-in", "email", secrets["a password as an email"], "password", "x")
	at("client").do("POST", "/sign-in", "email=%zz&password="+secrets["a wrong password"])
	at("client").do("POST", "/api/token", `{"email":"client@example.com","password":"`+secrets["a wrong password"], "Content-Type", "application/json")
	at("client").do("GET", "/sign-in?password="+secrets["a wrong password"], "")
	at("client").do("GET", "/tickets", "", "Authorization", "Basic "+secrets["a wrong password"])

	// Invited, with a link and a newer one; both are tried, here and on the wrong portal.
	_, text := admin.post("/invitations", "email", "new@example.com", "role", "agent")
	link := func(text string) string {
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		_, token, ok := strings.Cut(doc.Find("#invitation-link").AttrOr("value", ""), "token=")
		if !ok {
			t.Fatalf("no link: %s", text)
		}
		return token
	}
	secrets["an invitation"] = link(text)
	var invitation string
	if err := db.Owner.QueryRow(t.Context(), `SELECT id FROM invitations`).Scan(&invitation); err != nil {
		t.Fatal(err)
	}
	_, text = admin.post("/invitations/"+invitation+"/link", "x", "y")
	secrets["a new link"] = link(text)
	secrets["an invited person's password"] = "password-of-the-invited"
	for _, token := range []string{secrets["an invitation"], secrets["a new link"]} {
		for _, portal := range []string{"client", "agent"} {
			at(portal).do("GET", "/signup?token="+token, "")
			at(portal).do("GET", "/signup/?token="+token, "")
			at(portal).do("PUT", "/signup?token="+token, "")
		}
	}
	agent := at("agent")
	agent.post("/signup", "token", secrets["a new link"], "full_name", "", "password", secrets["an invited person's password"])
	if answer, text := agent.post("/signup", "token", secrets["a new link"], "full_name", "New", "password", secrets["an invited person's password"]); answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign-up: %s\n%s", answer.Status, text)
	}
	keep("the agent", agent)
	secrets["a customer's password"] = "password-of-a-new-customer"
	at("client").post("/signup", "email", "customer@example.com", "full_name", "Customer", "password", secrets["a customer's password"])
	secrets["a new password"] = "the-new-password-of-the-agent"
	agent.post("/account/password", "current_password", secrets["a wrong password"], "new_password", secrets["a new password"])
	agent.post("/account/password", "current_password", secrets["an invited person's password"], "new_password", secrets["a new password"])
	keep("the agent, later,", agent)

	// Tokens and cursors.
	_, text = at("client").post("/api/token", "email", "client@example.com", "password", storetest.Password)
	var made struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(made.AccessToken, ".")
	secrets["a token's claims"], secrets["a token's signature"] = parts[1], parts[2]
	bearer := []string{"Authorization", "Bearer " + made.AccessToken, "Accept", "application/json"}
	at("client").do("GET", "/tickets", "", bearer...)
	_, secrets["a cursor"] = at("client").do("GET", "/live", "", bearer...)
	at("client").do("GET", "/live", "", append(bearer, "Last-Event-ID", secrets["a cursor"])...)
	at("client").do("GET", "/live?after="+secrets["a cursor"], "", bearer...)
	at("client").do("GET", "/live/poll?wait=0&after="+secrets["a cursor"], "", bearer...)
	at("client").do("GET", "/live?after="+secrets["a cursor"]+"x", "")
	at("client").do("GET", "/live?access_token="+made.AccessToken, "")
	at("client").do("GET", "/tickets", "", "Authorization", "Bearer "+parts[0]+"."+parts[1]+".x", "Accept", "application/json")
	at("client").do("GET", "/tickets", "", "Cookie", "autocrm_client="+secrets["the client's cookie"]+"x")

	// What people write and attach is nobody's business either.
	secrets["a text"], secrets["a file"], secrets["a note"] = "what-only-the-agent-may-read", "what-is-in-the-file", "what-the-client-may-not-read"
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	for name, value := range map[string]string{"subject": "Printer", "description": secrets["a text"], "priority": "low"} {
		w.WriteField(name, value)
	}
	file, _ := w.CreateFormFile("files", "a.txt")
	io.WriteString(file, secrets["a file"])
	w.Close()
	answer, _ := client.do("POST", "/tickets", form.String(), "Content-Type", w.FormDataContentType())
	ticket := answer.Header.Get("Location")
	client.do("POST", "/tickets", form.String()[:form.Len()/2], "Content-Type", w.FormDataContentType())
	agent.post(ticket+"/notes", "content", secrets["a note"])

	// Failures inside: of the database, of a connection, of a query with a secret among its values.
	db.Exec(t, `ALTER TABLE sessions RENAME TO lost`)
	signInFails := func() { at("client").post("/sign-in", "email", "client@example.com", "password", storetest.Password) }
	signInFails()
	client.do("GET", "/tickets", "")
	client.do("GET", "/live?after="+secrets["a cursor"], "")
	db.Exec(t, `ALTER TABLE lost RENAME TO sessions`)
	db.Exec(t, `ALTER TABLE ticket_activities ADD CONSTRAINT no CHECK (content NOT LIKE '%only-the-agent%') NOT VALID`)
	agent.post(ticket+"/replies", "content", secrets["a text"])
	db.Exec(t, `ALTER TABLE users ADD CONSTRAINT no CHECK (password_hash IS NULL) NOT VALID`)
	agent.post("/account/password", "current_password", secrets["a new password"], "new_password", secrets["a customer's password"])
	at("client").post("/signup", "email", "second@example.com", "full_name", "Second", "password", secrets["a customer's password"])
	db.Exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	signInFails()
	client.do("GET", "/tickets", "")
	if !strings.Contains(errors.String(), "Something went wrong") || !strings.Contains(p.said.String(), `"status":500`) {
		t.Error("nothing failed inside: the test proves too little")
	}

	// Hashes that would do for the thing itself where somebody can read the database.
	rows, err := db.Owner.Query(t.Context(), `SELECT token_hash FROM sessions UNION ALL SELECT token_hash FROM invitations`)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range hashes {
		secrets["the hash "+hex.EncodeToString(hash[:2])], secrets["the hash, in base64, "+hex.EncodeToString(hash[:2])] = hex.EncodeToString(hash), base64.StdEncoding.EncodeToString(hash)
	}
	sum := sha256.Sum256([]byte(key))
	secrets["a hash of SECRET_KEY"] = hex.EncodeToString(sum[:])
	p.end(syscall.SIGTERM)
	said := p.said.String()
	for name, secret := range secrets {
		if len(secret) < 10 {
			t.Fatalf("%s is %q: the test proves nothing of it", name, secret)
		}
		for where, text := range map[string]string{"the log": said, "an error page": errors.String()} {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s has %s: %.300s", where, name, text[max(0, at-150):])
			}
		}
	}
	if strings.Contains(said, "$argon2id$") {
		t.Error("the log has a password's hash")
	}
}

// TestCommandsKeepSecrets: what a command says of a database that it cannot reach has no password in it, however the
// address was given.
func TestCommandsKeepSecrets(t *testing.T) {
	t.Parallel()
	all := [][]string{{"migrate"}, {"serve"}, {"demo"}, {"create-admin", "a@example.com"}, {"doctor"}, {"doctor", "--json"}}
	for i, address := range []string{
		"postgres://autocrm:geheim-geheim@127.0.0.1:1/autocrm",
		"postgres://autocrm:geheim-geheim@127.0.0.1:1,127.0.0.1:2/autocrm?target_session_attrs=read-write",
		"host=127.0.0.1 port=1 user=autocrm password=geheim-geheim dbname=autocrm",
		"postgres://autocrm:geheim-geheim@127.0.0.1:port/autocrm",
		"postgres://autocrm:geheim-geheim%zz@127.0.0.1/autocrm",
		"postgres://127.0.0.1:1/autocrm?user=a&password=geheim-geheim&sslmode=verify-full&sslrootcert=/nowhere",
		"geheim-geheim",
	} {
		commands := all[:1]
		if i == 0 {
			commands = append(all, []string{"migrate", "--database-url=" + address})
		}
		for _, args := range commands {
			env := []string{"DATABASE_URL=" + address, "DATA_DIR=" + t.TempDir(), "LISTEN_ADDR=" + deploytest.FreeAddress(t), "SECRET_KEY=geheim-geheim-geheim", "LOG_LEVEL=debug"}
			if len(args) > 1 && strings.HasPrefix(args[1], "--database") {
				env = env[1:]
			}
			p := start(t, env, args...)
			p.wait(time.Now())
			if said := p.said.String(); strings.Contains(said, "geheim") || p.cmd.ProcessState.ExitCode() == 0 || said == "" {
				t.Errorf("%v with %s ended with %d and says %q", args[0], address, p.cmd.ProcessState.ExitCode(), said)
			}
		}
	}
}
