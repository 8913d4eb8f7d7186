package web

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"autocrm/handlers"
	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// answerErrors is the one place where an error becomes an answer: a page, a fragment for htmx, JSON for an API
// client. What may be told is decided here by the error's type; the text of anything else is for the log.
func answerErrors(p *handlers.Portal) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		if c.Response().Committed {
			return // half an answer is out, or the handler answered by itself: the log line tells the rest
		}
		text := explain(err)
		text.ID = c.Response().Header().Get(echo.HeaderXRequestID)
		c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
		c.Response().Header().Del("ETag")
		if err := answerError(p, c, text); err != nil {
			// Rendering failed too. Plain bytes cannot.
			c.Response().Header().Set(echo.HeaderContentType, "text/html; charset=utf-8")
			c.Response().WriteHeader(text.Status)
			fmt.Fprintf(c.Response(), fallback, text.Status, text.ID)
		}
	}
}

// fallback is a page that needs no template.
const fallback = `<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Error</title>` +
	`<h1>Something went wrong</h1><p>Error %d. If you ask us about this, name <code>%s</code>.</p><p><a href="/">Back to the start</a></p></html>`

func answerError(p *handlers.Portal, c echo.Context, text views.ErrorText) error {
	switch {
	case handlers.WantsJSON(c), strings.HasPrefix(c.Request().URL.Path, "/api/"):
		return c.JSON(text.Status, map[string]any{"error": text.Message, "id": text.ID})
	case handlers.IsFragment(c):
		return handlers.Render(c, text.Status, views.ErrorCard(text))
	case strings.HasPrefix(c.Request().URL.Path, "/live"):
		return c.String(text.Status, text.Message+"\n") // no browser shows it, people with curl read it
	}
	return handlers.Render(c, text.Status, views.ErrorPage(p.BarePage(c, text.Title), text))
}

// statusClientLeft is in the log where the browser did not wait: no failure of ours, and no success.
const statusClientLeft = 499

// explain says what a person may know of err. ActionHref "/" leads to the portal's start.
func explain(err error) views.ErrorText {
	var (
		invalid  *store.Invalid
		slow     *store.SlowDown
		foreign  *crossOrigin
		tooLarge *http.MaxBytesError
		status   *echo.HTTPError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return page(statusClientLeft, "Nobody waits for this answer", "The connection was closed.")
	case errors.Is(err, store.ErrUnavailable):
		return page(http.StatusServiceUnavailable, "The database does not answer just now",
			"Try again in a moment. A message or a ticket that had arrived all the same is not made twice.")
	case errors.Is(err, store.ErrNotFound):
		return page(http.StatusNotFound, "There is nothing here", "The address may be mistyped, or what it led to is gone, or it is not yours to see.")
	case errors.Is(err, store.ErrForbidden):
		return page(http.StatusForbidden, "You may not do this", "Your account does not allow it. Nothing was changed.")
	case errors.Is(err, store.ErrConflict):
		return page(http.StatusConflict, "Somebody else was faster", "This was changed while you were at it. Nothing of yours was saved: go back, reload, and look again.")
	case errors.As(err, &invalid):
		return page(http.StatusUnprocessableEntity, "This could not be accepted", sentences(invalid))
	case errors.As(err, &slow):
		return page(http.StatusTooManyRequests, "Too many attempts", fmt.Sprintf("Wait %.0f seconds, then try again.", slow.RetryAfter.Seconds()))
	case errors.As(err, &foreign):
		return page(http.StatusForbidden, "This form came from elsewhere", fmt.Sprintf(
			"Your browser says that the page was from %s, and this server was asked for as %s. If you opened the page here, "+
				"a proxy in between changes the Host header; whoever runs the server can set that right.", origin(foreign.origin), foreign.host))
	case errors.As(err, &tooLarge):
		return page(http.StatusRequestEntityTooLarge, "This is too large", "Send less at once: a file may have 25 MB, a text 50,000 characters.")
	case errors.As(err, &status):
		return explainStatus(status)
	}
	return internal()
}

// explainStatus is for errors of echo's, and for those a handler made with words of its own.
func explainStatus(err *echo.HTTPError) views.ErrorText {
	switch words, own := err.Message.(string); {
	case err.Code == http.StatusNotFound:
		return explain(store.ErrNotFound)
	case err.Code == http.StatusMethodNotAllowed:
		return page(err.Code, "This cannot be done here", "The address exists, but not for this kind of request.")
	case err.Code >= http.StatusInternalServerError || !own:
		return internal()
	case err.Code == http.StatusUnauthorized:
		return views.ErrorText{Status: err.Code, Title: "You are signed out", Message: words, ActionLabel: "Sign in", ActionHref: "/sign-in"}
	case words == http.StatusText(err.Code):
		return page(err.Code, words, "The request could not be understood. Nothing was changed.")
	default:
		return page(err.Code, "This did not work", words)
	}
}

func internal() views.ErrorText {
	return page(http.StatusInternalServerError, "Something went wrong on our side", "Try again in a moment; if it stays so, tell us.")
}

func page(status int, title, message string) views.ErrorText {
	return views.ErrorText{Status: status, Title: title, Message: message, ActionLabel: "Back to the start", ActionHref: "/"}
}

func origin(seen string) string {
	if seen == "" {
		return "another site"
	}
	return seen
}

// sentences are what is wrong, where no form stands to say it beside the fields.
func sentences(invalid *store.Invalid) string {
	words := slices.Sorted(maps.Values(invalid.Fields))
	return strings.Join(words, " ")
}
