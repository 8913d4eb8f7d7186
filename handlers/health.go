package handlers

import (
	"context"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// Healthy says that the process answers; to a doctor it says what it saw of the request.
func (p *Portal) Healthy(c echo.Context) error {
	if p.Doors.Proven(c.Request()) {
		return c.JSON(http.StatusOK, p.seen(c))
	}
	return c.String(http.StatusOK, "ok\n")
}

// Ready says whether requests can be served: the database answers and the listener hears it.
func (p *Portal) Ready(c echo.Context) error {
	status, report := readiness(c.Request().Context(), p)
	return c.JSON(status, report)
}

type report struct {
	Ready    bool   `json:"ready"`
	Database string `json:"database"`
	Live     string `json:"live"`
}

// readiness waits briefly: who asks will ask again, and a balancer wants to know now. What is wrong in detail
// stands in the log, not here: anybody may ask.
func readiness(ctx context.Context, p *Portal) (int, report) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r := report{Ready: true, Database: "ok"}
	if p.Store.Ping(ctx) != nil {
		r.Ready, r.Database = false, "does not answer"
	}
	live := p.Live.Status()
	if r.Live = live.Listener; !live.Ready {
		r.Ready, r.Live = false, "not current"
	}
	if !r.Ready {
		return http.StatusServiceUnavailable, r
	}
	return http.StatusOK, r
}
