package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopOrphan stops a server on our cluster whose AutoCRM is gone: we hold the
// lock, so it has no master. It returns the number of a process that only
// happens to have the number in a stale postmaster.pid, or 0.
func stopOrphan(ctx context.Context, data string, progress func(string)) (stranger int, err error) {
	pid := postmasterPID(data)
	if pid == 0 || !alive(pid) {
		return 0, nil
	}
	if !isPostmaster(pid, data) {
		return pid, nil
	}
	progress(fmt.Sprintf("stopping a PostgreSQL (process %d) that an earlier AutoCRM left behind", pid))
	for _, step := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{stopSignal, 15 * time.Second}, {syscall.SIGQUIT, 5 * time.Second}} {
		if err := syscall.Kill(pid, step.signal); errors.Is(err, syscall.ESRCH) {
			return 0, nil
		} else if err != nil {
			return 0, fmt.Errorf("stop the PostgreSQL (process %d) that an earlier AutoCRM left behind: %w", pid, err)
		}
		for giveUp := time.Now().Add(step.wait); time.Now().Before(giveUp); {
			if !isPostmaster(pid, data) {
				return 0, nil
			}
			if err := pause(ctx, 10*time.Millisecond); err != nil {
				return 0, err
			}
		}
	}
	return 0, fmt.Errorf("a PostgreSQL (process %d) that an earlier AutoCRM left behind in %s does not stop: end it with 'kill -9 %d' and start again", pid, data, pid)
}

// postmasterPID reads the number that the last server on the cluster left.
func postmasterPID(data string) int {
	raw, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return 0
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	pid, _ := strconv.Atoi(strings.TrimSpace(line))
	return max(pid, -pid) // PostgreSQL writes its single-user mode as negative
}

func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}
