package deploytest

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Process is a program that runs beside the tests. It ends with the test, and can be started again after it ended.
type Process struct {
	T        testing.TB
	Path     string
	Args     []string
	Env      []string
	Log      string        // a file for what it says
	Patience time.Duration // for so long it may take to end

	cmd  *exec.Cmd
	gone chan struct{}
}

// Start runs the program.
func (p *Process) Start() {
	p.T.Helper()
	file, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		p.T.Fatal(err)
	}
	cmd := exec.Command(p.Path, p.Args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.Env, file, file
	if err := cmd.Start(); err != nil {
		p.T.Fatal(err)
	}
	gone := make(chan struct{})
	p.cmd, p.gone = cmd, gone
	go func() {
		cmd.Wait() //nolint:errcheck // what it has to say is in the log
		file.Close()
		close(gone)
	}()
	p.T.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGCONT) //nolint:errcheck // it may have gone already
		cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // as above
		select {
		case <-gone:
		case <-time.After(p.Patience):
			cmd.Process.Kill() //nolint:errcheck // as above
			p.T.Errorf("%s did not end within %s of SIGTERM", filepath.Base(p.Path), p.Patience)
			<-gone
		}
	})
}

// Signal sends a signal.
func (p *Process) Signal(signal os.Signal) { p.cmd.Process.Signal(signal) } //nolint:errcheck // as above

// End sends a signal and waits for the process to be gone.
func (p *Process) End(signal os.Signal) {
	p.T.Helper()
	p.Signal(signal)
	select {
	case <-p.gone:
	case <-time.After(p.Patience):
		p.T.Fatalf("%s did not end within %s of %v\n%s", filepath.Base(p.Path), p.Patience, signal, p.Tail(30))
	}
}

// Ended says whether the process is gone.
func (p *Process) Ended() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// Said is all that the process has said.
func (p *Process) Said() string {
	text, _ := os.ReadFile(p.Log)
	return string(text)
}

// Tail is the end of what the process has said.
func (p *Process) Tail(lines int) string {
	all := strings.Split(strings.TrimRight(p.Said(), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// ports counts the ports that FreeAddress has tried.
var ports atomic.Int32

// FreeAddress is free now, on this machine, and likely to stay so until it is used: it lies below what systems give to
// outgoing connections, each test process begins in a stretch of its own, and none is given twice before the stretch
// is used up.
func FreeAddress(t testing.TB) string {
	t.Helper()
	const first, stretch, stretches = 11000, 500, 40
	for range stretch {
		port := first + os.Getpid()%stretches*stretch + int(ports.Add(1))%stretch
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			listener.Close()
			return listener.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}
