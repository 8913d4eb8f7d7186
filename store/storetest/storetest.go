// Package storetest gives each test a PostgreSQL database of its own, cloned from a migrated template. The
// server is a private one, started once a test program and gone with it. Start with Main and New.
package storetest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autocrm/migrations"
	"autocrm/postgres"
	"autocrm/store"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"
	"golang.org/x/crypto/argon2"
)

// Password is what every Person signs in with.
const Password = "autocrm-demo"

const template = "autocrm_template"

var (
	server *postgres.Server
	count  atomic.Int64
)

// Main runs the tests of a package that uses New: it starts the server and stops it. What the tests need
// beside it, begin makes and done takes away.
func Main(m *testing.M, begin ...func() (done func(), err error)) {
	os.Exit(run(m, begin))
}

func run(m *testing.M, begin []func() (done func(), err error)) int {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "autocrm-test-")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(dir)
	server, err = postgres.Start(ctx, postgres.Options{Dir: dir, Durable: false})
	if err != nil {
		return failed(err)
	}
	defer server.Stop(ctx)
	if err := server.EnsureDatabase(ctx, template); err != nil {
		return failed(err)
	}
	if _, err := migrations.Apply(ctx, server.URL(postgres.Superuser, template)); err != nil {
		return failed(err)
	}
	for _, begin := range begin {
		done, err := begin()
		if err != nil {
			return failed(err)
		}
		defer done()
	}
	return m.Run()
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, "storetest:", err)
	return 1
}

// DB is one test's database.
type DB struct {
	Store    *store.Store
	Files    *blob.Bucket
	URL      string        // as a deployment's DATABASE_URL: the login autocrm_web, which owns nothing
	OwnerURL string        // as DATABASE_OWNER_URL; here a superuser
	Owner    *pgxpool.Pool // a superuser's pool: fixtures, and what somebody does in psql
}

// New clones the template and connects to it. All of it is gone when the test ends.
func New(t testing.TB) *DB {
	t.Helper()
	if server == nil {
		t.Fatal("this package's TestMain must be storetest.Main")
	}
	ctx := context.Background()
	name := fmt.Sprintf("test_%d", count.Add(1))
	clone(t, name)
	db := &DB{
		Files:    memblob.OpenBucket(nil),
		URL:      server.URL("autocrm_web", name),
		OwnerURL: server.URL(postgres.Superuser, name),
	}
	config, err := pgxpool.ParseConfig(db.OwnerURL)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 8
	if db.Owner, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Owner.Close)
	if db.Store, err = store.Open(ctx, db.URL, db.Files, store.Limits{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Store.Close)
	return db
}

// cloning is one at a time: PostgreSQL refuses to copy a template that another session is copying from.
var cloning sync.Mutex

func clone(t testing.TB, name string) {
	t.Helper()
	ctx := context.Background()
	admin, err := pgxpool.New(ctx, server.URL(postgres.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	cloning.Lock()
	_, err = admin.Exec(ctx, fmt.Sprintf(`CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy OWNER autocrm_owner`, name, template))
	cloning.Unlock()
	if err != nil {
		t.Fatalf("clone the template: %v", err)
	}
	t.Cleanup(func() {
		defer admin.Close()
		if _, err := admin.Exec(ctx, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`); err != nil {
			t.Logf("drop %s: %v", name, err)
		}
	})
}

// Exec runs plain SQL as a superuser, as somebody in psql would; a failure ends the test.
func (db *DB) Exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := db.Owner.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// Person makes a person with the password Password and a session on the portal of its role.
func (db *DB) Person(t testing.TB, role store.Role, email string) store.Actor {
	t.Helper()
	ctx := context.Background()
	name, _, _ := strings.Cut(email, "@")
	actor := store.Actor{Role: role, Portal: role, Email: email, Name: strings.ToUpper(name[:1]) + name[1:]}
	err := db.Owner.QueryRow(ctx, `
		INSERT INTO users (email, full_name, user_role, password_hash) VALUES ($1, $2, $3, $4) RETURNING id`,
		email, actor.Name, role, PasswordHash()).Scan(&actor.UserID)
	if err != nil {
		t.Fatalf("person %s: %v", email, err)
	}
	return db.Session(t, actor)
}

// Session gives actor a new session, with the claims of its role as the database has it now.
func (db *DB) Session(t testing.TB, actor store.Actor) store.Actor {
	t.Helper()
	token := make([]byte, 32)
	rand.Read(token)
	hash := sha256.Sum256(token)
	actor.SessionID = uuid.New()
	actor.ExpiresAt = time.Now().Add(time.Hour)
	err := db.Owner.QueryRow(context.Background(), `
		WITH session AS (
			INSERT INTO sessions (id, token_hash, user_id, portal, idle_expires_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $5))
		SELECT public.custom_access_token_hook(jsonb_build_object(
			'user_id', $3::uuid,
			'claims', jsonb_build_object('sub', $3::uuid, 'aud', 'authenticated', 'role', 'authenticated',
				'session_id', $1::uuid, 'email', $6::text))) -> 'claims'`,
		actor.SessionID, hash[:], actor.UserID, actor.Portal, actor.ExpiresAt, actor.Email).Scan(&actor.Claims)
	if err != nil {
		t.Fatalf("session of %s: %v", actor.Email, err)
	}
	return actor
}

// PasswordHash is Password's, at the least cost that verifies: tests sign in often.
var PasswordHash = sync.OnceValue(func() string {
	salt := []byte("sixteen bytes 16")
	key := argon2.IDKey([]byte(Password), salt, 1, 64, 1, 32)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=64,t=1,p=1$%s$%s", b64.EncodeToString(salt), b64.EncodeToString(key))
})
