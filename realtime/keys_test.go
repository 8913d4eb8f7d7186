package realtime

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"autocrm/store/storetest"
)

// TestKeysOfNodes: a node that has not the key of another says so; one that has it, in whatever order, does not.
func TestKeysOfNodes(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	newNode(t, db, setting{secrets: []string{"the new secret", "the old secret"}})
	for secrets, warns := range map[string]bool{
		"the new secret":                false,
		"the old secret,the new secret": false,
		"the old secret":                true,
		"a secret of its own":           true,
	} {
		var said bytes.Buffer
		t.Run(secrets, func(t *testing.T) {
			newNode(t, db, setting{secrets: strings.Split(secrets, ","), logger: slog.New(slog.NewTextHandler(&said, nil))})
		}) // it has stopped when the test is over
		if strings.Contains(said.String(), "SECRET_KEY") != warns {
			t.Errorf("with %q it says %q", secrets, said.String())
		}
	}
}
