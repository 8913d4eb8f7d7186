package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestStartStopStart(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openDir(t), "data of ours")
	var told []string
	begun := time.Now()
	s := startServer(t, dir, func(msg string) { told = append(told, msg) })
	t.Logf("an empty directory took %v", time.Since(begun))
	if all := strings.Join(told, "\n"); !strings.Contains(all, "creating the database cluster in "+dir) || !strings.Contains(all, "starting PostgreSQL ") {
		t.Errorf("progress does not say what takes time:\n%s", all)
	}
	if err := s.EnsureDatabase(t.Context(), `auto"crm`); err != nil {
		t.Fatal(err)
	}
	if err := s.EnsureDatabase(t.Context(), `auto"crm`); err != nil {
		t.Fatalf("a database that exists: %v", err)
	}
	conn := connect(t, s.URL(Superuser, `auto"crm`))
	for setting, want := range map[string]string{
		"listen_addresses": "",
		"server_encoding":  "UTF8",
		"TimeZone":         "UTC",
		"jit":              "off",
	} {
		if got := query[string](t, conn, "SHOW "+setting); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	if got := query[string](t, conn, `SELECT string_agg(w, ' ' ORDER BY w) || lower(' É') FROM (VALUES ('b'), ('B'), ('a'), ('é')) AS words (w)`); got != "B a b é é" {
		t.Errorf("words sort as %q", got)
	}
	if _, err := conn.Exec(t.Context(), `CREATE TABLE kept AS SELECT 42 AS n`); err != nil {
		t.Fatal(err)
	}

	info, err := os.Stat(s.socketDir)
	if err != nil || info.Mode().Perm() != 0o700 || ownerOf(info).uid == 0 {
		t.Errorf("the socket's directory: %v, %v", info, err)
	}
	if other, err := connectAs(s.socketDir); err == nil {
		t.Errorf("a stranger got to the server: %s", other)
	}

	socketDir, pid := s.socketDir, s.process.cmd.Process.Pid
	stopServer(t, s)
	stopServer(t, s) // twice does no harm
	if alive(pid) || exists(socketDir) {
		t.Errorf("after Stop: process alive %v, socket directory exists %v", alive(pid), exists(socketDir))
	}
	select {
	case <-s.Done():
		t.Error("Done is closed though Stop was called")
	default:
	}

	begun = time.Now()
	s = startServer(t, dir)
	t.Logf("a used directory took %v", time.Since(begun))
	if n := query[int](t, connect(t, s.URL(Superuser, `auto"crm`)), `SELECT n FROM kept`); n != 42 {
		t.Errorf("the second start found %d", n)
	}
}

func TestDurability(t *testing.T) {
	t.Parallel()
	for _, durable := range []bool{true, false} {
		all := strings.Join(settings("/data", "/socket", durable), " ")
		if strings.Contains(all, "fsync=off") == durable {
			t.Errorf("durable %v: %s", durable, all)
		}
	}
}

func TestSecondCopy(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	s := startServer(t, dir)
	other := playAutoCRM(t, dir, 0)
	got := other.expect(t, "error:")
	want := fmt.Sprintf("another AutoCRM (process %d) already uses %s: stop it, or set DATA_DIR to another directory", os.Getpid(), dir)
	if got != want {
		t.Errorf("the second copy said\n%s\nwant\n%s", got, want)
	}
	var inUse *InUseError
	if _, err := Start(t.Context(), Options{Dir: dir}); !errors.As(err, &inUse) || inUse.Dir != dir {
		t.Errorf("Start in the same process: %v", err)
	}
	if err := s.ping(t.Context()); err != nil {
		t.Errorf("the first copy suffered: %v", err)
	}
}

func TestCancelledInitLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer cancel()
		// In the midst of initdb: its child has begun to write the catalogue.
		for ctx.Err() == nil {
			if half, _ := filepath.Glob(filepath.Join(dir, "postgres.new-*", "base", "1", "*")); len(half) > 0 {
				return
			}
			pause(ctx, time.Millisecond)
		}
	}()
	if _, err := Start(ctx, Options{Dir: dir}); !errors.Is(err, context.Canceled) {
		t.Fatalf("Start answered %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "postgres.lock" {
			t.Errorf("%s was left behind", e.Name())
		}
	}
	startServer(t, dir)
}

func TestCancelledStartStops(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	stopServer(t, startServer(t, dir))
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Start(ctx, Options{Dir: dir, Progress: func(msg string) {
		if strings.HasPrefix(msg, "starting") {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("Start answered %v", err)
	}
	if running(t, dir) {
		t.Error("the server runs on")
	}
	startServer(t, dir)
}

func TestDoneWhenTheServerDies(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	s := startServer(t, dir)
	if err := s.Err(); err != nil {
		t.Errorf("Err of a running server: %v", err)
	}
	// A busy backend outlives its postmaster: the next start must wait for it.
	busy, watch := connect(t, s.URL(Superuser, "postgres")), connect(t, s.URL(Superuser, "postgres"))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		busy.Exec(t.Context(), `DO $$ BEGIN WHILE clock_timestamp() < now() + interval '2 s' LOOP END LOOP; END $$`)
	}()
	eventually(t, "a backend was busy", func() bool {
		return query[bool](t, watch, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %')`)
	})
	s.process.cmd.Process.Kill()
	select {
	case <-s.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("Done was not closed")
	}
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Err: %v", err)
	}
	stopServer(t, s)
	startServer(t, dir)
	<-ended
}

func TestReasonOfAFailedStart(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	stopServer(t, startServer(t, dir))
	if err := os.Remove(filepath.Join(dir, "postgres", "global", "pg_control")); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "pg_control") || strings.Contains(err.Error(), "\n") {
		t.Errorf("Start answered %v", err)
	}
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	if err := os.Mkdir(filepath.Join(dir, "postgres"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "postgres", "thesis.txt"), []byte("years of work"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "move it away") {
		t.Errorf("Start answered %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "postgres"))
	if err != nil || info.Mode().Perm() != 0o755 || ownerOf(info).uid != os.Geteuid() {
		t.Errorf("the directory is now %v of %v, %v", info.Mode(), ownerOf(info), err)
	}
}

// connectAs tries to reach the socket as a user who has no business there.
func connectAs(socketDir string) (string, error) {
	if os.Geteuid() != 0 {
		return "", errors.New("only root can be somebody else")
	}
	stranger := account{uid: 54321, gid: 54321, changed: true}
	cmd := stranger.command("/bin/ls", socketDir)
	out, err := cmd.Output()
	return string(out), err
}
