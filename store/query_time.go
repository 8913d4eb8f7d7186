package store

import (
	"strconv"
	"strings"
	"time"
)

// A moment in a query is a day (2026-01-31), a month, a year, today, yesterday, or an age (36h, 7d, 4w, 6mo, 1y).

var ageUnits = []struct {
	suffix string
	length time.Duration
}{ // mo stands before what is shorter
	{"mo", 30 * 24 * time.Hour}, {"h", time.Hour}, {"d", 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"y", 365 * 24 * time.Hour},
}

// readAge reads an age of at most a hundred years.
func readAge(text string) (time.Duration, bool) {
	for _, unit := range ageUnits {
		digits, found := strings.CutSuffix(text, unit.suffix)
		if !found {
			continue
		}
		n, err := strconv.Atoi(digits)
		if err != nil || !isNumber(digits) || n > int(100*365*24*time.Hour/unit.length) {
			return 0, false
		}
		return time.Duration(n) * unit.length, true
	}
	return 0, false
}

// readDay reads a day, month or year in UTC: from its first moment to that of the next.
func readDay(text string, now time.Time) (from, to time.Time, ok bool) {
	today := now.UTC().Truncate(24 * time.Hour)
	switch text {
	case "today":
		return today, today.AddDate(0, 0, 1), true
	case "yesterday":
		return today.AddDate(0, 0, -1), today, true
	}
	for _, form := range []struct {
		layout              string
		years, months, days int
	}{{time.DateOnly, 0, 0, 1}, {"2006-01", 0, 1, 0}, {"2006", 1, 0, 0}} {
		if at, err := time.Parse(form.layout, text); err == nil && at.Year() >= 1900 && at.Year() < 3000 {
			return at, at.AddDate(form.years, form.months, form.days), true
		}
	}
	return from, to, false
}

func isMoment(text string) bool {
	if _, ok := readAge(text); ok {
		return true
	}
	_, _, ok := readDay(text, time.Time{})
	return ok
}

// nearestMoment is the time that was meant, where it can be told: 2026-1-5, 2026/01/05, 5.1.2026, 7m, 3days.
func nearestMoment(text string) string {
	for _, layout := range []string{"2006-1-2", "2006/1/2", "2006.1.2", "2.1.2006", "2006-1", "2006/1", time.RFC3339, "2006-01-02t15:04:05z07:00", "2006-01-02t15:04"} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() >= 1900 && at.Year() < 3000 {
			if strings.Contains(layout, "2") && strings.Count(layout, "2") > 1 || layout == "2.1.2006" {
				return at.Format(time.DateOnly)
			}
			return at.Format("2006-01")
		}
	}
	digits := strings.TrimRightFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if !isNumber(digits) {
		if near, found := nearest(text, []string{"today", "yesterday"}); found {
			return near
		}
		return ""
	}
	for unit, words := range map[string][]string{"h": {"hour", "hours", "hr"}, "d": {"", "day", "days"}, "w": {"week", "weeks"}, "mo": {"m", "month", "months"}, "y": {"year", "years", "yr"}} {
		for _, word := range words {
			if text == digits+word && isMoment(digits+unit) {
				return digits + unit
			}
		}
	}
	return ""
}

// spans gives the times that a term about a time holds for, each from one moment to before another; the zero time
// where it is open.
func (t Term) spans(now time.Time) (spans [][2]time.Time) {
	var none time.Time
	switch t.Compare {
	case Between:
		span := [2]time.Time{}
		a, b := t.Values[0], t.Values[1]
		oldest, latest := none, none
		for _, text := range []string{a, b} {
			from, to, ok := readDay(text, now)
			if age, isAge := readAge(text); isAge {
				from, to, ok = now.Add(-age), now.Add(-age), true
			}
			if !ok {
				continue
			}
			if oldest.IsZero() || from.Before(oldest) {
				oldest = from
			}
			if to.After(latest) {
				latest = to
			}
		}
		_, isAge := readAge(a + b) // where one end is open
		switch {
		case a != "" && b != "":
			span = [2]time.Time{oldest, latest}
		case (a == "") != isAge: // up to a day, or an age and more
			span[1] = latest
		default:
			span[0] = oldest
		}
		return append(spans, span)
	case Equal:
		for _, text := range t.Values {
			if age, ok := readAge(text); ok {
				spans = append(spans, [2]time.Time{now.Add(-age), none})
			} else {
				from, to, _ := readDay(text, now)
				spans = append(spans, [2]time.Time{from, to})
			}
		}
		return spans
	}
	if age, ok := readAge(t.Values[0]); ok {
		if t.Compare == Less || t.Compare == AtMost {
			return append(spans, [2]time.Time{now.Add(-age), none})
		}
		return append(spans, [2]time.Time{none, now.Add(-age)})
	}
	from, to, _ := readDay(t.Values[0], now)
	switch t.Compare {
	case Less:
		return append(spans, [2]time.Time{none, from})
	case AtMost:
		return append(spans, [2]time.Time{none, to})
	case More:
		return append(spans, [2]time.Time{to, none})
	}
	return append(spans, [2]time.Time{from, none})
}
