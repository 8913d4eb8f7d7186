package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ensureCluster runs initdb, or copies the server to follow, unless the cluster
// exists. It works under another name and renames at the end, so that a cluster
// is there whole or not at all.
func ensureCluster(ctx context.Context, use installation, as account, data string, o Options) error {
	leftover, _ := filepath.Glob(data + ".new-*")
	for _, dir := range leftover {
		os.RemoveAll(dir)
	}
	switch _, err := os.Stat(filepath.Join(data, "PG_VERSION")); {
	case err == nil:
		return nil
	case !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("look for the database cluster: %w", err)
	}
	o.Progress(fmt.Sprintf("creating the database cluster in %s", data))
	fresh, err := os.MkdirTemp(filepath.Dir(data), filepath.Base(data)+".new-")
	if err != nil {
		return fmt.Errorf("make the database cluster: %w", err)
	}
	defer os.RemoveAll(fresh)
	if err := as.give(fresh); err != nil {
		return fmt.Errorf("make the database cluster: %w", err)
	}
	if o.Follows != nil {
		err = copyCluster(ctx, use, as, fresh, o.Follows)
	} else {
		err = initCluster(ctx, use, as, fresh, o.Durable)
	}
	if err != nil {
		return err
	}
	if err := os.Rename(fresh, data); err != nil {
		return fmt.Errorf("make the database cluster: %w", err)
	}
	return nil
}

// initCluster runs initdb in an empty directory.
func initCluster(ctx context.Context, use installation, as account, dir string, durable bool) error {
	borrow := false
	locales := localeChoices(use.major)
	for {
		err := initdb(ctx, use, as, dir, durable, locales[0], borrow)
		var failed *initdbError
		switch {
		case err == nil || !errors.As(err, &failed):
			return err
		case strings.Contains(failed.output, "could not look up effective user ID") && !borrow:
			borrow = true
		case strings.Contains(failed.output, "invalid locale") && len(locales) > 1:
			locales = locales[1:]
		default:
			return err
		}
		// initdb empties the directory it was given when it fails, but not when
		// it never got that far.
		entries, readErr := os.ReadDir(dir)
		if readErr != nil || len(entries) > 0 {
			return err
		}
	}
}

// copyCluster runs pg_basebackup into an empty directory; with --write-recovery-conf
// the copy starts as a standby.
func copyCluster(ctx context.Context, use installation, as account, dir string, primary *Server) error {
	cmd := as.command(use.program("pg_basebackup"), "--pgdata="+dir, "--dbname="+primary.URL(Superuser, "postgres"),
		"--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	p, err := launch(cmd, syscall.SIGKILL)
	if err != nil {
		return fmt.Errorf("start pg_basebackup: %w", as.explain(err))
	}
	select {
	case <-p.exited:
	case <-ctx.Done():
		p.killGroup()
		<-p.exited
		return fmt.Errorf("copy the database cluster: %w", context.Cause(ctx))
	}
	if p.err != nil {
		return fmt.Errorf("PostgreSQL could not copy the database cluster: %s", reasonIn(output.String()))
	}
	return nil
}

// localeChoices are initdb's arguments for a sort order that is the same on
// every machine: by code point, with Unicode's idea of letters. The second
// choice is for systems whose C library has no C.UTF-8.
func localeChoices(major int) [][]string {
	if major >= 17 {
		return [][]string{{"--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"}}
	}
	return [][]string{
		{"--locale-provider=libc", "--locale=C.UTF-8"},
		{"--locale-provider=libc", "--locale=C", "--lc-ctype=en_US.UTF-8"},
	}
}

type initdbError struct{ output string }

func (e *initdbError) Error() string {
	return "PostgreSQL could not make the database cluster: " + reasonIn(e.output)
}

// initdb runs the program once. With borrow it sees the name of another user
// for our number, see borrowName.
func initdb(ctx context.Context, use installation, as account, dir string, durable bool, locale []string, borrow bool) error {
	args := append([]string{
		"--pgdata=" + dir,
		"--username=" + Superuser,
		"--auth=trust", // nobody but the server's OS user and root gets to the socket
		"--encoding=UTF8",
		"--no-instructions",
	}, locale...)
	if !durable {
		args = append(args, "--no-sync")
	}
	cmd := as.command(use.program("initdb"), args...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if borrow && !borrowName(cmd.SysProcAttr) {
		return errors.New(nameless(as))
	}
	p, err := launch(cmd, syscall.SIGKILL)
	if err != nil {
		if borrow { // the kernel's reason, "no space left on device" for one, leads astray
			return errors.New(nameless(as))
		}
		return fmt.Errorf("start initdb: %w", as.explain(err))
	}
	select {
	case <-p.exited:
	case <-ctx.Done():
		p.killGroup()
		<-p.exited
		return fmt.Errorf("make the database cluster: %w", context.Cause(ctx))
	}
	if p.err != nil {
		return &initdbError{output: output.String()}
	}
	return nil
}

func nameless(as account) string {
	return fmt.Sprintf("AutoCRM runs as user id %d, which has no name on this system, and PostgreSQL's initdb insists on one: "+
		"add a line for it to /etc/passwd, run AutoCRM as a user with a name, or set DATABASE_URL", as.uid)
}
