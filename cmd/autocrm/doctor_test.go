package main

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"autocrm/store"
	"autocrm/store/storetest"
)

// TestDoctor has the doctor look at a running server, at one that has ended, and at none.
func TestDoctor(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.Person(t, store.Admin, "adam@example.com")
	env := onDatabase(t, db)
	p := start(t, env, "serve")
	p.ready()

	doctor := start(t, env, "doctor", "--json")
	took := doctor.wait(doctor.began)
	var report struct {
		Level    string
		Findings []struct{ Subject, Check, Level, Sentence string }
		Portals  []struct {
			Portal string
			Change float64 `json:"change_ms"`
			Ping   float64 `json:"ping_ms"`
		}
	}
	if err := json.Unmarshal([]byte(doctor.said.String()), &report); err != nil {
		t.Fatalf("%v: %s", err, doctor.said.String())
	}
	if code := doctor.cmd.ProcessState.ExitCode(); code != 0 || report.Level != "ok" || len(report.Portals) != 3 {
		t.Errorf("it ended with code %d: %s", code, doctor.said.String())
	}
	for _, portal := range report.Portals {
		t.Logf("%s: a change after %.1f ms, heartbeat each %.0f ms", portal.Portal, portal.Change, portal.Ping)
		if portal.Change <= 0 || portal.Ping < 14000 || portal.Ping > 16500 {
			t.Errorf("%s: that cannot be", portal.Portal)
		}
	}
	if took > 40*time.Second {
		t.Errorf("it took %s", took)
	}

	p.end(syscall.SIGTERM)
	doctor = start(t, env, "doctor")
	doctor.wait(doctor.began)
	if code := doctor.cmd.ProcessState.ExitCode(); code != 2 {
		t.Errorf("with no server it ended with code %d", code)
	}
	for _, words := range []string{"Nothing answers at 127.0.0.1", "3 errors"} {
		if !strings.Contains(doctor.said.String(), words) {
			t.Errorf("with no server it does not say %q: %s", words, doctor.said.String())
		}
	}

	for words, settings := range map[string][]string{
		"no AutoCRM runs on DATA_DIR": {"DATA_DIR=" + t.TempDir()},
		"SECRET_KEY is not set":       onDatabase(t, db),
		"ADMIN_URL":                   append(onDatabase(t, db), "ADMIN_URL=admin.example.com"),
	} {
		doctor := start(t, settings, "doctor")
		doctor.wait(doctor.began)
		said := doctor.said.String()
		if code := doctor.cmd.ProcessState.ExitCode(); code != 2 || !strings.Contains(said, words) || strings.Count(said, "\n") != 1 {
			t.Errorf("code %d, and it says %s", code, said)
		}
	}
}
