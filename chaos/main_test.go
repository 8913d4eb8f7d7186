// Package chaos breaks a deployment that is at work, and proves that nothing was lost, told twice the wrong way
// or told to the wrong one. All of it is real: the binary, PostgreSQL, the network between them, HTTP and streams.
//
// Writers change things through the portals and through SQL and keep a ledger of what they were answered; watchers
// hold streams as pages do and keep what they were told; when the fault is over, the check holds both against the
// database. Start with rig_test.go, which puts it together, then check_test.go, which says what must be true, then
// any fault, such as database_faults_test.go. AUTOCRM_CHAOS=long in the environment gives each fault its full length.
package chaos

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"
	"time"

	"autocrm/store/storetest"
)

var (
	binary string // autocrm, built
	long   = os.Getenv("AUTOCRM_CHAOS") == "long"
)

func TestMain(m *testing.M) { storetest.Main(m, begin) }

func begin() (func(), error) {
	// The rigs wait most of the time; two at once, on two cores, would be minutes.
	flag.Parse()
	if err := flag.Set("test.parallel", "8"); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "autocrm-chaos-")
	if err != nil {
		return nil, err
	}
	binary = filepath.Join(dir, "autocrm")
	return func() { os.RemoveAll(dir) }, build(binary)
}

// build makes the binary as a user would, with the race detector if the tests have it.
func build(path string) error {
	args := []string{"build", "-o", path}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "-race" && setting.Value == "true" {
				args = append(args, "-race")
			}
		}
	}
	if out, err := exec.Command("go", append(args, "autocrm/cmd/autocrm")...).CombinedOutput(); err != nil {
		return fmt.Errorf("build autocrm: %w\n%s", err, out)
	}
	return nil
}

// either is how long something lasts: in `make test`, and where there is time.
func either(short, full time.Duration) time.Duration {
	if long {
		return full
	}
	return short
}

// patience is how long a test waits for a fact that has no promise of its own, on a busy machine.
const patience = 60 * time.Second

// endsWithin is how long a program may take to end.
const endsWithin = 20 * time.Second

// until waits for a fact.
func until(t testing.TB, what string, within time.Duration, fact func() bool) {
	t.Helper()
	if !eventually(within, fact) {
		t.Fatalf("not within %s: %s", within, what)
	}
}

func eventually(within time.Duration, fact func() bool) bool {
	for deadline := time.Now().Add(within); !fact(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}
