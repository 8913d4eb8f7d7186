package postgres

import (
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// signalOnParentDeath sets the signal a child gets when we die. The kernel
// forgets it when a process changes its user; Go sets it after that.
func signalOnParentDeath(attr *syscall.SysProcAttr, signal syscall.Signal) {
	attr.Pdeathsig = signal
}

// borrowName lets a program see our number as that of a user who has a name, in
// a user namespace of its own. What it writes belongs to us all the same. It
// reports false where there is no such user to be had.
func borrowName(attr *syscall.SysProcAttr) bool {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: os.Getegid(), Size: 1}}
		return true
	}
	return false
}

// isPostmaster tells whether the process is a server on this very cluster. It
// reads the arguments, which everybody may: in a container root may not look at
// another user's working directory or executable.
func isPostmaster(pid int, data string) bool {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return false
	}
	args := strings.Split(string(raw), "\x00")
	return filepath.Base(args[0]) == "postgres" && slices.Contains(args, data)
}
