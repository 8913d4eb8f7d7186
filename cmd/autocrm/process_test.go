package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"autocrm/store/storetest"
)

// runAsProgram makes this test binary the program itself, so that the tests run the real main in a process of
// its own without building it again.
const runAsProgram = "AUTOCRM_TEST_RUNS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(runAsProgram) != "" {
		main()
		return
	}
	storetest.Main(m)
}

// program is one run of the binary.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	said   output
	began  time.Time
	gone   chan struct{}
	listen string
}

// output may be read while the process writes.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs the binary with nothing in its environment but env.
func start(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{t: t, cmd: exec.Command(self, args...), gone: make(chan struct{}), began: time.Now()}
	p.cmd.Env = append([]string{runAsProgram + "=yes", "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	for _, setting := range env {
		if address, ok := strings.CutPrefix(setting, "LISTEN_ADDR="); ok {
			p.listen = address
		}
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.gone)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		<-p.gone
		if t.Failed() {
			t.Logf("it said:\n%s", p.said.String())
		}
	})
	return p
}

// ready waits for /readyz and returns how long that took from the start.
func (p *program) ready() time.Duration {
	p.t.Helper()
	for {
		answer, err := http.DefaultClient.Do(p.request("GET", "client", "/readyz"))
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return time.Since(p.began)
			}
		}
		select {
		case <-p.gone:
			p.t.Fatalf("it ended before it was ready: %s", p.said.String())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Since(p.began) > time.Minute {
			p.t.Fatal("not ready within a minute")
		}
	}
}

func (p *program) request(method, portal, path string) *http.Request {
	request, err := http.NewRequest(method, "http://"+p.listen+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(p.listen)
	request.Host = portal + ".localhost:" + port
	return request
}

// end sends a signal and returns how long the process took to go.
func (p *program) end(signal os.Signal) time.Duration {
	p.t.Helper()
	sent := time.Now()
	p.cmd.Process.Signal(signal)
	return p.wait(sent)
}

func (p *program) wait(since time.Time) time.Duration {
	p.t.Helper()
	select {
	case <-p.gone:
		return time.Since(since)
	case <-time.After(30 * time.Second):
		p.cmd.Process.Signal(syscall.SIGQUIT) // says where it stands
		p.t.Fatal("it did not end")
		return 0
	}
}

// refuses waits for the process to end by itself, in one sentence.
func (p *program) refuses() string {
	p.t.Helper()
	p.wait(time.Now())
	said := strings.TrimSpace(p.said.String())
	if code := p.cmd.ProcessState.ExitCode(); code != 1 {
		p.t.Errorf("it ended with code %d", code)
	}
	lines := strings.Split(said, "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "autocrm: ") || strings.Contains(said, "goroutine ") {
		p.t.Errorf("that is no sentence: %s", said)
	}
	return last
}

// dataDir is a folder that the unprivileged user of a private PostgreSQL can enter, where root runs the tests.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "autocrm-process-")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "data")
}

// running lists the processes whose command line has the words; none where the system does not tell.
func running(words string) (found []string) {
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		line, _ := os.ReadFile(path)
		if text := strings.ReplaceAll(string(line), "\x00", " "); strings.Contains(text, words) {
			found = append(found, fmt.Sprintf("%s: %s", filepath.Base(filepath.Dir(path)), text))
		}
	}
	return found
}
