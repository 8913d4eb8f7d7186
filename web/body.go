package web

import (
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// bodyPace is how slowly a body may come. It bounds the pauses and the average, not the whole: a slow line may
// upload for an hour, but nobody holds a request open with a byte now and then.
type bodyPace struct {
	standstill time.Duration // how long it may bring nothing
	slowest    int64         // bytes a second on average, once standstill has passed
}

var usualPace = bodyPace{standstill: 30 * time.Second, slowest: 1 << 10}

// bodyLimit makes reading beyond most bytes an error, which becomes 413, and gives up a body that stands still.
func bodyLimit(most int64, pace bodyPace) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			body := &patientBody{ReadCloser: r.Body, pace: pace, connection: http.NewResponseController(c.Response())}
			r.Body = http.MaxBytesReader(c.Response(), body, most)
			// A deadline left behind would end the connection's next request, or this one's context.
			defer body.connection.SetReadDeadline(time.Time{})
			return next(c)
		}
	}
}

type patientBody struct {
	io.ReadCloser
	pace       bodyPace
	came       int64
	waited     time.Duration // for the sender; what is done with the body takes nothing from their time
	connection *http.ResponseController
}

func (b *patientBody) Read(p []byte) (int, error) {
	began := time.Now()
	left := b.pace.standstill + time.Duration(b.came/b.pace.slowest)*time.Second - b.waited
	b.connection.SetReadDeadline(began.Add(min(left, b.pace.standstill))) // where the writer cannot, there is no connection
	n, err := b.ReadCloser.Read(p)
	b.came, b.waited = b.came+int64(n), b.waited+time.Since(began)
	if err != nil {
		b.connection.SetReadDeadline(time.Time{})
	}
	return n, err
}
