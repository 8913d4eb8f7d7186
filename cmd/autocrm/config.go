package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"

	"autocrm/store"

	"github.com/jackc/pgx/v5"
)

// databaseFlags say which database, how long its event log is kept, and where its neighbours' data lie.
type databaseFlags struct {
	DatabaseURL      string `env:"DATABASE_URL" name:"database-url" help:"PostgreSQL to use; none: a private one under DATA_DIR."`
	DatabaseOwnerURL string `env:"DATABASE_OWNER_URL" name:"database-owner-url" help:"Login for migrations, where DATABASE_URL is the unprivileged one."`
	DataDir          string `env:"DATA_DIR" name:"data-dir" default:"./.autocrm" help:"Folder of the private PostgreSQL, the attachments and the made secret."`
	BlobURL          string `env:"BLOB_URL" name:"blob-url" help:"Where attachments are kept: file:///path or s3://bucket?region=…; none: DATA_DIR/files."`

	EventRetention time.Duration `env:"EVENT_RETENTION" name:"event-retention" default:"48h" help:"How long a page may be away and still be told just what it missed; 24h to 96h."`
}

// portalFlags are the public addresses of the portals.
type portalFlags struct {
	ListenAddr string `env:"LISTEN_ADDR" name:"listen-addr" default:"127.0.0.1:3000" help:"Address to listen on."`
	ClientURL  string `env:"CLIENT_URL" name:"client-url" help:"Public address of the client portal (http://client.localhost:PORT)."`
	AgentURL   string `env:"AGENT_URL" name:"agent-url" help:"Public address of the agent portal (http://agent.localhost:PORT)."`
	AdminURL   string `env:"ADMIN_URL" name:"admin-url" help:"Public address of the admin portal (http://admin.localhost:PORT)."`
	TLSCert    string `env:"TLS_CERT" name:"tls-cert" help:"Certificate file for serving TLS; the portals' addresses begin with https then."`
	TLSKey     string `env:"TLS_KEY" name:"tls-key" help:"Key file of TLS_CERT."`
}

// logFlags say what is logged and how.
type logFlags struct {
	LogLevel  string `env:"LOG_LEVEL" name:"log-level" default:"info" help:"debug, info, warn or error."`
	LogFormat string `env:"LOG_FORMAT" name:"log-format" default:"text" help:"text or json."`
}

// secretVariables may each be given as NAME_FILE, the path of a file that holds the value.
var secretVariables = []string{"DATABASE_URL", "DATABASE_LISTEN_URL", "DATABASE_OWNER_URL", "SECRET_KEY", "BLOB_URL"}

// readSecretFiles sets each secret variable from the file its …_FILE names.
func readSecretFiles() error {
	for _, name := range secretVariables {
		path := os.Getenv(name + "_FILE")
		if path == "" {
			continue
		}
		if os.Getenv(name) != "" {
			return fmt.Errorf("both %s and %s_FILE are set; set one of them", name, name)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("%s_FILE: %w", name, err)
		}
		if err := os.Setenv(name, strings.TrimSpace(string(content))); err != nil {
			return err
		}
	}
	return nil
}

// check says in one sentence which value is wrong.
func (f databaseFlags) check() error {
	for name, value := range map[string]string{"DATABASE_URL": f.DatabaseURL, "DATABASE_OWNER_URL": f.DatabaseOwnerURL} {
		if err := checkDatabaseURL(name, value); err != nil {
			return err
		}
	}
	if f.DatabaseURL == "" && f.DatabaseOwnerURL != "" {
		return errors.New("DATABASE_OWNER_URL is set without DATABASE_URL; set both or neither")
	}
	if f.EventRetention < store.MinEventRetention || f.EventRetention > store.MaxEventRetention {
		return fmt.Errorf("EVENT_RETENTION %s is not between 24h and 96h", f.EventRetention)
	}
	if f.DataDir == "" {
		return errors.New("DATA_DIR is empty; name a folder")
	}
	return nil
}

func checkDatabaseURL(name, value string) error {
	if value == "" {
		return nil
	}
	if _, err := pgx.ParseConfig(value); err != nil {
		// The parser's own text may quote the password.
		return fmt.Errorf("%s is not a PostgreSQL address such as postgres://user:password@host:5432/autocrm", name)
	}
	return nil
}

// portals returns the public address of each portal.
func (f portalFlags) portals() (map[store.Role]*url.URL, error) {
	_, port, err := net.SplitHostPort(f.ListenAddr)
	if err != nil {
		return nil, fmt.Errorf("LISTEN_ADDR %q is not an address such as 127.0.0.1:3000", f.ListenAddr)
	}
	scheme := "http"
	if f.TLSCert != "" {
		scheme = "https" // plain http would be refused, and the cookies would not be kept to https
	}
	portals, hosts := map[store.Role]*url.URL{}, map[string]store.Role{}
	for _, role := range store.Roles {
		text := map[store.Role]string{store.Client: f.ClientURL, store.Agent: f.AgentURL, store.Admin: f.AdminURL}[role]
		if text == "" {
			text = fmt.Sprintf("%s://%s.localhost:%s", scheme, role, port)
		}
		name := strings.ToUpper(string(role)) + "_URL"
		address, err := url.Parse(text)
		if err != nil || address.Hostname() == "" || address.Scheme != "http" && address.Scheme != "https" ||
			strings.Trim(address.Path, "/") != "" || address.RawQuery != "" || address.User != nil {
			return nil, fmt.Errorf("%s %q is not an address such as https://%s.example.com, without a path", name, text, role)
		}
		host := strings.ToLower(strings.TrimSuffix(address.Hostname(), "."))
		if other, taken := hosts[host]; taken {
			return nil, fmt.Errorf("%s and %s_URL have the same host name %s; each portal needs its own", name, strings.ToUpper(string(other)), host)
		}
		hosts[host] = role
		portals[role] = &url.URL{Scheme: address.Scheme, Host: address.Host}
	}
	return portals, nil
}

// logger makes the process's logger.
func (f logFlags) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.LogLevel)); err != nil {
		return nil, fmt.Errorf("LOG_LEVEL %q is none of debug, info, warn, error", f.LogLevel)
	}
	options := &slog.HandlerOptions{Level: level}
	switch f.LogFormat {
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, options)), nil
	}
	return nil, fmt.Errorf("LOG_FORMAT %q is neither text nor json", f.LogFormat)
}

// trustedProxies parses TRUSTED_PROXIES.
func trustedProxies(text string) ([]netip.Prefix, error) {
	var trusted []netip.Prefix
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		prefix, err := netip.ParsePrefix(part)
		if err != nil {
			address, err := netip.ParseAddr(part)
			if err != nil {
				return nil, fmt.Errorf("TRUSTED_PROXIES: %q is neither an address nor a range such as 10.0.0.0/8", part)
			}
			prefix = netip.PrefixFrom(address, address.BitLen())
		}
		trusted = append(trusted, prefix.Masked())
	}
	return trusted, nil
}
