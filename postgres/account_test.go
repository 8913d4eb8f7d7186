package postgres

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// An ordinary user, here one without a name, and with a HOME that is no use.
func TestNamelessUser(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := openDir(t)
	const uid = 12345
	if err := os.Chown(dir, uid, uid); err != nil {
		t.Fatal(err)
	}
	p := playAutoCRM(t, dir, uid, "HOME=/proc", "XDG_RUNTIME_DIR=/nonexistent")
	for p.lines.Scan() {
		line := p.lines.Text()
		p.seen = append(p.seen, line)
		if strings.HasPrefix(line, "error:") {
			// A system that grants no user namespaces: then it must say what to do.
			if !strings.Contains(line, "/etc/passwd") {
				t.Fatalf("the sentence does not help: %s", line)
			}
			t.Skip(line)
		}
		if strings.HasPrefix(line, "ready:") {
			break
		}
	}
	info, err := os.Stat(filepath.Join(dir, "postgres"))
	if err != nil || ownerOf(info).uid != uid {
		t.Errorf("the cluster: %v, %v", info, err)
	}
	p.finish(t)

	// Root takes such a cluster up as its owner, without asking.
	s := startServer(t, dir)
	if info, err := os.Stat(filepath.Join("/proc", strconv.Itoa(s.process.cmd.Process.Pid))); err == nil && ownerOf(info).uid != uid {
		t.Errorf("the server runs as user %d", ownerOf(info).uid)
	}
	stopServer(t, s)

	// And back: nothing that root did is in the way.
	p = playAutoCRM(t, dir, uid)
	if got := p.expect(t, ""); strings.HasPrefix(got, "error") {
		t.Log(got)
	}
	p.ready(t)
	p.finish(t)
}

func TestClusterOfSomebodyElse(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := openDir(t)
	stopServer(t, startServer(t, dir))
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	p := playAutoCRM(t, dir, 23456)
	if got := p.expect(t, "error:"); !strings.Contains(got, "belongs to user") || !strings.Contains(got, "number 23456") {
		t.Errorf("said %q", got)
	}
}

func TestRootInADirectoryNobodyMayEnter(t *testing.T) {
	t.Parallel()
	needRoot(t)
	parent := openDir(t)
	if err := os.Chmod(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "home", ".autocrm")
	var told []string
	s := startServer(t, dir, func(msg string) { told = append(told, msg) })
	t.Cleanup(func() { os.RemoveAll(filepath.Dir(s.data)) })
	if !strings.HasPrefix(s.data, elsewhere+"/autocrm-") || !strings.Contains(strings.Join(told, "\n"), elsewhere) {
		t.Errorf("the data is in %s, and progress said %q", s.data, told)
	}
	stopServer(t, s)
	if again := startServer(t, dir); again.data != s.data {
		t.Errorf("the second start went to %s instead of %s", again.data, s.data)
	}
	if !exists(filepath.Join(dir, "postgres.log")) {
		t.Error("there is no log in the directory")
	}
}

// A data directory that is closed to all is opened to the server's user alone.
func TestClosedDataDir(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := filepath.Join(openDir(t), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, dir)
	if s.data != filepath.Join(dir, "postgres") {
		t.Errorf("the data is in %s", s.data)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o710 {
		t.Errorf("the directory has %v, %v", info.Mode(), err)
	}
}

// A copied directory often belongs to root and is open to all.
func TestRestoredCluster(t *testing.T) {
	t.Parallel()
	needRoot(t)
	dir := openDir(t)
	s := startServer(t, dir)
	stopServer(t, s)
	if err := (account{changed: true}).give(s.data); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.data, 0o755); err != nil {
		t.Fatal(err)
	}
	startServer(t, dir)
}
