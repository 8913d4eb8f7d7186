package browser

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a program that runs beside the tests, with a log that a failure shows the end of.
type process struct {
	t    testing.TB
	path string
	args []string
	env  []string
	log  string

	cmd  *exec.Cmd
	gone chan struct{}
}

// start runs the program; it ends with the test.
func (p *process) start() {
	p.t.Helper()
	file, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = p.env, file, file
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	gone, cmd := make(chan struct{}), p.cmd
	p.gone = gone
	go func() {
		cmd.Wait()
		file.Close()
		close(gone)
	}()
	p.t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			p.t.Errorf("%s did not end within 10 s of SIGTERM", filepath.Base(p.path))
			<-gone
		}
	})
}

// end sends a signal and waits for the process to be gone.
func (p *process) end(signal os.Signal) {
	p.t.Helper()
	p.cmd.Process.Signal(signal)
	select {
	case <-p.gone:
	case <-time.After(10 * time.Second):
		p.t.Fatalf("%s did not end within 10 s of %v\n%s", filepath.Base(p.path), signal, p.tail(30))
	}
}

// tail is the end of what the process has said.
func (p *process) tail(lines int) string {
	all := strings.Split(strings.TrimRight(p.said(), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

func (p *process) said() string {
	text, _ := os.ReadFile(p.log)
	return string(text)
}

// until waits for a fact outside the browser.
func until(t testing.TB, what string, within time.Duration, fact func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !fact() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// freePort is free now. Somebody could take it before it is used; nobody here does.
func freePort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)
}

// dialHere finds every name on this machine, as Chromium is told to.
func dialHere(ctx context.Context, network, address string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
}
