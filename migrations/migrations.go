// Package migrations holds the database schema as numbered SQL files and brings a database up to date.
// It never reads or writes anything of a business nature. Start with 00001_people.sql.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"
)

//go:embed 0*.sql
var files embed.FS

//go:embed roles.sql
var roles string

// MinVersion is the oldest PostgreSQL server that AutoCRM runs on, as server_version_num has it.
const MinVersion = 150000

// Apply creates the roles and applies every migration that the database at url does not have yet. The login
// must own the database and may create roles, or the roles must exist and it be a member of them. Several
// nodes may start at once: they take turns. It returns how many migrations it applied.
func Apply(ctx context.Context, url string) (int, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return 0, fmt.Errorf("database address: %w", err)
	}
	if err := prepare(ctx, config); err != nil {
		return 0, err
	}
	// Everything made from here on belongs to autocrm_owner, whoever migrates.
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `SET ROLE autocrm_owner; SET lock_timeout = '30s'`)
		return err
	}))
	defer db.Close()
	provider, err := newProvider(db)
	if err != nil {
		return 0, err
	}
	results, err := provider.Up(ctx)
	if err != nil {
		return len(results), fmt.Errorf("migrate: %w", err)
	}
	return len(results), nil
}

// prepare checks the server's version, creates the roles, and the schema that goose keeps its table in.
func prepare(ctx context.Context, config *pgx.ConnConfig) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to migrate: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var version int
	if err := conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int`).Scan(&version); err != nil {
		return err
	}
	if version < MinVersion {
		return fmt.Errorf("PostgreSQL %d is too old: AutoCRM needs %d or newer", version/10000, MinVersion/10000)
	}
	var unaccent bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'unaccent')`).Scan(&unaccent); err != nil {
		return err
	}
	if !unaccent {
		return errors.New("the PostgreSQL server lacks the extension unaccent, which search needs: install the server's contrib package")
	}
	// Held until the connection closes: nodes that start at once prepare one after the other.
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(hashtext('autocrm.migrations'))`); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, roles); err != nil {
		return fmt.Errorf("create the database roles (the login of DATABASE_OWNER_URL needs CREATEROLE and must own the database): %w", err)
	}
	_, err = conn.Exec(ctx, `SET ROLE autocrm_owner; CREATE SCHEMA IF NOT EXISTS migrations`)
	return err
}

func newProvider(db *sql.DB) (*goose.Provider, error) {
	store, err := database.NewStore(database.DialectPostgres, "migrations.applied")
	if err != nil {
		return nil, err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider("", db, files, goose.WithStore(store), goose.WithSessionLocker(locker))
	if errors.Is(err, goose.ErrNoMigrations) {
		return nil, errors.New("no migrations are embedded")
	}
	return provider, err
}
