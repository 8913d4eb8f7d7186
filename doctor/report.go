package doctor

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"autocrm/store"
)

// Level is how bad a finding is.
type Level = store.Level

// The levels, and with them the exit status of the command.
const (
	OK      = store.LevelOK
	Warning = store.LevelWarning
	Error   = store.LevelError
)

// Finding is one thing found out. What is in order has a sentence alone.
type Finding = store.Finding

// Figures is what was measured at one portal, in milliseconds; 0: not measured.
type Figures struct {
	Portal    store.Role `json:"portal"`
	URL       string     `json:"url"`
	Protocol  string     `json:"protocol,omitempty"`     // of the stream
	FirstByte float64    `json:"first_byte_ms"`          // of the stream
	Hello     float64    `json:"hello_ms"`               // from asking
	Change    float64    `json:"change_ms"`              // from the commit to its arrival on the stream
	Poll      float64    `json:"poll_ms"`                // and by long polling
	Ping      float64    `json:"ping_ms"`                // between two
	Bye       float64    `json:"bye_ms"`                 // from signing out to the stream's end
	DaysLeft  int        `json:"certificate_days"`       // 0: no certificate, or none that is valid
	Caller    string     `json:"seen_as,omitempty"`      // the address that the app takes for the doctor's
	Cut       float64    `json:"cut_after_ms,omitempty"` // the stream ended by itself after so long
}

// Report is everything that was found out, in the order of portals, database, files.
type Report struct {
	Level    Level     `json:"level"` // of the worst finding
	Findings []Finding `json:"findings"`
	Portals  []Figures `json:"portals"`
	Seconds  float64   `json:"seconds"`
}

// checks is the order in which the findings of a subject stand.
var checks = []string{
	"name", "certificate", "redirect", "request", "host", "headers", "caller", "clock", "forms", "cookies", "stream", "polling",
	"connection", "version", "roles", "row security", "migrations", "pooler", "listen", "event log", "probes", "attachments",
}

// collector gathers findings from probes that run at once.
type collector struct {
	mu       sync.Mutex
	findings []Finding
	figures  map[store.Role]*Figures
}

func (c *collector) add(f Finding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.findings = append(c.findings, f)
}

// note changes a portal's figures.
func (c *collector) note(p *portal, change func(*Figures)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.figures == nil {
		c.figures = map[store.Role]*Figures{}
	}
	if c.figures[p.role] == nil {
		c.figures[p.role] = &Figures{Portal: p.role, URL: p.url.String()}
	}
	change(c.figures[p.role])
}

func (c *collector) finish(portals map[store.Role]*portal, took time.Duration) Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := Report{Findings: slices.Clone(c.findings), Seconds: took.Round(100 * time.Millisecond).Seconds()}
	order := map[string]int{"database": len(store.Roles), "files": len(store.Roles) + 1}
	for i, role := range store.Roles {
		order[portals[role].subject] = i
		if figures := c.figures[role]; figures != nil {
			r.Portals = append(r.Portals, *figures)
		}
	}
	// Stable: what is said of one check stands as it was found.
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(order[a.Subject]-order[b.Subject], slices.Index(checks, a.Check)-slices.Index(checks, b.Check))
	})
	for _, f := range r.Findings {
		r.Level = max(r.Level, f.Level)
	}
	return r
}

// WriteJSON writes the report for programs.
func (r Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}

// WriteText writes the report for people: a line for what is in order, the cause and the cure below what is not.
func (r Report) WriteText(w io.Writer) error {
	var b strings.Builder
	subject, count := "", map[Level]int{}
	for _, f := range r.Findings {
		if f.Subject != subject {
			subject = f.Subject
			fmt.Fprintf(&b, "\n%s\n", subject)
		}
		count[f.Level]++
		fmt.Fprintf(&b, "  %-8s %-12s %s\n", f.Level, f.Check, f.Sentence)
		if f.Level == OK {
			continue
		}
		for _, more := range []struct{ word, text string }{{"why", f.Cause}, {"cure", f.Cure}} {
			if more.text != "" {
				fmt.Fprintf(&b, "  %-8s %12s %s\n", "", more.word, more.text)
			}
		}
	}
	verdict := "All is well."
	if r.Level > OK {
		verdict = fmt.Sprintf("%s, %s.", plural(count[Error], "error"), plural(count[Warning], "warning"))
	}
	fmt.Fprintf(&b, "\n%s %d checks in %.0f s.\n", verdict, len(r.Findings), r.Seconds)
	_, err := io.WriteString(w, b.String())
	return err
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// oneLine is an error's text for the middle of a sentence. The driver names every address it tried on a line
// of its own; the last says what is wrong.
func oneLine(err error) string {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return strings.TrimSuffix(strings.TrimSpace(lines[len(lines)-1]), ".")
}

// sentence begins with a capital letter and ends with a stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// span is a duration as people say it.
func span(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Microsecond).Microseconds()) / 1000
}
