package views

import (
	"slices"
	"strings"
	"testing"
	"time"

	"autocrm/store"
)

func TestFiguresInWords(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"–":                 succeeded(0, 0),
		"100 %":             succeeded(7, 0),
		"99.9 %":            succeeded(999_999, 1), // not all of them
		"0.0 %":             succeeded(0, 3),
		"< 1 ms":            lagWords(300 * time.Microsecond),
		"12 ms":             lagWords(12700 * time.Microsecond),
		"2.5 s":             lagWords(2500 * time.Millisecond),
		"2 a, 1 signed out": reasons([]store.ReasonCount{{Reason: "a", Count: 2}, {Reason: "no session", Count: 1}}),
	} {
		if got != want {
			t.Errorf("it says %q, want %q", got, want)
		}
	}
	for most, top := range map[float64]float64{0: 2, 2: 2, 3: 4, 9: 10, 11: 20, 700: 800} {
		if got := roundTop(most); got != top {
			t.Errorf("the scale of %v ends at %v", most, got)
		}
	}
}

// A day in which nothing was measured but two hours, and in one of them things went wrong.
func TestChartsOfADay(t *testing.T) {
	t.Parallel()
	var slow store.Lags
	slow.Add(3 * time.Second)
	points := make([]store.HealthPoint, 144)
	for i := range points {
		points[i].At = now.Add(time.Duration(i-144) * 10 * time.Minute)
	}
	for i := 132; i < 144; i++ {
		points[i].Minutes, points[i].Streams, points[i].Connects = 10, 30, 5
	}
	points[140].Failed, points[140].Lags = 15, slow

	streams, success, lag := streamsChart(points), successChart(points), lagChart(points)
	if streams.Scale[0] != "40" || streams.Lines[0].At[143] != .75 || !streams.Gaps[131] || streams.Gaps[132] {
		t.Errorf("streams: scale %v, the last at %v", streams.Scale, streams.Lines[0].At[143])
	}
	if !slices.Equal(success.Scale, []string{"100 %", "50 %", "0 %"}) || success.Lines[0].At[140] != .25 || success.Lines[0].At[143] != 1 {
		t.Errorf("success: scale %v, %v at worst", success.Scale, success.Lines[0].At[140])
	}
	if lag.Scale[0] != "10 s" || !strings.Contains(lag.Title, "at worst") {
		t.Errorf("lag: scale %v, called %q", lag.Scale, lag.Title)
	}
	for i, want := range map[int]string{0: "24 to 23 hours ago: nothing measured", 22: "2 to 1 hours ago: 100 % of 30", 23: "The last hour: 66.6 % of 45"} {
		if got := success.Hints[i]; got != want {
			t.Errorf("the hint is %q, want %q", got, want)
		}
	}
	hours := healthHours(points)
	if len(hours) != 24 || hours[23].Streams != 30 || hours[23].Failed != 15 || hours[23].Lags.Count() != 1 || hours[0].Minutes != 0 {
		t.Errorf("by the hour: %+v", hours[23])
	}
}
