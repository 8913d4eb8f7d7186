package postgres

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// RunningURL is URL for the server that another process has started on dir: what a second command needs while
// the first one serves. It is an error where none runs.
func RunningURL(dir, user, database string) (string, error) {
	// The fifth line of the file is the directory of the socket (PostgreSQL, miscadmin.h).
	raw, err := os.ReadFile(filepath.Join(dir, "postgres", "postmaster.pid"))
	if err != nil {
		return "", fmt.Errorf("find the running PostgreSQL: %w", err)
	}
	lines := strings.Split(string(raw), "\n")
	if len(lines) < 5 || lines[4] == "" {
		return "", fmt.Errorf("the PostgreSQL of %s is just starting; try again", dir)
	}
	return (&Server{socketDir: lines[4]}).URL(user, database), nil
}
