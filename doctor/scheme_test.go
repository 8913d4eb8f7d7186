package doctor

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"autocrm/deploy/deploytest"
)

// TestAnotherScheme has the portals on https while the settings say http.
func TestAnotherScheme(t *testing.T) {
	t.Parallel()
	s := setup{proxy: func(_ *http.Request, p *deploytest.Proxy) {
		p.Instead = func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusMovedPermanently)
		}
	}}
	r := newDesk(t, s).examine(t, s)
	for _, name := range []string{"CLIENT_URL", "AGENT_URL", "ADMIN_URL"} {
		if !slices.ContainsFunc(r.Findings, func(f Finding) bool {
			return f.Level == Error && f.Check == "request" && f.Sentence == "The portal is on https, but "+name+" begins with http://." && strings.Contains(f.Cure, name)
		}) {
			t.Errorf("nothing is said of %s: %+v", name, r.Findings)
		}
	}
}
