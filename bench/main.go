// Command bench measures AutoCRM as somebody who runs it would meet it: the real binary, its own PostgreSQL,
// HTTP from outside. It prints figures and judges none. Start with main; the parts are start.go, pages.go and
// streams.go, and, as `bench live`, live.go, and, as `bench desk`, desk.go.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"autocrm/postgres"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	live := len(os.Args) > 1 && os.Args[1] == "live"
	if len(os.Args) > 3 && os.Args[1] == "floor" {
		listener, err := net.FileListener(os.NewFile(3, "listener"))
		if err != nil {
			return err
		}
		return serveFloor(listener, os.Args[2], os.Args[3])
	}
	dir, err := os.MkdirTemp("", "autocrm-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "autocrm")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/autocrm")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build autocrm: %w", err)
	}
	fmt.Printf("%s, %d cores, %s, %s\n\n", processor(), runtime.NumCPU(), runtime.Version(), time.Now().Format(time.DateOnly))
	if len(os.Args) > 1 && os.Args[1] == "desk" {
		return runDesk(ctx, binary, dir)
	}
	if live {
		return runLive(ctx, binary, dir, strings.Join(os.Args[2:], ""))
	}
	if err := measureStart(ctx, binary, filepath.Join(dir, "start")); err != nil {
		return err
	}

	server, err := postgres.Start(ctx, postgres.Options{Dir: filepath.Join(dir, "data"), Durable: true})
	if err != nil {
		return err
	}
	defer server.Stop(context.Background())
	if err := server.EnsureDatabase(ctx, "autocrm"); err != nil {
		return err
	}
	owner := server.URL(postgres.Superuser, "autocrm")
	if err := fill(ctx, owner); err != nil {
		return fmt.Errorf("fill the database: %w", err)
	}
	app, err := start(ctx, binary,
		"DATA_DIR="+filepath.Join(dir, "data"), "DATABASE_URL="+server.URL("autocrm_web", "autocrm"), "DATABASE_OWNER_URL="+owner)
	if err != nil {
		return err
	}
	defer app.stop()
	if err := measurePages(ctx, app, owner); err != nil {
		return err
	}
	return measureStreams(ctx, app, owner)
}

// processor names the machine's, as far as the system tells.
func processor() string {
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOOS + "/" + runtime.GOARCH
}
