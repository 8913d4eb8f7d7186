package chaos

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a program that runs beside the tests and can be started again after it ended.
type process struct {
	t    testing.TB
	path string
	args []string
	env  []string
	log  string // a file; a failure shows its end

	cmd  *exec.Cmd
	gone chan struct{}
}

func (p *process) start() {
	p.t.Helper()
	file, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command(p.path, p.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, file, file
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	gone := make(chan struct{})
	p.cmd, p.gone = cmd, gone
	go func() {
		cmd.Wait()
		file.Close()
		close(gone)
	}()
	p.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGCONT)
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-gone:
		case <-time.After(20 * time.Second):
			cmd.Process.Kill()
			p.t.Errorf("%s did not end within 20 s of SIGTERM", filepath.Base(p.path))
			<-gone
		}
	})
}

func (p *process) signal(signal syscall.Signal) { p.cmd.Process.Signal(signal) }

// end sends a signal and waits for the process to be gone.
func (p *process) end(signal syscall.Signal) {
	p.t.Helper()
	p.signal(signal)
	select {
	case <-p.gone:
	case <-time.After(20 * time.Second):
		p.t.Fatalf("%s did not end within 20 s of %v\n%s", filepath.Base(p.path), signal, p.tail(30))
	}
}

func (p *process) ended() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

func (p *process) said() string {
	text, _ := os.ReadFile(p.log)
	return string(text)
}

// tail is the end of what the process has said.
func (p *process) tail(lines int) string {
	all := strings.Split(strings.TrimRight(p.said(), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// freeAddress is free now. Somebody could take it before it is used; nobody here does.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
