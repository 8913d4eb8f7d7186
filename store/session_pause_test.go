package store

import (
	"context"
	"errors"
	"testing"
)

// Who comes alone waits for nobody, however quickly one question follows the other; who comes with others does.
func TestNobodyWaitsForACrowdThatIsNone(t *testing.T) {
	t.Parallel()
	var c sessionCrowd
	found := func(context.Context, []sessionKey) (sessionRows, error) { return nil, nil }
	for range 100 {
		batch, n, pause := c.join(sessionKey{})
		if n != 0 || pause != 0 {
			t.Fatalf("the only one is number %d and waits %s", n, pause)
		}
		c.ask(t.Context(), batch, pause, found)
	}
	asked, answer := make(chan struct{}), make(chan struct{})
	go c.read(t.Context(), sessionKey{}, func(context.Context, []sessionKey) (sessionRows, error) {
		close(asked)
		<-answer
		return nil, nil
	})
	<-asked
	first, n, pause := c.join(sessionKey{})
	second, m, _ := c.join(sessionKey{})
	if n != 0 || pause == 0 || m != 1 || first != second {
		t.Errorf("beside a question under way two are number %d and %d, of one query: %t, and wait %s", n, m, first == second, pause)
	}
	close(answer)
	c.ask(t.Context(), first, 0, func(_ context.Context, keys []sessionKey) (sessionRows, error) {
		if len(keys) != 2 {
			t.Errorf("%d keys are asked for", len(keys))
		}
		return nil, nil
	})
	if _, _, err := first.rows.actor(1); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
