package postgres

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSocketDirOfSomebodyElse(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := openDir(t)
	s := startServer(t, dir)
	stopServer(t, s)
	squatted := s.socketDir
	for name, prepare := range map[string]func() error{
		"another's directory": func() error {
			if err := os.Mkdir(squatted, 0o700); err != nil {
				return err
			}
			return os.Chown(squatted, 54321, 54321)
		},
		"open to all": func() error {
			if err := os.Mkdir(squatted, 0o700); err != nil {
				return err
			}
			return os.Chmod(squatted, 0o777)
		},
		"a link": func() error { return os.Symlink(openDir(t), squatted) },
	} {
		if err := prepare(); err != nil {
			t.Fatal(err)
		}
		s := startServer(t, dir)
		if s.socketDir == squatted {
			t.Errorf("%s: was used", name)
		}
		stopServer(t, s)
		if err := os.RemoveAll(squatted); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSocketBase(t *testing.T) {
	t.Parallel()
	open := filepath.Join(openDir(t), "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(openDir(t), strings.Repeat("long", 20))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	for base, good := range map[string]bool{"/tmp": true, open: false, long: false, "/nonexistent": false, "relative": false} {
		if err := suits(base, "autocrm-0123456789ab"); (err == nil) != good {
			t.Errorf("%s: %v", base, err)
		}
	}
}
