package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// elsewhere is where root's cluster goes when the server's user cannot enter
// the data directory, say one below /root.
const elsewhere = "/var/lib"

// place decides where the cluster lives and makes the directory that holds it.
// That is dir/postgres, or what a symbolic link of that name says: a link stays
// true when dir is moved, and starting anew with an empty dir starts anew.
func place(ctx context.Context, dir string, as account, use installation, progress func(string)) (string, error) {
	if err := makeDir(ctx, dir, as, use); err != nil {
		return "", err
	}
	home := filepath.Join(dir, "postgres")
	info, err := os.Lstat(home)
	switch {
	case errors.Is(err, os.ErrNotExist) && as.changed && !usable(ctx, dir, as, use):
		progress(fmt.Sprintf("PostgreSQL cannot run as root, and user %s cannot use %s: its data goes below %s, linked from %s", as.name, dir, elsewhere, home))
		if err := relocate(home); err != nil {
			return "", fmt.Errorf("PostgreSQL cannot run as root, and user %s cannot use %s: "+
				"set DATA_DIR to a directory outside it, such as %s/autocrm: %w", as.name, dir, elsewhere, err)
		}
	case errors.Is(err, os.ErrNotExist):
		return resolve(home)
	case err != nil:
		return "", fmt.Errorf("look for the database cluster: %w", err)
	case info.IsDir():
		return mine(ctx, home, as, use)
	}
	target, err := os.Readlink(home)
	if err != nil {
		return "", fmt.Errorf("%s must be a directory or a link to one: %w", home, err)
	}
	if !filepath.IsAbs(target) {
		target = filepath.Join(dir, target)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o711); err != nil {
		return "", fmt.Errorf("make the directory that %s links to: %w", home, err)
	}
	return mine(ctx, target, as, use)
}

// makeDir makes dir, closed to others but for the server's user, and lets that
// one through a dir that root closed to everybody.
func makeDir(ctx context.Context, dir string, as account, use installation) error {
	err := os.MkdirAll(filepath.Dir(dir), 0o755)
	if err == nil {
		err = os.Mkdir(dir, 0o700)
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if !as.changed || as.canEnter(ctx, dir, use) || !as.canEnter(ctx, filepath.Dir(dir), use) {
		return nil
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		return err
	}
	// Search only, and by group: what lies in dir stays as private as it was
	// to everyone else. A file system that knows no owners is place's concern.
	if os.Chown(dir, -1, as.gid) == nil {
		return os.Chmod(dir, info.Mode().Perm()|0o010)
	}
	return nil
}

// usable reports whether the account can own a directory in dir and work there.
// Shared folders of virtual machines and some network mounts refuse the first.
func usable(ctx context.Context, dir string, as account, use installation) bool {
	probe, err := os.MkdirTemp(dir, "postgres.probe-")
	if err != nil {
		return false
	}
	defer os.Remove(probe)
	if as.give(probe) != nil {
		return false
	}
	info, err := os.Stat(probe)
	return err == nil && ownerOf(info).uid == as.uid && as.canEnter(ctx, probe, use)
}

func relocate(link string) error {
	home, err := os.MkdirTemp(elsewhere, "autocrm-")
	if err != nil {
		return err
	}
	if err := os.Chmod(home, 0o711); err != nil {
		return err
	}
	if err := os.Symlink(filepath.Join(home, "postgres"), link); err != nil {
		os.Remove(home)
		// Another copy, started at the same time, was quicker: its link counts.
		if !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// mine refuses a cluster that this process could not run a server on, with a
// better sentence than PostgreSQL has.
func mine(ctx context.Context, data string, as account, use installation) (string, error) {
	info, err := os.Stat(data)
	if errors.Is(err, os.ErrNotExist) {
		return resolve(data)
	}
	if err != nil {
		return "", fmt.Errorf("look for the database cluster: %w", err)
	}
	owner := ownerOf(info)
	if !as.changed && owner.uid != as.uid {
		return "", fmt.Errorf("the database cluster in %s belongs to user %s, and AutoCRM runs as user %s: "+
			"run it as it was run before, or set DATA_DIR to another directory", data, owner.name, as.name)
	}
	// Before anything is done to it: a link may lead to a directory of value.
	if !exists(filepath.Join(data, "PG_VERSION")) {
		if entries, err := os.ReadDir(data); err != nil || len(entries) > 0 {
			return "", fmt.Errorf("%s is no database cluster and not an empty directory: move it away, or set DATA_DIR to another directory", data)
		}
	}
	if owner.uid != as.uid {
		if err := as.give(data); err != nil {
			return "", fmt.Errorf("hand the database cluster to user %s: %w", as.name, err)
		}
	}
	// PostgreSQL insists, and a copied or unpacked directory is often wider.
	if err := os.Chmod(data, 0o700); err != nil {
		return "", fmt.Errorf("close the database cluster to others: %w", err)
	}
	if as.changed && !as.canEnter(ctx, data, use) {
		return "", fmt.Errorf("the database cluster in %s belongs to user %s, who may not enter a directory above it: "+
			"open that one with 'chmod o+x', or set DATA_DIR to another directory", data, as.name)
	}
	return resolve(data)
}

// resolve gives a cluster one name however it was reached: the lock, the socket
// and the search for an orphan go by it. The cluster itself may not exist yet.
func resolve(data string) (string, error) {
	parent, err := filepath.EvalSymlinks(filepath.Dir(data))
	if err != nil {
		return "", fmt.Errorf("find the data directory: %w", err)
	}
	return filepath.Join(parent, filepath.Base(data)), nil
}
