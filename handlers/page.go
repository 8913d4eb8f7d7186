package handlers

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"autocrm/static"
	"autocrm/views"

	"github.com/a-h/templ"
	"github.com/labstack/echo/v4"
)

// Page begins the page of a request. Call it before the first query: it takes the cursor that the page's
// stream starts from, and what happens after that reaches the page by the stream.
func (p *Portal) Page(c echo.Context, title string) views.Page {
	page := p.BarePage(c, title)
	if page.Person != nil {
		page.Nav = navOf(p.Role)
		page.Cursor = p.Live.Cursor()
		page.Session = sessionTag(actor(c))
		page.Bell = p.bell(c)
	}
	page.Notice = p.Doors.Said(c.Response(), c.Request())
	return page
}

// BarePage begins a page without navigation and stream: signing in, errors.
func (p *Portal) BarePage(c echo.Context, title string) views.Page {
	page := views.Page{
		Portal:  string(p.Role),
		Title:   title,
		Path:    c.Request().URL.Path,
		Theme:   choice(c, "theme"),
		Density: choice(c, "density"),
		Keys:    choice(c, "keys"),
		Undo:    choice(c, "undo"),
		Dev:     p.Dev,
	}
	if who, ok := Actor(c); ok {
		page.Person = &views.Person{Name: who.Name, Email: who.Email, Role: string(who.Role)}
	}
	return page
}

// Render writes component with status, all or nothing: half a page with status 200 is worse than an error.
func Render(c echo.Context, status int, component templ.Component) error {
	var html bytes.Buffer
	if err := component.Render(c.Request().Context(), &html); err != nil {
		return fmt.Errorf("render: %w", err)
	}
	return c.HTMLBlob(status, html.Bytes())
}

// Unchanged answers a live region from its version before any heavy query: it sets the region's ETag and, where
// the browser has that already, says so with 304 and returns true. parts are what the region's bytes follow
// from, beside who asks and the build: its address and the version of what it shows.
func Unchanged(c echo.Context, parts ...any) bool {
	who, _ := Actor(c)
	sum := sha256.New()
	fmt.Fprint(sum, who.UserID, who.Role, static.Path(""), c.Request().URL.RequestURI(), "\x00")
	fmt.Fprintln(sum, parts...)
	// Weak: the bytes on the wire differ with their compression.
	tag := `W/"` + hex.EncodeToString(sum.Sum(nil)[:12]) + `"`
	c.Response().Header().Set("ETag", tag)
	if !strings.Contains(c.Request().Header.Get("If-None-Match"), tag) {
		return false
	}
	c.Response().WriteHeader(http.StatusNotModified)
	return true
}

// Form reads the fields of a plain form. Text that no form field can hold is mended: the database would refuse
// it as a failure of ours. Unlike c.FormValue it tells a body that is too large or broken.
func Form(c echo.Context) (url.Values, error) {
	r := c.Request()
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return nil, err
		}
		return nil, echo.NewHTTPError(http.StatusBadRequest, "The form arrived broken. Go back and send it again.").SetInternal(err)
	}
	for _, values := range r.PostForm {
		for i, value := range values {
			values[i] = strings.ReplaceAll(strings.ToValidUTF8(value, "\uFFFD"), "\x00", "")
		}
	}
	return r.PostForm, nil
}

// See sends the browser on after a form, with a sentence for the page it comes to, or "".
func (p *Portal) See(c echo.Context, path, sentence string) error {
	if sentence != "" {
		p.Doors.Say(c.Response(), sentence)
	}
	return c.Redirect(http.StatusSeeOther, path)
}

// WantsJSON says whether an API client asks rather than a browser.
func WantsJSON(c echo.Context) bool {
	return strings.Contains(c.Request().Header.Get(echo.HeaderAccept), echo.MIMEApplicationJSON)
}

// IsFragment says whether htmx asks. It does not make another page of it: only errors and redirects differ.
func IsFragment(c echo.Context) bool { return c.Request().Header.Get("HX-Request") == "true" }

// requestID names the request on an error page; its log line has the same.
func requestID(c echo.Context) string { return c.Response().Header().Get(echo.HeaderXRequestID) }
