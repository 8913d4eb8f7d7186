package web

import (
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// standstill is how long a body may bring nothing. It bounds the pause, not the whole: a slow line may upload
// for an hour.
const standstill = 30 * time.Second

// bodyLimit makes reading beyond most bytes an error, which becomes 413, and gives up a body that stands still.
func bodyLimit(most int64) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			body := &patientBody{ReadCloser: r.Body, connection: http.NewResponseController(c.Response())}
			r.Body = http.MaxBytesReader(c.Response(), body, most)
			// A deadline left behind would end the connection's next request, or this one's context.
			defer body.connection.SetReadDeadline(time.Time{})
			return next(c)
		}
	}
}

type patientBody struct {
	io.ReadCloser
	connection *http.ResponseController
}

func (b *patientBody) Read(p []byte) (int, error) {
	b.connection.SetReadDeadline(time.Now().Add(standstill)) // where the writer cannot, there is no connection
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.connection.SetReadDeadline(time.Time{})
	}
	return n, err
}
