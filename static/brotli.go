//go:build !race

package static

import "github.com/andybalholm/brotli"

const brotliLevel = brotli.BestCompression
