package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"autocrm/doctor"
	"autocrm/migrations"
	"autocrm/postgres"
)

type doctorCommand struct {
	databaseFlags `embed:""`
	portalFlags   `embed:""`

	DatabaseListenURL string `env:"DATABASE_LISTEN_URL" name:"database-listen-url" help:"The same database past a transaction pooler, for LISTEN (DATABASE_URL)."`
	SecretKey         string `env:"SECRET_KEY" name:"secret-key" help:"Comma-separated keys, newest first; none: the one kept in DATA_DIR."`
	JSON              bool   `name:"json" help:"Write the findings as JSON."`
}

// exitStatus ends the program with no word of its own: the report has said it all.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// Run examines the deployment that `serve` runs with the same environment. It ends with 0 where all is well, 1
// for warnings, 2 for errors, also where the examination cannot begin.
func (c *doctorCommand) Run(ctx context.Context) error {
	options, err := c.options(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "autocrm:", err)
		return exitStatus(2)
	}
	if options.Files != nil {
		defer options.Files.Close()
	}
	if !c.JSON {
		say("examining; this takes about 20 s")
	}
	report := doctor.Examine(ctx, options)
	if ctx.Err() != nil {
		say("interrupted; the probes are gone")
		return exitStatus(2)
	}
	write := report.WriteText
	if c.JSON {
		write = report.WriteJSON
	}
	if err := write(os.Stdout); err != nil {
		return err
	}
	if report.Level == doctor.OK {
		return nil
	}
	return exitStatus(report.Level)
}

// options reads the configuration as serve does, but starts, makes and migrates nothing.
func (c *doctorCommand) options(ctx context.Context) (o doctor.Options, err error) {
	if err := c.check(); err != nil {
		return o, err
	}
	if err := checkDatabaseURL("DATABASE_LISTEN_URL", c.DatabaseListenURL); err != nil {
		return o, err
	}
	if o.Portals, err = c.portals(); err != nil {
		return o, err
	}
	o.DatabaseURL, o.OwnerURL, o.ListenURL = c.DatabaseURL, c.DatabaseOwnerURL, c.DatabaseListenURL
	if o.DatabaseURL == "" {
		if o.DatabaseURL, err = postgres.RunningURL(c.DataDir, "autocrm_web", "autocrm"); err != nil {
			return o, fmt.Errorf("DATABASE_URL is not set, and no AutoCRM runs on DATA_DIR %s: %w", c.DataDir, err)
		}
		if o.OwnerURL, err = postgres.RunningURL(c.DataDir, postgres.Superuser, "autocrm"); err != nil {
			return o, err
		}
	}
	if c.SecretKey == "" {
		if _, err := os.Stat(filepath.Join(c.DataDir, "secret.key")); errors.Is(err, fs.ErrNotExist) {
			return o, fmt.Errorf("SECRET_KEY is not set, and DATA_DIR %s holds none: run the doctor with the environment of autocrm serve", c.DataDir)
		}
	}
	secrets, err := secretKeys(c.SecretKey, c.DataDir)
	if err != nil {
		return o, err
	}
	for _, secret := range secrets {
		o.Secrets = append(o.Secrets, []byte(secret))
	}
	o.Files, o.FilesErr = openFiles(ctx, c.BlobURL, filepath.Join(c.DataDir, "files"))
	o.Migrations, o.EventRetention = migrations.Versions(), c.EventRetention
	return o, nil
}
