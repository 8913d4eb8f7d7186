// Package web is what every request passes through: the choice of the portal by host name, the middleware,
// the map of addresses, the error page. It knows no business and no SQL. Start with routes.go.
package web

import (
	"net/http"

	"autocrm/handlers"
	"autocrm/store"
	"autocrm/web/auth"

	"github.com/labstack/echo/v4"
)

// site makes the portals; each is a router of its own, so that a route of one does not exist on another.
type site struct {
	config  Config
	deps    Deps
	metrics *metrics
}

// New makes the handler of all three portals. It returns an error, in one sentence, for a configuration that
// cannot work.
func New(config Config, deps Deps) (http.Handler, error) {
	if err := config.check(); err != nil {
		return nil, err
	}
	metrics, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, err
	}
	s := &site{config: config, deps: deps, metrics: metrics}
	hosts := hosts{}
	for _, role := range store.Roles {
		router := s.portal(role)
		handler, err := compressed(router)
		if err != nil {
			return nil, err
		}
		hosts[hostName(config.Portals[role].Host)] = portal{handler, router}
	}
	return s.deps.Live.Carry(hosts), nil
}

// portal is a router behind what compresses its answers.
type portal struct {
	http.Handler
	router *echo.Echo
}

// portal makes one portal: first what every request meets, in this order, then its routes.
func (s *site) portal(role store.Role) *echo.Echo {
	address := s.config.Portals[role]
	addresses := map[store.Role]string{}
	for other, url := range s.config.Portals {
		addresses[other] = url.Scheme + "://" + url.Host
	}
	p := &handlers.Portal{
		Role:       role,
		Store:      s.deps.Store,
		Live:       s.deps.Live,
		Doors:      auth.NewGate(s.deps.Store, role, address, s.config.SecretKeys),
		Addresses:  addresses,
		SignUpOpen: s.config.SignUpOpen,
		Dev:        s.config.Development,
		Examine:    s.deps.Examine,
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = callerAddress(s.config.TrustedProxies)
	e.HTTPErrorHandler = answerErrors(p)
	// Pre: before routing, so that they hold for what no route answers too. The first is the outermost.
	e.Pre(
		s.record(role),
		securityHeaders(role, address.Scheme == "https"),
		recovering,
		refuseBrokenText,
		sameOriginOnly(),
	)
	r := routes{e: e, guard: p.Guard}
	switch role {
	case store.Client:
		clientRoutes(r, handlers.Client{Portal: p})
	case store.Agent:
		agentRoutes(r, handlers.Agent{Portal: p})
	case store.Admin:
		adminRoutes(r, handlers.Admin{Portal: p})
	}
	sharedRoutes(r, p)
	return e
}
