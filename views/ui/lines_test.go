package ui

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

func TestLinesGoOnAndBreakOff(t *testing.T) {
	t.Parallel()
	a := LineChartArgs{Gaps: []bool{false, false, false, true, false}}
	got := a.path(Line{At: []float64{0, math.NaN(), 1, .5, 7}})
	// From the first over the second to the third; nothing was measured at the fourth; the last stands alone, at the edge.
	if want := "M0 100.00h1L2.5 0.00M4 0.00h1"; got != want {
		t.Errorf("the line is %s, want %s", got, want)
	}
	if got := (LineChartArgs{}).path(Line{}); got != "" {
		t.Errorf("no point makes %q", got)
	}
}

func TestFindingsSetCodeAndNoMarkup(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := Findings([]FindingArgs{{Level: "error", Where: "a, b", Sentence: "It says <script>.", Cause: "C.", Cure: "Set `x <y>;` and `z`."}}).Render(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	html := out.String()
	for _, want := range []string{"It says &lt;script&gt;.", "<code>x &lt;y&gt;;</code>", "<code>z</code>", ">Error<", "<dt>Cause</dt>"} {
		if !strings.Contains(html, want) {
			t.Errorf("without %q: %s", want, html)
		}
	}
}
