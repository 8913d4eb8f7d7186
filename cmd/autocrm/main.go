// Command autocrm is the help desk: the server of the three portals and what one needs to run it. It parses,
// wires and runs; it holds no SQL and no HTML. Start with serve.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

type commands struct {
	Serve       serveCommand       `cmd:"" help:"Serve the three portals."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database up to date and exit."`
	Demo        demoCommand        `cmd:"" help:"Fill an empty database with demo data and exit."`
	CreateAdmin createAdminCommand `cmd:"" help:"Print a one-time link that makes EMAIL an admin."`
	Doctor      doctorCommand      `cmd:"" help:"Examine a running deployment through its public addresses."`
	Version     versionCommand     `cmd:"" help:"Print the version and exit."`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		var verdict exitStatus
		if errors.As(err, &verdict) {
			os.Exit(int(verdict))
		}
		fmt.Fprintln(os.Stderr, "autocrm:", err)
		os.Exit(1)
	}
}

// run parses args and the environment and runs the command until it is done or the process is told to stop.
func run(args []string) error {
	if err := readSecretFiles(); err != nil {
		return err
	}
	var cli commands
	parser, err := kong.New(&cli,
		kong.Name("autocrm"),
		kong.Description("A help desk you run yourself. Each flag can be given as the environment variable named beside it."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return fmt.Errorf("%w (autocrm --help lists commands and flags)", err)
	}
	// After the first signal the process winds up; a second one ends it at once, as it always does.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run()
}

type versionCommand struct{}

// version is set by the linker for a release.
var version string

func (versionCommand) Run() error {
	fmt.Println("autocrm", currentVersion())
	return nil
}

func currentVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
