package main

import (
	"context"
	"errors"
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

	Tickets int `placeholder:"N" help:"Add so many made-up tickets, with five times as many timeline entries: to see how AutoCRM does with 1000000."`
}

// Run fills an empty database with the demo.
func (c *demoCommand) Run(ctx context.Context) error {
	d, err := c.deploy(ctx, true, say)
	if err != nil {
		return err
	}
	defer d.close()
	if c.Tickets != 0 && (c.Tickets < store.MinVolume || c.Tickets > store.MaxVolume) {
		return fmt.Errorf("--tickets takes a number from %d to %d", store.MinVolume, store.MaxVolume)
	}
	if err := store.Demo(ctx, d.url, d.files); err != nil {
		return err
	}
	if c.Tickets != 0 {
		bar := newBar(os.Stdout)
		err := store.DemoVolume(ctx, d.ownerURL, c.Tickets, bar.show)
		bar.end()
		if err != nil && ctx.Err() != nil {
			return errors.New("stopped: none of the tickets were added; the same command begins again")
		}
		if err != nil {
			return err
		}
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
