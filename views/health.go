package views

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"autocrm/store"
	"autocrm/views/ui"

	"github.com/a-h/templ"
)

// healthLive is ui.Live for figures that no signal tells of: they follow by the clock too.
func healthLive(version int64, src string) templ.Attributes {
	live := ui.Live("health", version, src)
	live["hx-trigger"] = live["hx-trigger"].(string) + ", live:minute from:body"
	return live
}

// hour is what all portals counted in the last hour.
func hour(h store.LiveHealth) (all store.PortalHealth) {
	for _, p := range h.Portals {
		all.Streams, all.Polls = all.Streams+p.Streams, all.Polls+p.Polls
		all.Connects, all.Failed = all.Connects+p.Connects, all.Failed+p.Failed
		all.Lags.Plus(p.Lags)
	}
	return all
}

// The marks below which figures are worth a look: live updates are promised within a second.
const (
	fewSucceed = 0.99
	slowLag    = time.Second
)

func healthStats(h store.LiveHealth) []ui.StatArgs {
	all := hour(h)
	part, tried := store.Succeeded(all.Connects, all.Failed)
	open := ui.StatArgs{Label: "Streams open", Value: strconv.Itoa(all.Streams), Note: "nobody polls"}
	if all.Polls > 0 {
		open.Note = counted(all.Polls, "page polls", "pages poll")
	}
	success := ui.StatArgs{Label: "Success rate", Value: succeeded(all.Connects, all.Failed), Note: "nobody came in the last hour"}
	if tried {
		success.Note = fmt.Sprintf("%d of %d, last hour", all.Connects, all.Connects+all.Failed)
		success.Tone = toneIf(part < fewSucceed, "warn")
	}
	lag := ui.StatArgs{Label: "Lag", Value: within(all.Lags, .5), Note: "no change in the last hour"}
	if all.Lags.Count() > 0 {
		lag.Note = "median; 99 % within " + within(all.Lags, .99)
		lag.Tone = toneIf(all.Lags.Within(.99) > slowLag, "warn")
	}
	deaf := 0
	for _, n := range h.Nodes {
		if !n.Listening {
			deaf++
		}
	}
	nodes := ui.StatArgs{Label: "Nodes", Value: strconv.Itoa(len(h.Nodes)), Note: "all hear changes at once"}
	switch {
	case len(h.Nodes) == 0:
		nodes.Note, nodes.Tone = "none reports", "danger"
	case deaf > 0:
		nodes.Note, nodes.Tone = counted(deaf, "looks each second", "look each second"), "warn"
	}
	return []ui.StatArgs{open, success, lag, nodes}
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// succeeded is a success rate in words. What is not all of them is never rounded to it.
func succeeded(connects, failed int) string {
	part, tried := store.Succeeded(connects, failed)
	switch {
	case !tried:
		return "–"
	case failed == 0:
		return "100 %"
	}
	return strconv.FormatFloat(math.Floor(part*1000)/10, 'f', 1, 64) + " %"
}

// within is the time in which that part of the changes was handed on.
func within(lags store.Lags, part float64) string {
	if lags.Count() == 0 {
		return "–"
	}
	return lagWords(lags.Within(part))
}

func lagWords(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "< 1 ms"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
}

var reasonWords = map[string]string{
	"no session": "signed out", "not asked": "session not checked", "forbidden": "not allowed", "unavailable": "node not current",
}

func reasons(in []store.ReasonCount) string {
	words := make([]string, 0, len(in))
	for _, r := range in {
		word, known := reasonWords[r.Reason]
		if !known {
			word = r.Reason
		}
		words = append(words, fmt.Sprintf("%d %s", r.Count, word))
	}
	if len(words) == 0 {
		return "–"
	}
	return strings.Join(words, ", ")
}

// healthHours adds the points up by the hour, the oldest first.
func healthHours(points []store.HealthPoint) (hours []store.HealthPoint) {
	for chunk := range slices.Chunk(points, 6) {
		hour := store.HealthPoint{At: chunk[0].At}
		for _, p := range chunk {
			if p.Minutes == 0 {
				continue
			}
			hour.Minutes += p.Minutes
			hour.Streams += p.Streams * float64(p.Minutes)
			hour.Polls += p.Polls * float64(p.Minutes)
			hour.Connects, hour.Failed = hour.Connects+p.Connects, hour.Failed+p.Failed
			hour.Lags.Plus(p.Lags)
		}
		if hour.Minutes > 0 {
			hour.Streams, hour.Polls = hour.Streams/float64(hour.Minutes), hour.Polls/float64(hour.Minutes)
		}
		hours = append(hours, hour)
	}
	return hours
}

// dayChart is what the charts of a day have in common.
func dayChart(points []store.HealthPoint, hint func(store.HealthPoint) string) (c ui.LineChartArgs) {
	c.Axis = []string{"24 h ago", "12 h ago", "now"}
	for _, p := range points {
		c.Gaps = append(c.Gaps, p.Minutes == 0)
	}
	hours := healthHours(points)
	for i, h := range hours {
		words := "nothing measured"
		if h.Minutes > 0 {
			words = hint(h)
		}
		c.Hints = append(c.Hints, hoursAgo(len(hours)-i)+": "+words)
	}
	return c
}

func hoursAgo(n int) string {
	if n == 1 {
		return "The last hour"
	}
	return fmt.Sprintf("%d to %d hours ago", n, n-1)
}

func streamsChart(points []store.HealthPoint) ui.LineChartArgs {
	c := dayChart(points, func(p store.HealthPoint) string {
		return fmt.Sprintf("%.0f streams, %.0f polls", p.Streams, p.Polls)
	})
	streams, polls, most := ui.Line{Name: "Streams"}, ui.Line{Name: "Polls"}, 0.0
	for _, p := range points {
		most = max(most, p.Streams, p.Polls)
	}
	top := roundTop(most)
	for _, p := range points {
		streams.At, polls.At = append(streams.At, p.Streams/top), append(polls.At, p.Polls/top)
	}
	c.Title = fmt.Sprintf("Streams and polls open over the last day, at most %.0f", most)
	c.Lines = []ui.Line{streams, polls}
	c.Scale = []string{fmt.Sprintf("%.0f", top), fmt.Sprintf("%.0f", top/2), "0"}
	return c
}

// roundTop is the end of a scale whose half is whole too.
func roundTop(most float64) float64 {
	for step := 1.0; ; step *= 10 {
		for _, top := range []float64{2, 4, 6, 8, 10} {
			if most <= top*step {
				return top * step
			}
		}
	}
}

func successChart(points []store.HealthPoint) ui.LineChartArgs {
	c := dayChart(points, func(p store.HealthPoint) string {
		if p.Connects+p.Failed == 0 {
			return "nobody came"
		}
		return fmt.Sprintf("%s of %d", succeeded(p.Connects, p.Failed), p.Connects+p.Failed)
	})
	line, least := ui.Line{Name: "Streams and polls that came about"}, 1.0
	for _, p := range points {
		if part, tried := store.Succeeded(p.Connects, p.Failed); tried {
			least = min(least, part)
		}
	}
	bottom := 0.0
	switch {
	case least >= 0.9:
		bottom = 0.9
	case least >= 0.5:
		bottom = 0.5
	}
	for _, p := range points {
		part, tried := store.Succeeded(p.Connects, p.Failed)
		if !tried {
			part = math.NaN()
		}
		line.At = append(line.At, (part-bottom)/(1-bottom))
	}
	c.Title = fmt.Sprintf("Success rate over the last day, at least %.0f %%", math.Floor(least*100))
	c.Lines = []ui.Line{line}
	c.Scale = []string{"100 %", fmt.Sprintf("%.0f %%", (1+bottom)*50), fmt.Sprintf("%.0f %%", bottom*100)}
	return c
}

// lagMarks are the scale of lag: each ten times the one before it.
var lagMarks = []string{"1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"}

func lagChart(points []store.HealthPoint) ui.LineChartArgs {
	c := dayChart(points, func(p store.HealthPoint) string {
		if p.Lags.Count() == 0 {
			return "no change"
		}
		return fmt.Sprintf("median %s, 99 %% within %s", within(p.Lags, .5), within(p.Lags, .99))
	})
	median, most, longest := ui.Line{Name: "Median"}, ui.Line{Name: "99 % within"}, time.Duration(0)
	for _, p := range points {
		longest = max(longest, p.Lags.Within(.99))
	}
	marks := 4
	for marks < len(lagMarks) && decades(longest) > float64(marks-1) {
		marks++
	}
	height := func(lags store.Lags, part float64) float64 {
		if lags.Count() == 0 {
			return math.NaN()
		}
		return decades(lags.Within(part)) / float64(marks-1)
	}
	for _, p := range points {
		median.At, most.At = append(median.At, height(p.Lags, .5)), append(most.At, height(p.Lags, .99))
	}
	c.Title = "Lag from a change's commit to the streams over the last day, 99 % within " + lagWords(longest) + " at worst"
	c.Lines = []ui.Line{median, most}
	c.Scale = slices.Clone(lagMarks[:marks])
	slices.Reverse(c.Scale)
	return c
}

// decades is how many times ten a lag is above 1 ms.
func decades(d time.Duration) float64 { return max(0, math.Log10(d.Seconds()*1000)) }

// findings orders what a doctor found with the worst first, apart from what is in order.
func findings(in []store.Finding) (wrong, right []ui.FindingArgs) {
	sorted := slices.Clone(in)
	slices.SortStableFunc(sorted, func(a, b store.Finding) int { return int(b.Level - a.Level) })
	for _, f := range sorted {
		args := ui.FindingArgs{Level: f.Level.String(), Where: f.Subject + ", " + f.Check, Sentence: f.Sentence, Cause: f.Cause, Cure: f.Cure}
		if f.Level == store.LevelOK {
			right = append(right, args)
		} else {
			wrong = append(wrong, args)
		}
	}
	return wrong, right
}

// verdict is an examination in one line.
func verdict(in []store.Finding) string {
	count := map[store.Level]int{}
	for _, f := range in {
		count[f.Level]++
	}
	if count[store.LevelError]+count[store.LevelWarning] == 0 {
		return "All is well."
	}
	return counted(count[store.LevelError], "error", "errors") + ", " + counted(count[store.LevelWarning], "warning", "warnings") + "."
}

func verdictKind(in []store.Finding) string {
	worst := store.LevelOK
	for _, f := range in {
		worst = max(worst, f.Level)
	}
	return map[store.Level]string{store.LevelOK: "ok", store.LevelWarning: "warn", store.LevelError: "danger"}[worst]
}

// by names who did something, where the person is still there.
func by(name string) string {
	if name == "" {
		return ""
	}
	return " by " + name
}
