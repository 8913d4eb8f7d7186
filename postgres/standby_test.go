package postgres

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

// TestStandby copies a running server, follows it, and goes on without it.
func TestStandby(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	start := func(name string, follows *Server) *Server {
		s, err := Start(t.Context(), Options{Dir: filepath.Join(dir, name), Durable: true, Follows: follows})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Stop(context.Background()) })
		return s
	}
	primary := start("primary", nil)
	conn := connect(t, primary.URL(Superuser, "postgres"))
	if _, err := conn.Exec(t.Context(), `CREATE TABLE kept AS SELECT 42 AS n`); err != nil {
		t.Fatal(err)
	}
	standby := start("standby", primary)
	second := connect(t, standby.URL(Superuser, "postgres"))
	if !query[bool](t, second, `SELECT pg_is_in_recovery()`) || query[int](t, second, `SELECT n FROM kept`) != 42 {
		t.Error("the copy is no standby of what was there")
	}
	if _, err := conn.Exec(t.Context(), `UPDATE kept SET n = 43`); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); query[int](t, second, `SELECT n FROM kept`) != 43; {
		if time.Since(begun) > 20*time.Second {
			t.Fatal("the standby does not follow")
		}
	}
	primary.process.cmd.Process.Kill()
	if !query[bool](t, second, `SELECT pg_promote()`) {
		t.Fatal("the standby was not promoted")
	}
	if _, err := second.Exec(t.Context(), `UPDATE kept SET n = 44`); err != nil {
		t.Error(err)
	}
}
