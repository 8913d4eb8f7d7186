package handlers

import (
	"net/url"
	"time"
	_ "time/tzdata" // the readers' zones, also where the machine has none

	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// SnoozeTicket puts the ticket out of the queues until a time or an answer.
func (h Staff) SnoozeTicket(c echo.Context) error {
	return h.act(c, act{"snooze", views.SnoozeAct, func(number int64, fields url.Values) error {
		until, err := snoozeTime(time.Now(), fields.Get("for"), fields.Get("at"), fields.Get("zone"))
		if err != nil {
			return err
		}
		return h.Store.Snooze(c.Request().Context(), actor(c), number, until)
	}})
}

// WakeTicket ends the sleep.
func (h Staff) WakeTicket(c echo.Context) error {
	return h.act(c, act{"wake", nil, func(number int64, _ url.Values) error {
		return h.Store.Wake(c.Request().Context(), actor(c), number)
	}})
}

const morning = 9 // the hour at which a ticket is wanted that is wanted on a day

// snoozeTime is the time that somebody chose, or wrote as their browser's field for times does, in their own zone: a
// name such as Europe/Berlin. Where no zone is known it is UTC.
func snoozeTime(now time.Time, choice, at, zone string) (time.Time, error) {
	place := time.UTC
	// "Local" would be the server's.
	if found, err := time.LoadLocation(zone); err == nil && zone != "Local" {
		place = found
	}
	today := now.In(place)
	day := func(days int) time.Time {
		return time.Date(today.Year(), today.Month(), today.Day()+days, morning, 0, 0, 0, place)
	}
	switch choice {
	case "3h":
		return now.Add(3 * time.Hour), nil
	case "tomorrow":
		return day(1), nil
	case "monday":
		days := (int(time.Monday-today.Weekday()) + 7) % 7
		if days == 0 {
			days = 7
		}
		return day(days), nil
	case "answer":
		return store.SnoozeUntilAnswer, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04"} {
		if until, err := time.ParseInLocation(layout, at, place); err == nil {
			return until, nil
		}
	}
	return time.Time{}, &store.Invalid{Fields: map[string]string{"until": "Choose a date and a time, such as 2026-12-01 09:00."}}
}
