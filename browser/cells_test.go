package browser

import (
	"testing"

	"autocrm/store"
)

func TestSmoke(t *testing.T) {
	for name, deploy := range deployments {
		t.Run(name, func(t *testing.T) {
			s := deploy(t)
			for _, role := range store.Roles {
				p := s.signedIn(t, role, string(role)+"@example.com")
				p.ExpectLive()
				p.picture("/tmp/smoke-" + name + "-" + string(role) + ".png")
			}
		})
	}
}
