package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"autocrm/handlers"
	"autocrm/web/auth"
)

// What the doctor sends to see whether it arrives.
const (
	sentQuery  = "after=a%2Fb~c&page=doctor"
	sentID     = "doctor-event-id"
	sentBearer = "Bearer doctor"
	sentCookie = "autocrm_doctor=probe"
	// An address of documentation, RFC 5737: nobody calls from there.
	forgedAddress = "203.0.113.77"
)

// examineRequest asks the app what it sees of a request that took the public way. It returns false where
// requests do not reach this portal of this deployment.
func (d *doctor) examineRequest(ctx context.Context, p *portal) (reaches bool) {
	ctx, cancel := context.WithTimeout(ctx, d.pace.ask)
	defer cancel()
	began := time.Now()
	seen, answer, body, err := d.ask(ctx, p)
	took := time.Since(began)
	if err != nil {
		d.report.add(p.finding("request", Error, "A request gets no answer.", sentence(oneLine(err)),
			"See whether AutoCRM runs, and in the proxy's error log why it does not pass the request on."))
		return false
	}
	if seen == nil {
		d.report.add(misled(p, answer, body))
		return false
	}
	d.report.note(p, func(f *Figures) { f.Caller = seen.Caller })
	if seen.Portal != p.role {
		d.report.add(p.finding("request", Error, fmt.Sprintf("This name shows the %s portal.", seen.Portal),
			fmt.Sprintf("The app is asked for %q: the proxy sends that in the place of %s.", seen.Host, p.url.Host),
			"nginx: `proxy_set_header Host $http_host;`"))
		return false
	}
	wrong := slices.Concat(hostFindings(p, seen), headerFindings(p, seen, answer), d.callerFindings(ctx, p, seen), clockFindings(p, seen, began, took))
	for _, f := range wrong {
		d.report.add(f)
	}
	if len(wrong) == 0 {
		d.report.add(p.finding("request", OK, fmt.Sprintf("Reaches the app in %s, as %s from %s, unchanged.", span(took), seen.Host, seen.Caller), "", ""))
	}
	return true
}

// ask sends a proven request with everything in it that must arrive. seen is nil where the answer is not the app's.
func (d *doctor) ask(ctx context.Context, p *portal, header ...string) (seen *handlers.Seen, answer *http.Response, body string, err error) {
	answer, err = p.client.do(ctx, http.MethodGet, "/healthz?"+sentQuery, append([]string{
		auth.ProbeHeader, auth.Proof(d.Secrets[0], time.Now()),
		"Accept", "text/event-stream", "Authorization", sentBearer, "Cookie", sentCookie, "If-None-Match", `"doctor"`,
		"Last-Event-ID", sentID, "Origin", origin(p), "Sec-Fetch-Site", "same-origin",
	}, header...)...)
	if err != nil {
		return nil, nil, "", err
	}
	defer answer.Body.Close()
	text, err := readAll(answer)
	if err != nil {
		return nil, nil, "", err
	}
	var s handlers.Seen
	if answer.StatusCode != http.StatusOK || json.Unmarshal(text, &s) != nil || !s.Portal.Valid() {
		return nil, answer, string(text), nil
	}
	return &s, answer, string(text), nil
}

// readAll reads an ordinary answer, unpacked if something on the way packed it.
func readAll(answer *http.Response) ([]byte, error) {
	body, err := unpacked(answer)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(body, 1<<20))
}

func origin(p *portal) string { return p.url.Scheme + "://" + p.url.Host }

var askedFor = regexp.MustCompile(`has no portal at "([^"]*)"`)

// misled explains an answer that is not what the app says to a doctor.
func misled(p *portal, answer *http.Response, body string) Finding {
	own := answer.Header.Get("X-Request-Id") != ""
	switch host := askedFor.FindStringSubmatch(body); {
	case answer.StatusCode == http.StatusMisdirectedRequest && host != nil:
		return p.finding("host", Error, fmt.Sprintf("The app is asked for %q and not for %s.", host[1], p.url.Host),
			"The proxy changes the Host header, by which the app chooses the portal; or the app was started with other addresses.",
			"nginx: `proxy_set_header Host $http_host;`. Apache: `ProxyPreserveHost On`. Caddy: no `header_up Host`. HAProxy: no rule about it.")
	case answer.StatusCode == http.StatusOK && strings.TrimSpace(body) == "ok":
		return p.finding("request", Error, "The app answers, but does not know the doctor's proof.",
			"SECRET_KEY is not the one that the app runs with, the app is an older version, a proxy takes the header "+auth.ProbeHeader+" away, or the clocks are minutes apart.",
			"Run the doctor with the environment of `autocrm serve`, and the same DATA_DIR where no SECRET_KEY is set.")
	case answer.StatusCode == http.StatusBadGateway || answer.StatusCode == http.StatusServiceUnavailable || answer.StatusCode == http.StatusGatewayTimeout:
		return p.finding("request", Error, fmt.Sprintf("The proxy answers %s instead of the app.", answer.Status),
			"It does not reach the app at the address it has for it.", "See whether AutoCRM runs, and whether the proxy's upstream is its LISTEN_ADDR.")
	case secured(p, answer):
		variable := strings.ToUpper(string(p.role)) + "_URL"
		return p.finding("request", Error, fmt.Sprintf("The portal is on https, but %s begins with http://.", variable),
			"What answers sends everybody on to https. The app goes by its setting: it makes cookies that also travel in the clear, and links to http.",
			fmt.Sprintf("Let %s begin with https://, for the doctor and for `autocrm serve`.", variable))
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		return p.finding("request", Error, fmt.Sprintf("Something on the way answers with a redirect to %s.", answer.Header.Get("Location")),
			"A sign-in of the proxy's own, or a redirect of addresses, stands before the app.", "Let the proxy pass every path on to the app.")
	case own:
		return p.finding("request", Error, fmt.Sprintf("The app answers %s.", answer.Status), "Its log says why, at the id "+answer.Header.Get("X-Request-Id")+".", "")
	}
	return p.finding("request", Error, fmt.Sprintf("Something other than the app answers: %s, %s.", answer.Status, contentType(answer)),
		"The name leads to another site, or the proxy has no rule for it.", "Let the proxy pass this name on to AutoCRM, whole.")
}

// secured says whether what answers at a portal on http leads to the same place on https.
func secured(p *portal, answer *http.Response) bool {
	to, err := answer.Location()
	return err == nil && p.url.Scheme == "http" && to.Scheme == "https" && strings.EqualFold(to.Hostname(), p.url.Hostname())
}

func contentType(answer *http.Response) string {
	if kind := answer.Header.Get("Content-Type"); kind != "" {
		return kind
	}
	return "without a content type"
}

// hostFindings compare the Host header: it chooses the portal, and forms are refused where its port is lost.
func hostFindings(p *portal, seen *handlers.Seen) []Finding {
	if strings.EqualFold(seen.Host, p.url.Host) {
		return nil
	}
	return []Finding{p.finding("host", Error, fmt.Sprintf("The app sees the Host %q instead of %q.", seen.Host, p.url.Host),
		"The proxy changes the header. Browsers compare it with the page's address, so forms are refused as another site's.",
		"nginx: `proxy_set_header Host $http_host;`, which keeps the port; `$host` does not.")}
}

// headerFindings compare what was sent with what arrived, both ways.
func headerFindings(p *portal, seen *handlers.Seen, answer *http.Response) (findings []Finding) {
	var lost []string
	for name, value := range map[string]string{
		"Authorization": sentBearer, "Cookie": sentCookie, "Last-Event-Id": sentID, "Origin": origin(p), "Sec-Fetch-Site": "same-origin", "If-None-Match": `"doctor"`,
	} {
		if !slices.Contains(seen.Header[name], value) {
			lost = append(lost, name)
		}
	}
	slices.Sort(lost)
	if len(lost) > 0 {
		findings = append(findings, p.finding("headers", Error, fmt.Sprintf("Of a request, %s does not arrive as it was sent.", strings.Join(lost, ", ")),
			"The proxy removes or changes it.", "Take the rule out (nginx: `proxy_set_header`; Apache: `RequestHeader`)."))
	}
	if seen.Query != sentQuery {
		findings = append(findings, p.finding("headers", Error, fmt.Sprintf("The query of an address arrives as %q, sent was %q.", seen.Query, sentQuery),
			"The proxy rewrites addresses.", "nginx: `proxy_pass http://autocrm;`, without a path behind the name."))
	}
	var changed []string
	for _, name := range []string{"AutoCRM-Portal", "Cache-Control", "Content-Security-Policy", "Referrer-Policy", "Strict-Transport-Security", "X-Content-Type-Options", "X-Frame-Options"} {
		if got := answer.Header.Values(name); !slices.Equal(got, seen.Answered.Values(name)) {
			changed = append(changed, fmt.Sprintf("%s (%s)", name, strings.Join(append(got, "none")[:max(1, len(got))], " and ")))
		}
	}
	if len(changed) > 0 {
		findings = append(findings, p.finding("headers", Warning, "Headers of the answer are not the app's: "+strings.Join(changed, ", ")+".",
			"The proxy adds, removes or doubles them.", "Take the rule out (nginx: `add_header`, `proxy_hide_header`, `expires`): the app sets what its pages need."))
	}
	return findings
}

// callerFindings ask whom the app takes for the caller: the limits on guessing passwords count by it.
func (d *doctor) callerFindings(ctx context.Context, p *portal, seen *handlers.Seen) []Finding {
	peer, _, err := net.SplitHostPort(seen.Peer)
	if err != nil {
		peer = seen.Peer
	}
	forwarded := strings.Join(seen.ForwardedFor, ", ")
	switch {
	case forwarded != "" && !seen.PeerTrusted:
		return []Finding{p.finding("caller", Error, fmt.Sprintf("The app takes the proxy at %s for the caller, and so everybody for one person.", peer),
			fmt.Sprintf("The proxy says that it calls for %s, but is not among TRUSTED_PROXIES. Who mistypes a password slows everybody's sign-in down.", forwarded),
			fmt.Sprintf("Set TRUSTED_PROXIES to %s, or to the range that the proxies are in.", peer))}
	case forwarded == "" && p.url.Scheme == "https" && !seen.TLS:
		return []Finding{p.finding("caller", Error, fmt.Sprintf("The app takes the proxy at %s for the caller, and so everybody for one person.", peer),
			"The proxy does not say for whom it calls.",
			fmt.Sprintf("nginx: `proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`. HAProxy: `option forwardfor`. And TRUSTED_PROXIES=%s.", peer))}
	case forwarded == "":
		return nil // nothing stands between
	}
	// Whether the proxy adds to what a caller claims, or passes it on as it is.
	forged, _, _, err := d.ask(ctx, p, "X-Forwarded-For", forgedAddress)
	if err == nil && forged != nil && forged.Caller == forgedAddress && strings.Join(forged.ForwardedFor, ", ") == forgedAddress {
		return []Finding{p.finding("caller", Error, "Callers may say themselves who they are: a forged X-Forwarded-For is believed.",
			"The proxy passes the header on as it came. Who guesses passwords takes another address for each guess.",
			"nginx: `proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;`. HAProxy: `http-request del-header X-Forwarded-For` before `option forwardfor`.")}
	}
	return nil
}

// clockFindings compare the app's clock with this machine's.
func clockFindings(p *portal, seen *handlers.Seen, began time.Time, took time.Duration) []Finding {
	ahead := seen.At.Sub(began.Add(took / 2))
	if ahead.Abs() < took+5*time.Second {
		return nil
	}
	return []Finding{p.finding("clock", Warning, fmt.Sprintf("The app's clock and this machine's are %s apart.", span(ahead.Abs())),
		"One of the machines does not keep time.", "Run a time service on both (`timedatectl set-ntp true`): tokens end by the clock.")}
}
