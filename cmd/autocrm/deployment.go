package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"autocrm/migrations"
	"autocrm/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/s3blob" // BLOB_URL=s3://…
)

// deployment is the database and the files that every command but version works on.
type deployment struct {
	url      string // unprivileged, or made so on connecting
	ownerURL string // for migrations
	files    *blob.Bucket
	private  *postgres.Server // nil where DATABASE_URL names one
}

// deploy reaches the database, starting a private one where none is configured, and brings it up to date.
// progress is told what one waits for. The caller closes the deployment.
// join: where another AutoCRM runs the private one, work beside it.
func (f databaseFlags) deploy(ctx context.Context, join bool, progress func(string)) (_ *deployment, err error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(f.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("DATA_DIR: %w", err)
	}
	d := &deployment{url: toPrimary(f.DatabaseURL), ownerURL: toPrimary(f.DatabaseOwnerURL)}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.url == "" {
		if err := d.startPrivate(ctx, f.DataDir, join, progress); err != nil {
			return nil, err
		}
	}
	if d.ownerURL == "" {
		d.ownerURL = d.url
	}
	applied, err := migrations.Apply(ctx, d.ownerURL)
	if err != nil {
		name := "DATABASE_OWNER_URL"
		if f.DatabaseOwnerURL == "" {
			name = "DATABASE_URL"
		}
		return nil, unreachable(name, err)
	}
	if f.DatabaseOwnerURL != "" { // else it has just been used
		if err := reach(ctx, "DATABASE_URL", d.url); err != nil {
			return nil, err
		}
	}
	if applied > 0 {
		progress(fmt.Sprintf("applied %d migrations", applied))
	}
	d.files, err = openFiles(ctx, f.BlobURL, filepath.Join(f.DataDir, "files"))
	return d, err
}

func (d *deployment) startPrivate(ctx context.Context, dir string, join bool, progress func(string)) (err error) {
	d.private, err = postgres.Start(ctx, postgres.Options{Dir: dir, Durable: true, Progress: progress})
	var inUse *postgres.InUseError
	if join && errors.As(err, &inUse) {
		if d.url, err = postgres.RunningURL(dir, "autocrm_web", "autocrm"); err != nil {
			return err
		}
		d.ownerURL, err = postgres.RunningURL(dir, postgres.Superuser, "autocrm")
		return err
	}
	if err != nil {
		return err
	}
	if err := d.private.EnsureDatabase(ctx, "autocrm"); err != nil {
		return err
	}
	d.url, d.ownerURL = d.private.URL("autocrm_web", "autocrm"), d.private.URL(postgres.Superuser, "autocrm")
	return nil
}

// reach connects once: a pool would find out only when somebody asks.
func reach(ctx context.Context, name, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return unreachable(name, err)
	}
	return conn.Close(ctx)
}

// unreachable says in one line which variable's database cannot be reached, and why; other errors stay as they
// are. The driver names every address it tried on a line of its own.
func unreachable(name string, err error) error {
	var refused *pgconn.ConnectError
	if !errors.As(err, &refused) {
		return err
	}
	lines := strings.Split(refused.Error(), "\n")
	return fmt.Errorf("%s: cannot connect to the database: %s", name, strings.TrimSpace(lines[len(lines)-1]))
}

// close stops the private PostgreSQL, if there is one, and lets the files go.
func (d *deployment) close() {
	if d.files != nil {
		d.files.Close()
	}
	if d.private != nil {
		// Not ctx: the reason to close is often that it was cancelled.
		d.private.Stop(context.Background())
	}
}

// openFiles opens the store of attachments: the folder dir where no address is given.
func openFiles(ctx context.Context, address, dir string) (*blob.Bucket, error) {
	if u, err := url.Parse(address); address != "" && (err != nil || u.Scheme == "") {
		return nil, fmt.Errorf("BLOB_URL is not an address such as file:///var/lib/autocrm/files or s3://bucket?region=eu-central-1")
	} else if address != "" && u.Scheme != "file" {
		bucket, err := blob.OpenBucket(ctx, address)
		if err != nil {
			return nil, fmt.Errorf("BLOB_URL: %w", err)
		}
		return bucket, nil
	} else if address != "" {
		dir = u.Path
	}
	// Beside the file and not in /tmp: renaming does not cross file systems. What a file is stands in the
	// database, so no second file is written for it.
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{
		CreateDir: true, DirFileMode: 0o700, NoTempDir: true, Metadata: fileblob.MetadataDontWrite,
	})
	if err != nil {
		return nil, fmt.Errorf("the folder of the attachments: %w", err)
	}
	return bucket, nil
}

// secretKeys returns SECRET_KEY's keys, newest first. Where it is not set, one is made and kept in dir.
func secretKeys(configured, dir string) ([]string, error) {
	if configured == "" {
		var err error
		if configured, err = keptSecret(filepath.Join(dir, "secret.key")); err != nil {
			return nil, fmt.Errorf("keep a secret key in DATA_DIR: %w", err)
		}
	}
	var keys []string
	for key := range strings.SplitSeq(configured, ",") {
		if key = strings.TrimSpace(key); key == "" {
			continue
		}
		if len(key) < 16 {
			return nil, errors.New("SECRET_KEY is too short: each key needs at least 16 characters, better 32 random ones")
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.New("SECRET_KEY holds no key")
	}
	return keys, nil
}

func keptSecret(path string) (string, error) {
	kept, err := os.ReadFile(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return strings.TrimSpace(string(kept)), err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) { // another copy was faster
		kept, err := os.ReadFile(path)
		return strings.TrimSpace(string(kept)), err
	}
	if err != nil {
		return "", err
	}
	secret := rand.Text() + rand.Text()
	_, err = file.WriteString(secret + "\n")
	return secret, errors.Join(err, file.Sync(), file.Close())
}
