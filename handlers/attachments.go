package handlers

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"autocrm/store"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// Attachment streams a file. Somebody else chose its content: pictures alone are shown in place, everything
// else is a download of no type, and no browser may take either for a page or a script of this site.
func (p *Portal) Attachment(c echo.Context) error {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return store.ErrNotFound
	}
	file, content, err := p.Store.OpenAttachment(c.Request().Context(), actor(c), id)
	if err != nil {
		return err
	}
	defer content.Close()

	h := c.Response().Header()
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// Kept by the reader's own browser alone, and asked about each time: who may see it can change.
	h.Set(echo.HeaderCacheControl, "private, no-cache")
	etag := `"` + id.String() + `"` // a file never changes
	h.Set("ETag", etag)
	if strings.Contains(c.Request().Header.Get("If-None-Match"), etag) {
		return c.NoContent(http.StatusNotModified)
	}
	kind, disposition := "application/octet-stream", "attachment"
	if file.Picture() {
		kind, disposition = file.ContentType, "inline"
	}
	h.Set(echo.HeaderContentType, kind)
	h.Set(echo.HeaderContentDisposition, contentDisposition(disposition, file.FileName))
	h.Set(echo.HeaderContentLength, strconv.FormatInt(file.Size, 10))
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	if _, err := io.Copy(c.Response(), content); err != nil {
		return fmt.Errorf("send %s: %w", id, err) // too late for another answer: the length says it is cut
	}
	return nil
}

// contentDisposition names the file in every alphabet (RFC 5987), and for old browsers in ASCII.
func contentDisposition(disposition, name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, name)
	return fmt.Sprintf(`%s; filename="%s"; filename*=UTF-8''%s`, disposition, plain, strings.ReplaceAll(url.QueryEscape(name), "+", "%20"))
}
