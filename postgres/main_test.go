package postgres

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The test binary plays AutoCRM when it finds a directory here: it starts a
// server, says so, obeys a few words from its standard input and stops.
const playEnv = "AUTOCRM_PLAY_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(playEnv); dir != "" {
		os.Exit(play(dir))
	}
	code := m.Run()
	if copied.dir != "" {
		os.RemoveAll(copied.dir)
	}
	os.Exit(code)
}

func play(dir string) int {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	s, err := Start(context.Background(), Options{Dir: dir, Progress: func(msg string) { fmt.Println("progress:", msg) }})
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println("ready:", s.process.cmd.Process.Pid, s.URL(Superuser, "postgres"))
	words := make(chan string)
	go func() {
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			words <- in.Text()
		}
		close(words)
	}()
	for {
		select {
		case <-interrupts:
			if err := s.ping(context.Background()); err != nil {
				fmt.Println("error:", err)
				return 1
			}
			fmt.Println("answers after Ctrl-C")
		case _, more := <-words:
			if more {
				continue
			}
			if err := s.Stop(context.Background()); err != nil {
				fmt.Println("error:", err)
				return 1
			}
			fmt.Println("stopped")
			return 0
		}
	}
}

// player is another AutoCRM, in a process of its own.
type player struct {
	cmd   *exec.Cmd
	stdin io.Closer
	lines *bufio.Scanner
	seen  []string
}

var copied struct {
	once sync.Once
	dir  string
	err  error
}

// binary is the test binary where every user may execute it.
func binary(t *testing.T) string {
	t.Helper()
	copied.once.Do(func() {
		copied.dir, copied.err = os.MkdirTemp("", "autocrm-play-")
		if copied.err != nil {
			return
		}
		var self string
		if self, copied.err = os.Executable(); copied.err != nil {
			return
		}
		var program []byte
		if program, copied.err = os.ReadFile(self); copied.err != nil {
			return
		}
		os.Chmod(copied.dir, 0o755)
		copied.err = writeProgram(filepath.Join(copied.dir, "autocrm"), program)
	})
	if copied.err != nil {
		t.Fatal(copied.err)
	}
	return filepath.Join(copied.dir, "autocrm")
}

// writeProgram lets no fork happen while the file is open for writing: the child
// would hold it for a moment, and the kernel then refuses to execute it.
func writeProgram(path string, program []byte) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, program, 0o755)
}

// playAutoCRM starts a second process on dir; uid 0 means as we are.
func playAutoCRM(t *testing.T, dir string, uid int, env ...string) *player {
	t.Helper()
	cmd := exec.Command(binary(t))
	cmd.Env = append(os.Environ(), append(env, playEnv+"="+dir)...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if uid != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &player{cmd: cmd, stdin: stdin, lines: bufio.NewScanner(stdout)}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			stdin.Close()
			cmd.Wait()
		}
	})
	return p
}

// expect reads on until a line begins with prefix and returns the rest of it.
func (p *player) expect(t *testing.T, prefix string) string {
	t.Helper()
	for p.lines.Scan() {
		p.seen = append(p.seen, p.lines.Text())
		if rest, ok := strings.CutPrefix(p.lines.Text(), prefix); ok {
			return strings.TrimSpace(rest)
		}
	}
	t.Fatalf("the other AutoCRM never said %q, only:\n%s", prefix, strings.Join(p.seen, "\n"))
	return ""
}

// ready waits for the other's server and returns its process and address.
func (p *player) ready(t *testing.T) (pid int, url string) {
	t.Helper()
	first, url, _ := strings.Cut(p.expect(t, "ready:"), " ")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid, url
}

func (p *player) finish(t *testing.T) {
	t.Helper()
	p.stdin.Close()
	p.expect(t, "stopped")
	if err := p.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// openDir is a directory that any user may enter; t.TempDir's are root's alone.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "autocrm-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// startServer starts a server for the test in this process.
func startServer(t *testing.T, dir string, progress ...func(string)) *Server {
	t.Helper()
	o := Options{Dir: dir, Progress: func(msg string) { t.Log(msg) }}
	for _, p := range progress {
		o.Progress = p
	}
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	return s
}

func stopServer(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func query[T any](t *testing.T, conn *pgx.Conn, sql string) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// eventually polls for a fact about a process that is not our child.
func eventually(t *testing.T, what string, fact func() bool) {
	t.Helper()
	for giveUp := time.Now().Add(15 * time.Second); !fact(); {
		if time.Now().After(giveUp) {
			t.Fatalf("waited in vain until %s", what)
		}
		pause(t.Context(), 5*time.Millisecond)
	}
}

// running tells whether a server works on the cluster of dir, whoever's it is.
func running(t *testing.T, dir string) bool {
	t.Helper()
	data, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return false
	}
	pid := postmasterPID(data)
	return pid != 0 && isPostmaster(pid, data)
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can change to another user")
	}
}
