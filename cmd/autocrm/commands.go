package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"autocrm/store"
)

type migrateCommand struct {
	databaseFlags `embed:""`
}

// Run brings the database up to date.
func (c *migrateCommand) Run(ctx context.Context) error {
	d, err := c.deploy(ctx, true, say)
	if err != nil {
		return err
	}
	defer d.close()
	fmt.Println("The database is up to date.")
	return nil
}

type demoCommand struct {
	databaseFlags `embed:""`
}

// Run fills an empty database with the demo.
func (c *demoCommand) Run(ctx context.Context) error {
	d, err := c.deploy(ctx, true, say)
	if err != nil {
		return err
	}
	defer d.close()
	if err := store.Demo(ctx, d.url, d.files); err != nil {
		return err
	}
	fmt.Print("The demo is there. Sign in with:\n\n")
	store.PrintDemo(os.Stdout)
	return nil
}

type createAdminCommand struct {
	databaseFlags `embed:""`
	portalFlags   `embed:""`

	InvitationLife time.Duration `env:"INVITATION_LIFE" name:"invitation-life" default:"24h" help:"How long the link works."`
	Email          string        `arg:"" help:"The admin's address."`
}

// Run prints a one-time link for the address.
func (c *createAdminCommand) Run(ctx context.Context) error {
	portals, err := c.portals()
	if err != nil {
		return err
	}
	d, err := c.deploy(ctx, true, say)
	if err != nil {
		return err
	}
	defer d.close()
	token, err := store.InviteAdmin(ctx, d.url, c.Email, c.InvitationLife)
	if err != nil {
		return err
	}
	fmt.Printf("This link makes %s an admin, once, within %s:\n\n  %s/signup?token=%s\n", c.Email, c.InvitationLife, portals[store.Admin], token)
	return nil
}
