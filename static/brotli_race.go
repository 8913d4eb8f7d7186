//go:build race

package static

// Tests start dozens of servers with the race detector, in which the best level takes three seconds of each.
const brotliLevel = 5
