package web

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"autocrm/handlers"
	"autocrm/store"

	"github.com/labstack/echo/v4"
)

// record gives each request its id, answers its error, and writes its one log line. The line has the path and
// never the query, which may hold an invitation's token.
func (s *site) record(portal store.Role) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			began := time.Now()
			id := newID()
			c.Response().Header().Set(echo.HeaderXRequestID, id)
			err := next(c)
			if err != nil {
				c.Error(err)
			}
			took := time.Since(began)
			r, status := c.Request(), c.Response().Status
			s.metrics.observe(portal, route(c), r.Method, status, took)
			attrs := []slog.Attr{
				slog.String("id", id),
				slog.String("method", excerpt(r.Method, 20)),
				slog.String("path", excerpt(r.URL.Path, 200)),
				slog.String("portal", string(portal)),
				slog.Int("status", status),
				slog.Int64("ms", took.Milliseconds()),
				slog.Int64("bytes", c.Response().Size),
				slog.String("address", c.RealIP()),
			}
			if who, ok := handlers.Actor(c); ok {
				attrs = append(attrs, slog.String("user", who.UserID.String()))
			}
			if err != nil {
				attrs = append(attrs, slog.String("error", excerpt(err.Error(), 2000)))
			}
			var panicked *panicked
			if errors.As(err, &panicked) {
				attrs = append(attrs, slog.String("stack", panicked.stack))
			}
			s.deps.Log.LogAttrs(context.WithoutCancel(r.Context()), level(r, status, err), "request", attrs...)
			return nil
		}
	}
}

// level keeps what comes every few seconds and says nothing out of the usual log.
func level(r *http.Request, status int, err error) slog.Level {
	path := r.URL.Path
	switch {
	case status >= http.StatusInternalServerError, errors.Is(err, store.ErrFiles):
		return slog.LevelError
	case status < 400 && (path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/static/") ||
		r.Method == http.MethodPost && strings.HasSuffix(path, "/presence")):
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// route is the pattern that matched: a label of a metric must not be whatever a stranger asks for.
func route(c echo.Context) string {
	if path := c.Path(); path != "" {
		return path
	}
	return "none"
}

// readable leaves out the letters and digits that are taken for one another over the telephone.
const readable = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

// newID names a request in its log line and on an error page.
func newID() string {
	random := make([]byte, 7)
	rand.Read(random)
	for i, b := range random {
		random[i] = readable[int(b)%len(readable)]
	}
	return string(random)
}

func excerpt(s string, most int) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
