package handlers

import (
	"testing"
	"time"

	"autocrm/store"
)

func TestSnoozeTimesAreOfTheReadersZone(t *testing.T) {
	t.Parallel()
	// A Sunday evening in Berlin, and in Auckland Monday morning already.
	now := time.Date(2026, 11, 29, 21, 30, 0, 0, time.UTC)
	for _, want := range []struct{ choice, at, zone, until string }{
		{"3h", "", "Europe/Berlin", "2026-11-30T00:30:00Z"},
		{"tomorrow", "", "Europe/Berlin", "2026-11-30T08:00:00Z"},
		{"tomorrow", "", "Pacific/Auckland", "2026-11-30T20:00:00Z"},
		{"monday", "", "Europe/Berlin", "2026-11-30T08:00:00Z"},
		{"monday", "", "Pacific/Auckland", "2026-12-06T20:00:00Z"},
		{"tomorrow", "", "", "2026-11-30T09:00:00Z"},
		{"tomorrow", "", "Local", "2026-11-30T09:00:00Z"},
		{"tomorrow", "", "Nowhere/At all", "2026-11-30T09:00:00Z"},
		{"at", "2026-12-24T18:00", "America/New_York", "2026-12-24T23:00:00Z"},
		{"at", "2026-12-24 18:00", "", "2026-12-24T18:00:00Z"},
		{"answer", "", "", "9999-01-01T00:00:00Z"},
		{"at", "", "", ""},
		{"", "soon", "", ""},
	} {
		until, err := snoozeTime(now, want.choice, want.at, want.zone)
		if got := until.UTC().Format(time.RFC3339); (err == nil) != (want.until != "") || err == nil && got != want.until {
			t.Errorf("%+v is %s, %v", want, got, err)
		}
		if want.choice == "answer" && !until.Equal(store.SnoozeUntilAnswer) {
			t.Errorf("until an answer is %s", until)
		}
	}
}
