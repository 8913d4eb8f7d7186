// Package browser tests the product as people meet it: the real binary, a real Chromium, people in browser
// contexts of their own, in development and behind a real nginx with TLS and three names. It never sleeps
// for a fact to come true, and never reaches past what a person or a proxy could do, except to prepare the database. Start with
// cells_test.go; person_test.go is what a person can do, site_test.go where.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"

	"autocrm/store/storetest"

	"github.com/chromedp/chromedp"
)

// What the tests of the package share.
var (
	binary   string          // autocrm, built
	chromium context.Context // the one browser, in which each person has a context of its own
	identity *certificate    // of the production names
)

func TestMain(m *testing.M) { storetest.Main(m, begin) }

func begin() (func(), error) {
	dir, err := os.MkdirTemp("", "autocrm-browser-")
	if err != nil {
		return nil, err
	}
	if identity, err = newCertificate(dir); err != nil {
		return nil, err
	}
	binary = filepath.Join(dir, "autocrm")
	if err := build(binary); err != nil {
		return nil, err
	}
	var stop func()
	if chromium, stop, err = startChromium(filepath.Join(dir, "profile")); err != nil {
		return nil, err
	}
	return func() {
		stop()
		os.RemoveAll(dir)
	}, nil
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

func startChromium(profile string) (browser context.Context, stop func(), err error) {
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable",
		"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"} {
		if path, err = exec.LookPath(name); err == nil {
			break
		}
	}
	if err != nil {
		return nil, nil, errors.New("no Chromium found; `.ci/setup chromium nginx haproxy apache` installs what the browser tests need")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.UserDataDir(profile),
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		// Real names and real TLS, without touching /etc/hosts or the system's certificates.
		chromedp.Flag("host-resolver-rules", "MAP *.autocrm.test 127.0.0.1"),
		chromedp.Flag("ignore-certificate-errors-spki-list", identity.pin),
	)
	if os.Getuid() == 0 { // its sandbox refuses root
		options = append(options, chromedp.NoSandbox)
	}
	allocator, free := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	stop = func() {
		cancel()
		free()
	}
	if err := chromedp.Do(ctx); err != nil {
		stop()
		return nil, nil, fmt.Errorf("start %s: %w", path, err)
	}
	return ctx, stop, nil
}
