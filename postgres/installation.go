package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// oldest is the first major version AutoCRM works with.
const oldest = 15

// installation is one set of PostgreSQL's server programs.
type installation struct {
	bin     string
	version string // 15.18
	major   int
}

func (i installation) program(name string) string { return filepath.Join(i.bin, name) }

// places are where packages put the programs, besides PATH.
var places = []string{
	"/usr/lib/postgresql/*/bin", // Debian, Ubuntu
	"/usr/pgsql-*/bin",          // PostgreSQL's own packages for Fedora and RHEL
	"/usr/libexec/postgresql*",  // Alpine
	"/usr/lib/postgresql*/bin",  // SUSE
	"/usr/local/pgsql/bin",      // from source
	"/opt/homebrew/opt/postgresql*/bin",
	"/usr/local/opt/postgresql*/bin",
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// findInstallations lists what a server can be run with, best first: the one in
// PATH, as somebody chose it, then the others from new to old.
func findInstallations(ctx context.Context, as account) ([]installation, error) {
	return searchInstallations(ctx, as, filepath.SplitList(os.Getenv("PATH")), places)
}

func searchInstallations(ctx context.Context, as account, path, patterns []string) ([]installation, error) {
	var chosen, others, tooOld []installation
	seen := map[string]bool{}
	var refused error
	look := func(bin string, into *[]installation) {
		found, err := inspect(bin, as)
		switch {
		case errors.Is(err, syscall.EPERM):
			refused = as.explain(err)
		case err != nil || seen[found.bin]:
		case found.major < oldest:
			tooOld = append(tooOld, found)
		default:
			*into = append(*into, found)
		}
		seen[found.bin] = true
	}
	for _, bin := range path {
		if filepath.IsAbs(bin) {
			look(bin, &chosen)
		}
	}
	for _, pattern := range patterns {
		bins, _ := filepath.Glob(pattern)
		for _, bin := range bins {
			look(bin, &others)
		}
	}
	slices.SortStableFunc(others, func(a, b installation) int { return b.major - a.major })
	found := append(chosen, others...)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	switch {
	case len(found) > 0:
		return found, nil
	case refused != nil:
		return nil, refused
	case len(tooOld) > 0:
		return nil, fmt.Errorf("AutoCRM needs PostgreSQL %d or newer, and found only %s in %s: %s",
			oldest, tooOld[0].version, tooOld[0].bin, advice())
	default:
		return nil, errors.New("AutoCRM found no PostgreSQL server on this machine: " + advice())
	}
}

// inspect asks the programs in bin for their version. It asks as the account
// that will run them: what that one may not execute is no use.
func inspect(bin string, as account) (installation, error) {
	for _, name := range []string{"postgres", "initdb"} {
		if !exists(filepath.Join(bin, name)) {
			return installation{}, os.ErrNotExist
		}
	}
	// A directory of links (Homebrew, PATH) must not count twice.
	if program, err := filepath.EvalSymlinks(filepath.Join(bin, "postgres")); err == nil {
		if real := filepath.Dir(program); exists(filepath.Join(real, "initdb")) {
			bin = real
		}
	}
	out, err := as.command(filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return installation{}, err
	}
	version, major, err := parseVersion(string(out))
	return installation{bin: bin, version: version, major: major}, err
}

var versionPattern = regexp.MustCompile(`^postgres \(PostgreSQL\) ((\d+)\S*)`)

func parseVersion(out string) (version string, major int, err error) {
	m := versionPattern.FindStringSubmatch(out)
	if m == nil {
		return "", 0, fmt.Errorf("%q is not the version of a PostgreSQL", out)
	}
	major, err = strconv.Atoi(m[2])
	return m[1], major, err
}

// choose takes the installation for the cluster in data: the same major
// version, since no other can read the files; the best one for a new cluster.
func choose(found []installation, data string) (installation, error) {
	raw, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return found[0], nil
	}
	if err != nil {
		return installation{}, fmt.Errorf("read the version of the data in %s: %w", data, err)
	}
	want := strings.TrimSpace(string(raw))
	var have []string
	for _, i := range found {
		if strconv.Itoa(i.major) == want {
			return i, nil
		}
		have = append(have, i.version)
	}
	return installation{}, fmt.Errorf("the data in %s was made by PostgreSQL %s, which is not installed (found %s): "+
		"install version %s again, or move the data with pg_upgrade", data, want, strings.Join(have, ", "), want)
}

// advice is what to do on this system when no server is found.
func advice() string {
	install := "install the package postgresql"
	for _, manager := range []struct{ program, command string }{
		{"/usr/bin/apt-get", "apt-get install postgresql"},
		{"/usr/bin/dnf", "dnf install postgresql-server"},
		{"/sbin/apk", "apk add postgresql17"},
		{"/usr/bin/pacman", "pacman -S postgresql"},
		{"/opt/homebrew/bin/brew", "brew install postgresql@17"},
		{"/usr/local/bin/brew", "brew install postgresql@17"},
	} {
		if exists(manager.program) {
			install = "install one with '" + manager.command + "'"
			break
		}
	}
	if runtime.GOOS == "darwin" && strings.HasSuffix(install, "postgresql") {
		install = "install Postgres.app from postgresapp.com"
	}
	return install + ", or set DATABASE_URL to a server elsewhere"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
