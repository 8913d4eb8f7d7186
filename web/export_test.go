package web

import (
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// ContentSecurityPolicy is the constant, for its test.
const ContentSecurityPolicy = contentSecurityPolicy

// Route is one line of a portal's map of addresses.
type Route struct{ Method, Path string }

// Routes lists the routes of the portal at name.
func Routes(handler http.Handler, name string) (list []Route) {
	for _, r := range handler.(hosts)[name].(portal).router.Routes() {
		list = append(list, Route{r.Method, r.Path})
	}
	return list
}

// Explain is what a person is told of err.
func Explain(err error) (status int, message string) {
	text := explain(err)
	return text.Status, text.Message
}

// BodyLimit is the middleware of forms and uploads, at another pace.
func BodyLimit(most int64, standstill time.Duration, slowest int64) echo.MiddlewareFunc {
	return bodyLimit(most, bodyPace{standstill, slowest})
}
