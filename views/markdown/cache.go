package markdown

import (
	"crypto/sha256"
	"sync"
)

// rendered keeps what was rendered lately: words that were said do not change, and everybody who looks at a
// ticket reads the same ones.
var rendered cache

// cacheBytes bounds each of the two generations.
const cacheBytes = 4 << 20

// cache keeps texts in two generations. What is asked for stays young; when the young have grown too many they
// become the old, and the old are forgotten.
type cache struct {
	mu         sync.Mutex
	young, old map[[32]byte]HTML
	bytes      int // of the young
}

func (c *cache) get(text string, render func(string) HTML) HTML {
	key := sha256.Sum256([]byte(text))
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, ok := c.young[key]; ok {
		return found
	}
	found, ok := c.old[key]
	if !ok {
		// Not under the lock: a text that takes long must not hold up everybody else's.
		c.mu.Unlock()
		found = render(text)
		c.mu.Lock()
	}
	c.keep(key, found)
	return found
}

func (c *cache) keep(key [32]byte, h HTML) {
	if _, twice := c.young[key]; twice {
		return
	}
	if c.bytes += len(h.safe) + len(key) + 64; c.young == nil || c.bytes > cacheBytes {
		c.young, c.old, c.bytes = map[[32]byte]HTML{}, c.young, len(h.safe)+len(key)+64
	}
	c.young[key] = h
}
