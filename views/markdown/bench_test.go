package markdown

import (
	"strings"
	"testing"
)

func BenchmarkRender(b *testing.B) {
	text := "Hello Dana,\n\nthank you for the log, it shows the **cause**: your provider changed its keys at 9:38.\n\n1. Open *Settings*\n2. Press `Reconnect`\n\n> This costs us about 40 orders an hour\n\nSee https://example.com/status for more. " + strings.Repeat("Words and more words. ", 20)
	for b.Loop() {
		render(text)
	}
}
