//go:build !linux

package postgres

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// signalOnParentDeath does nothing here: a server whose AutoCRM was killed runs
// on until the next start stops it.
func signalOnParentDeath(*syscall.SysProcAttr, syscall.Signal) {}

func borrowName(*syscall.SysProcAttr) bool { return false }

// isPostmaster tells whether the process is a server on this very cluster.
func isPostmaster(pid int, data string) bool {
	out, err := exec.Command("ps", "-ww", "-o", "command=", "-p", strconv.Itoa(pid)).Output()
	if err != nil {
		return false
	}
	program, args, _ := strings.Cut(string(out), " -D ")
	return filepath.Base(program) == "postgres" && strings.HasPrefix(args, data+" ")
}
