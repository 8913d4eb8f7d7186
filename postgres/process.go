package postgres

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// stopSignal asks the postmaster for a fast shutdown: roll back, write, end.
const stopSignal = syscall.SIGINT

// process is a child that runs. err may be read once exited is closed.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error
}

// launch starts cmd. Where the system can, the child gets the signal orphaned
// when this process dies, even by kill -9.
func launch(cmd *exec.Cmd, orphaned syscall.Signal) (*process, error) {
	signalOnParentDeath(cmd.SysProcAttr, orphaned)
	// A busy backend holds the log's pipe open for as long as it outlives a
	// postmaster that was killed.
	cmd.WaitDelay = 250 * time.Millisecond
	p := &process{cmd: cmd, exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Linux sends the signal when the thread that forked ends, and Go ends
		// threads as it likes: this one must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// stop ends a postmaster: gently, then at once when ctx ends, then by force.
func (p *process) stop(ctx context.Context) error {
	select {
	case <-p.exited:
		return nil
	default:
	}
	p.cmd.Process.Signal(stopSignal)
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
	}
	p.cmd.Process.Signal(syscall.SIGQUIT)
	select {
	case <-p.exited:
		return fmt.Errorf("PostgreSQL did not stop in time and was cut short: %w", context.Cause(ctx))
	case <-time.After(5 * time.Second):
	}
	p.cmd.Process.Kill()
	<-p.exited
	return errors.New("PostgreSQL did not stop and was killed")
}

// killGroup is for initdb, whose own children would otherwise go on writing.
func (p *process) killGroup() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
}
