package doctor

import (
	"context"
	"fmt"
	"net/http"
)

// examineForms posts as a browser would from the portal's own page, and as one would from a foreign page. The
// address takes no forms, so that nothing happens: only whether it is refused for its origin is of interest.
func (d *doctor) examineForms(ctx context.Context, p *portal) {
	ctx, cancel := context.WithTimeout(ctx, d.pace.ask)
	defer cancel()
	for _, try := range []struct {
		page    string
		refused bool
		header  []string
	}{
		{"a page of the portal", false, []string{"Sec-Fetch-Site", "same-origin", "Origin", origin(p)}},
		{"a page of the portal, by an older browser", false, []string{"Origin", origin(p)}},
		{"another site", true, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://elsewhere.example"}},
		{"another site, by an older browser", true, []string{"Origin", "https://elsewhere.example"}},
	} {
		answer, err := p.client.do(ctx, http.MethodPost, "/healthz", try.header...)
		if err != nil {
			d.report.add(p.finding("forms", Error, "A form gets no answer.", sentence(oneLine(err)), "See in the proxy's error log why it does not pass POST on."))
			return
		}
		answer.Body.Close()
		switch {
		case answer.StatusCode == http.StatusForbidden && !try.refused:
			d.report.add(p.finding("forms", Error, fmt.Sprintf("A form from %s is refused as another site's: nobody can sign in.", try.page),
				"The Host header that reaches the app is not the page's, or the proxy changes Origin or Sec-Fetch-Site.",
				"nginx: `proxy_set_header Host $http_host;`, and no rule about the other two."))
			return
		case answer.StatusCode != http.StatusForbidden && try.refused:
			d.report.add(p.finding("forms", Error, fmt.Sprintf("A form from %s is let in.", try.page),
				"The proxy removes or changes Origin or Sec-Fetch-Site, by which the app tells its own pages from others.",
				"Take the rule out (nginx: `proxy_set_header`; Apache: `RequestHeader`)."))
			return
		}
	}
	d.report.add(p.finding("forms", OK, "Taken from the portal's own pages, refused from others.", "", ""))
}
