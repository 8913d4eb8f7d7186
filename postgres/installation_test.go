package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pretend makes programs that say they are of that version.
func pretend(t *testing.T, root, version string) (bin string) {
	t.Helper()
	bin = filepath.Join(root, version, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"postgres", "initdb"} {
		script := fmt.Sprintf("#!/bin/sh\necho '%s (PostgreSQL) %s (Some Distribution)'\n", name, version)
		if err := writeProgram(filepath.Join(bin, name), []byte(script)); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

func TestSearchInstallations(t *testing.T) {
	t.Parallel()
	root := openDir(t)
	for _, version := range []string{"9.6.24", "14.9", "15.18", "18beta1", "17.2"} {
		pretend(t, root, version)
	}
	inPath := pretend(t, openDir(t), "16.1")
	if err := os.Remove(filepath.Join(pretend(t, root, "19.0"), "initdb")); err != nil {
		t.Fatal(err)
	}
	found, err := searchInstallations(t.Context(), account{}, []string{"relative", "/nonexistent", inPath}, []string{filepath.Join(root, "*", "bin")})
	if err != nil {
		t.Fatal(err)
	}
	var versions []string
	for _, i := range found {
		versions = append(versions, i.version)
	}
	if got := strings.Join(versions, " "); got != "16.1 18beta1 17.2 15.18" {
		t.Errorf("found %s", got)
	}

	data := openDir(t)
	if use, err := choose(found, data); err != nil || use.version != "16.1" {
		t.Errorf("for a new cluster: %v, %v", use, err)
	}
	for version, want := range map[string]string{"15": "15.18", "17": "17.2", "14": ""} {
		if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(version+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		use, err := choose(found, data)
		if use.version != want || (err == nil) != (want != "") {
			t.Errorf("for data of version %s: %v, %v", version, use, err)
		}
		if err != nil && !strings.Contains(err.Error(), "made by PostgreSQL 14, which is not installed (found 16.1, 18beta1, 17.2, 15.18)") {
			t.Errorf("for data of version %s: %v", version, err)
		}
	}
}

func TestNoInstallation(t *testing.T) {
	t.Parallel()
	root := openDir(t)
	pattern := []string{filepath.Join(root, "*", "bin")}
	_, err := searchInstallations(t.Context(), account{}, nil, pattern)
	if err == nil || !strings.Contains(err.Error(), "found no PostgreSQL server") || !strings.Contains(err.Error(), "DATABASE_URL") {
		t.Errorf("with none: %v", err)
	}
	pretend(t, root, "14.9")
	_, err = searchInstallations(t.Context(), account{}, nil, pattern)
	if err == nil || !strings.Contains(err.Error(), "needs PostgreSQL 15 or newer, and found only 14.9") {
		t.Errorf("with an old one: %v", err)
	}
}
