package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the OS user that PostgreSQL's programs run as: our own, or, since
// PostgreSQL refuses root, an unprivileged one that root changes to.
type account struct {
	uid, gid int
	name     string
	changed  bool
}

// serverAccount chooses the account. A cluster that exists keeps the user it
// was made by, also after a better one was installed.
func serverAccount(data string) (account, error) {
	if uid := os.Geteuid(); uid != 0 {
		return account{uid: uid, gid: os.Getegid(), name: userName(uid)}, nil
	}
	if info, err := os.Stat(filepath.Join(data, "PG_VERSION")); err == nil {
		if owner := ownerOf(info); owner.uid != 0 {
			owner.changed = true
			return owner, nil
		}
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if uid != 0 {
			return account{uid: uid, gid: gid, name: name, changed: true}, nil
		}
	}
	return account{}, errors.New("PostgreSQL refuses to run as root, and this system has neither a user postgres nor a user nobody to run it as: " +
		"run AutoCRM as an ordinary user, add a system user named postgres, or set DATABASE_URL")
}

func ownerOf(info fs.FileInfo) account {
	stat := info.Sys().(*syscall.Stat_t)
	uid := int(stat.Uid)
	return account{uid: uid, gid: int(stat.Gid), name: userName(uid)}
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "number " + strconv.Itoa(uid)
}

// command prepares a program to run as the account, in a session of its own:
// Ctrl-C in a terminal reaches its whole process group, and when PostgreSQL
// stops is for AutoCRM to say.
func (a account) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = environment(os.Environ())
	cmd.Dir = "/" // our own working directory may be closed to the account
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if a.changed {
		// Groups stays empty: setgroups(0), or root's groups would come along.
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return cmd
}

// explain adds what a bare "operation not permitted" does not say.
func (a account) explain(err error) error {
	if a.changed && errors.Is(err, syscall.EPERM) {
		return fmt.Errorf("AutoCRM runs as root but may not change to user %s, as it must for PostgreSQL: "+
			"run it as an ordinary user, or set DATABASE_URL: %w", a.name, err)
	}
	return err
}

// canEnter asks the one judge who knows of modes, lists and mount options
// alike: it runs a program there, as the account.
func (a account) canEnter(ctx context.Context, dir string, use installation) bool {
	cmd := a.command(use.program("postgres"), "--version")
	cmd.Dir = dir
	return cmd.Run() == nil && ctx.Err() == nil
}

// give makes the account the owner of a tree.
func (a account) give(root string) error {
	if !a.changed {
		return nil
	}
	return filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, a.uid, a.gid)
	})
}
