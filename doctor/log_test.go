package doctor

import (
	"slices"
	"strings"
	"testing"

	"autocrm/store"
)

// TestLag has nodes say how fast they hand changes on: the doctor names those that are late.
func TestLag(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		listening bool
		lags      string
		level     Level
		words     []string
	}{
		"quick":     {true, "{0,50,40,10,0,0,0,0,0,0,0,0,0,0,0}", OK, []string{"It reaches back less than an hour; of the last changes half reached the streams within 2 ms, 99 % within 9 ms."}},
		"late":      {true, "{0,50,40,0,0,0,0,0,0,0,0,9,0,0,0}", Warning, []string{"a change took up to 4.", "99 % of 198", "page Health"}},
		"deaf":      {false, "{0,50,40,0,0,0,0,0,0,0,0,0,0,0,0}", Warning, []string{"Not told of changes: 1 of 2 nodes", "LISTEN"}},
		"no change": {true, "{}", OK, []string{"no change has reached the streams"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, setup{})
			d.db.Exec(t, `
				INSERT INTO live_samples (minute, node, portal, streams, polls, listening, up, connects, failed, reasons, lags)
				SELECT date_trunc('minute', now()), node, 'agent', 1, 0, $1 OR node = 'one', true, 0, 0, '{}', $2 FROM unnest(ARRAY['one', 'two']) node`,
				c.listening, c.lags)
			r := d.examine(t, setup{})
			i := slices.IndexFunc(r.Findings, func(f store.Finding) bool { return f.Check == "event log" })
			if i < 0 {
				t.Fatal("nothing is said of the event log")
			}
			f := r.Findings[i]
			for _, words := range c.words {
				if said := f.Sentence + " " + f.Cause + " " + f.Cure; f.Level != c.level || !strings.Contains(said, words) {
					t.Errorf("%s, without %q: %s", f.Level, words, said)
				}
			}
		})
	}
}
