package postgres

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestKilledBinaryTakesItsServerAlong(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells a child of its parent's death")
	}
	dir := openDir(t)
	p := playAutoCRM(t, dir, 0)
	pid, url := p.ready(t)
	connect(t, url)
	p.cmd.Process.Kill()
	p.cmd.Wait()
	eventually(t, "the server ended", func() bool { return !isPostmaster(pid, filepath.Join(dir, "postgres")) })
	startServer(t, dir)
}

// A start right after kill -9 finds the old server still ending.
func TestStartRightAfterKill(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	p := playAutoCRM(t, dir, 0)
	p.ready(t)
	p.cmd.Process.Kill()
	p.cmd.Wait()
	startServer(t, dir)
}

func TestKilledDuringInit(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	p := playAutoCRM(t, dir, 0)
	p.expect(t, "progress: creating the database cluster")
	eventually(t, "initdb was at work", func() bool {
		half, _ := filepath.Glob(filepath.Join(dir, "postgres.new-*", "base"))
		return len(half) > 0
	})
	p.cmd.Process.Kill()
	p.cmd.Wait()
	startServer(t, dir)
}

// Where nothing tells the server of its AutoCRM's death it is still there.
func TestOrphanIsStopped(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	s := startServer(t, dir)
	data, socketDir := s.data, s.socketDir
	stopServer(t, s)

	as, err := serverAccount(data)
	if err != nil {
		t.Fatal(err)
	}
	found, err := findInstallations(t.Context(), as)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claimSocketDir(filepath.Dir(socketDir), filepath.Base(socketDir), as); err != nil {
		t.Fatal(err)
	}
	orphan, err := launch(as.command(found[0].program("postgres"), settings(data, socketDir, false)...), 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { orphan.stop(context.Background()) })
	old := &Server{socketDir: socketDir}
	eventually(t, "the orphan answered", func() bool { return old.ping(t.Context()) == nil })

	var told []string
	startServer(t, dir, func(msg string) { told = append(told, msg) })
	select {
	case <-orphan.exited:
	default:
		t.Error("the orphan runs on")
	}
	want := fmt.Sprintf("stopping a PostgreSQL (process %d) that an earlier AutoCRM left behind", orphan.cmd.Process.Pid)
	if !strings.Contains(strings.Join(told, "\n"), want) {
		t.Errorf("progress does not say %q: %q", want, told)
	}
}

// The machine crashed, and the number in postmaster.pid is another process's.
func TestRecycledPID(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	s := startServer(t, dir)
	data, socketDir := s.data, s.socketDir
	stopServer(t, s)

	as, err := serverAccount(data)
	if err != nil {
		t.Fatal(err)
	}
	// PostgreSQL is only taken in by a process of its own user.
	stranger := as.command("/bin/sleep", "1000")
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stranger.Process.Kill(); stranger.Wait() })
	stale := strconv.Itoa(stranger.Process.Pid) + "\n" + data + "\n1790000000\n5432\n" + socketDir + "\n\n  1234567         9\nready   \n"
	if _, err := claimSocketDir(filepath.Dir(socketDir), filepath.Base(socketDir), as); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{filepath.Join(data, "postmaster.pid"), filepath.Join(socketDir, socketName+".lock")} {
		if err := os.WriteFile(file, []byte(stale), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(file, as.uid, as.gid); err != nil {
			t.Fatal(err)
		}
	}
	startServer(t, dir)
	if err := stranger.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the stranger was harmed: %v", err)
	}
}

func TestCtrlCDoesNotReachTheServer(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	p := playAutoCRM(t, dir, 0)
	p.ready(t)
	// What a terminal does: the signal goes to the whole process group.
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	p.expect(t, "answers after Ctrl-C")
	p.finish(t)
	if running(t, dir) {
		t.Error("the server runs on")
	}
}
