package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"

	"autocrm/handlers"
	"autocrm/store"

	"github.com/prometheus/client_golang/prometheus"
)

// Config is what an operator decides about the web side.
type Config struct {
	Portals        map[store.Role]*url.URL // CLIENT_URL, AGENT_URL, ADMIN_URL
	SecretKeys     [][]byte                // SECRET_KEY, newest first
	TrustedProxies []netip.Prefix          // who may say on whose behalf it calls
	SignUpOpen     bool                    // CLIENT_SIGNUP=open
	Development    bool                    // adds /_style
}

// Deps is what the web side works with. Every field is required.
type Deps struct {
	Store   *store.Store
	Live    handlers.Live
	Examine func(ctx context.Context, actor store.Actor) error // handlers.Portal.Examine
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// check says in one sentence what is wrong with the configuration.
func (c Config) check() error {
	names := map[string]store.Role{}
	for _, role := range store.Roles {
		variable := map[store.Role]string{store.Client: "CLIENT_URL", store.Agent: "AGENT_URL", store.Admin: "ADMIN_URL"}[role]
		address := c.Portals[role]
		if address == nil || (address.Scheme != "http" && address.Scheme != "https") || address.Hostname() == "" {
			return fmt.Errorf("%s must be an address such as https://%s.example.com", variable, role)
		}
		if (address.Path != "" && address.Path != "/") || address.RawQuery != "" || address.User != nil || address.Fragment != "" {
			return fmt.Errorf("%s must be a host name alone, without a path: each portal needs a host of its own", variable)
		}
		name := hostName(address.Host)
		if other, taken := names[name]; taken {
			return fmt.Errorf("%s has the host name of the %s portal: each portal needs one of its own, another port is not enough", variable, other)
		}
		names[name] = role
	}
	if len(c.SecretKeys) == 0 {
		return fmt.Errorf("SECRET_KEY is missing")
	}
	for _, key := range c.SecretKeys {
		if len(key) < 16 {
			return fmt.Errorf("SECRET_KEY is too short: use at least 16 bytes, better 32 random ones")
		}
	}
	return nil
}
