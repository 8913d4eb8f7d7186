package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLogStaysSmall(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "postgres.log")
	l, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	line := []byte(strings.Repeat("x", 999) + "\n")
	for range 5 * logSize / len(line) {
		l.Write(line)
	}
	l.Write([]byte("2026-11-23 12:00:00 UTC [7] FATAL:  the last word\n"))
	for _, name := range []string{path, path + ".1"} {
		info, err := os.Stat(name)
		if err != nil || info.Size() > logSize {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if l.reason() != "the last word" || len(l.tail) > logTail {
		t.Errorf("the reason is %q, and %d bytes are kept", l.reason(), len(l.tail))
	}
}
