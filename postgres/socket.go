package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	socketName = ".s.PGSQL." + port
	// sun_path has 104 bytes on macOS and 108 on Linux, one of them for the NUL.
	socketPathMax = 103
)

// makeSocketDir makes the directory for the server's socket: owned by the
// server's user, closed to others, and in a short path, since the data
// directory's may be too long. Its name follows from the cluster, so that a
// process killed at any time leaves at most one behind.
func makeSocketDir(ctx context.Context, data string, as account, use installation) (string, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", as.uid, data))
	name := "autocrm-" + hex.EncodeToString(sum[:6])
	var problems []error
	for _, base := range socketBases(as) {
		if err := suits(base, name); err != nil {
			problems = append(problems, err)
			continue
		}
		dir, err := claimSocketDir(base, name, as)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if as.changed && !as.canEnter(ctx, dir, use) {
			os.Remove(dir)
			problems = append(problems, fmt.Errorf("user %s cannot enter %s", as.name, dir))
			continue
		}
		return dir, nil
	}
	return "", fmt.Errorf("find a directory for PostgreSQL's socket: %w", errors.Join(problems...))
}

func socketBases(as account) []string {
	bases := []string{os.TempDir(), "/tmp", "/var/tmp", "/dev/shm"}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" && !as.changed {
		bases = append([]string{dir}, bases...)
	}
	return bases
}

// suits refuses a base whose sockets could not be named, and one where anybody
// may rename what is not theirs.
func suits(base, name string) error {
	info, err := os.Stat(base)
	switch {
	case err != nil:
		return err
	case !filepath.IsAbs(base) || strings.ContainsAny(base, `,"`):
		return fmt.Errorf("%s cannot stand in a connection string", base)
	case len(filepath.Join(base, name+"-1234567890", socketName)) > socketPathMax:
		return fmt.Errorf("%s is too long for the path of a socket", base)
	case info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSticky == 0:
		return fmt.Errorf("in %s anybody may put files in the place of others", base)
	}
	return nil
}

// claimSocketDir makes base/name, or takes it over when it is one of ours. One
// that belongs to somebody else is left alone and not trusted.
func claimSocketDir(base, name string, as account) (string, error) {
	dir := filepath.Join(base, name)
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, os.ErrExist) && !ours(dir, as) {
		dir, err = os.MkdirTemp(base, name+"-")
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	// What a killed server left. We hold the cluster's lock and have stopped
	// its orphan, so nobody listens there.
	for _, file := range []string{socketName, socketName + ".lock"} {
		if err := os.Remove(filepath.Join(dir, file)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
	}
	if err := as.give(dir); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o700)
}

func ours(dir string, as account) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm() != 0o700 {
		return false
	}
	owner := ownerOf(info)
	// Root's own: we were killed before we could hand it on.
	return owner.uid == as.uid || owner.uid == os.Geteuid()
}
