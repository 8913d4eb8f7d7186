package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"autocrm/store"

	"github.com/labstack/echo/v4"
)

// contentSecurityPolicy is a constant: nothing on a page is inline, so nothing needs a nonce, and a fragment
// that arrives later fits any page.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// securityHeaders go with every answer of a portal, errors included. Whether the portal is on https is what
// its configured address says; no header of a request can change that.
func securityHeaders(role store.Role, https bool) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			h := c.Response().Header()
			// Every page is somebody's: the back button may not show it once they have signed out. What may be
			// kept, such as a script or a file, says so itself.
			h.Set(echo.HeaderCacheControl, "no-store")
			h.Set("Content-Security-Policy", contentSecurityPolicy)
			// By this a page tells what we say from what a proxy says in our place: a 401 of a proxy's ends no session.
			h.Set("AutoCRM-Portal", string(role))
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("X-Frame-Options", "DENY")
			h.Set("Referrer-Policy", "same-origin")
			h.Set("Cross-Origin-Opener-Policy", "same-origin")
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
			if https {
				h.Set("Strict-Transport-Security", "max-age=31536000")
			}
			return next(c)
		}
	}
}

// recovering makes an error of a panic, so that it gets a page and a log line like any other.
func recovering(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler {
				panic(cause) // a handler's way to drop the connection; the server expects it
			}
			err = &panicked{cause: cause, stack: string(debug.Stack())}
		}()
		return next(c)
	}
}

type panicked struct {
	cause any
	stack string
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.cause) }

// refuseBrokenText stops addresses that no database can compare with: they would come back as failures of ours.
func refuseBrokenText(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		broken := func(s string) bool { return !utf8.ValidString(s) || strings.ContainsRune(s, 0) }
		if broken(c.Request().URL.Path) {
			return echo.NewHTTPError(http.StatusBadRequest, "This address contains characters that cannot be.")
		}
		if strings.HasPrefix(c.Request().URL.Path, "/live") {
			return next(c) // whatever is wrong with a cursor, the page is told to fetch everything anew
		}
		for name, values := range c.QueryParams() {
			if broken(name) || broken(strings.Join(values, "")) {
				return echo.NewHTTPError(http.StatusBadRequest, "This address contains characters that cannot be.")
			}
		}
		return next(c)
	}
}

// crossOrigin is a form that another site sent.
type crossOrigin struct{ origin, host string }

func (e *crossOrigin) Error() string {
	return fmt.Sprintf("cross-origin request from %.100q to host %.100q", e.origin, e.host)
}

// sameOriginOnly refuses to change anything for another site's page. It needs no token in a form, so a fragment
// is the same for every viewer. It trusts no origin: agent to admin is as foreign as anybody.
func sameOriginOnly() echo.MiddlewareFunc {
	protection := http.NewCrossOriginProtection()
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if err := protection.Check(r); err != nil {
				return &crossOrigin{origin: r.Header.Get("Origin"), host: r.Host}
			}
			return next(c)
		}
	}
}

// callerAddress is who calls: the peer, or whom a trusted proxy names. Echo's defaults would believe every
// caller, or every private address.
func callerAddress(proxies []netip.Prefix) echo.IPExtractor {
	if len(proxies) == 0 {
		return echo.ExtractIPDirect()
	}
	trust := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, proxy := range proxies {
		address := proxy.Masked().Addr()
		trust = append(trust, echo.TrustIPRange(&net.IPNet{
			IP: address.AsSlice(), Mask: net.CIDRMask(proxy.Bits(), address.BitLen())}))
	}
	return echo.ExtractIPFromXFFHeader(trust...)
}
