package postgres

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// InUseError is Start's answer when another AutoCRM runs on the same directory.
type InUseError struct {
	Dir string
	PID int // 0 when it could not be learnt
}

func (e *InUseError) Error() string {
	who := "another AutoCRM"
	if e.PID != 0 {
		who += fmt.Sprintf(" (process %d)", e.PID)
	}
	return fmt.Sprintf("%s already uses %s: stop it, or set DATA_DIR to another directory", who, e.Dir)
}

// lockCluster takes the cluster for this process. The kernel drops the lock
// with the process, however it ends, so there is no stale one. The file is
// never deleted: a waiter could then hold the lock on a file without a name.
func lockCluster(data, dir string) (*os.File, error) {
	f, err := os.OpenFile(data+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the database cluster: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		defer f.Close()
		raw, _ := io.ReadAll(io.LimitReader(f, 32))
		pid, _ := strconv.Atoi(strings.TrimSpace(string(raw)))
		return nil, &InUseError{Dir: dir, PID: pid}
	}
	if err == nil {
		if err = f.Truncate(0); err == nil {
			_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the database cluster: %w", err)
	}
	return f, nil
}
