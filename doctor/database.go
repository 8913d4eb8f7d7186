package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"autocrm/store"
)

// patched are the first releases that do not lose notifications after VACUUM FREEZE, by major version.
var patched = map[int]int{15: 16, 16: 12, 17: 8, 18: 2}

// examineDatabase looks at what every portal stands on.
func (d *doctor) examineDatabase(ctx context.Context) {
	looking, cancel := context.WithTimeout(ctx, d.pace.ask)
	defer cancel()
	c, err := store.TakeCheckup(looking, d.DatabaseURL)
	if err != nil {
		d.report.add(inDatabase("connection", Error, "The database cannot be asked: "+oneLine(err)+".",
			"It does not run, is not at DATABASE_URL, or does not let this login in.", "Try `psql` with the address of DATABASE_URL; see PostgreSQL's log."))
		return
	}
	d.report.add(versionFinding(c))
	for _, f := range slices.Concat(roleFindings(c), clockFinding(c)) {
		d.report.add(f)
	}
	d.report.add(protectionFinding(c))
	var group sync.WaitGroup
	group.Go(func() { d.examineMigrations(looking) })
	group.Go(func() { d.examineListen(looking, c) })
	group.Go(func() { d.examineLog(looking) })
	group.Wait()
}

func inDatabase(check string, level Level, sentence, cause, cure string) Finding {
	return Finding{Subject: "database", Check: check, Level: level, Sentence: sentence, Cause: cause, Cure: cure}
}

func versionFinding(c store.Checkup) Finding {
	major, minor := c.Version/10000, c.Version%10000
	line := fmt.Sprintf("PostgreSQL %s answers in %s, as %s.", strings.Fields(c.VersionText + " ")[0], span(c.Answered), c.Login)
	switch least, known := patched[major]; {
	case major < 15:
		return inDatabase("version", Error, line, "AutoCRM needs PostgreSQL 15 or newer.", "Upgrade PostgreSQL.")
	case known && minor < least:
		return inDatabase("version", Warning, line, "It lacks corrections; after VACUUM FREEZE a listener that is behind may fail.",
			fmt.Sprintf("Update to %d.%d or newer, which needs a restart alone.", major, least))
	}
	return inDatabase("version", OK, line, "", "")
}

func roleFindings(c store.Checkup) []Finding {
	const cure = "Run `autocrm migrate` with the owner's login, which makes the roles and their memberships; take back by hand what was granted by hand."
	switch {
	case len(c.Roles) > 0:
		return []Finding{inDatabase("roles", Error, strings.Join(c.Roles, " "), "The roles are not those that the policies build on.", cure)}
	case c.Unbound:
		return []Finding{inDatabase("roles", Warning, fmt.Sprintf("The login %s is above row-level security.", c.Login),
			"It is a superuser or has BYPASSRLS. AutoCRM gives that up on connecting, but a login that never had it is safer.",
			"Set DATABASE_URL to the login autocrm_web, and DATABASE_OWNER_URL to the owner's.")}
	}
	return []Finding{inDatabase("roles", OK, "Each role may become what it must, and nothing else.", "", "")}
}

func clockFinding(c store.Checkup) []Finding {
	if c.Ahead.Abs() < c.Answered+5*time.Second {
		return nil
	}
	return []Finding{inDatabase("clock", Warning, fmt.Sprintf("The database's clock and this machine's are %s apart.", span(c.Ahead.Abs())),
		"One of the machines does not keep time.", "Run a time service on both (`timedatectl set-ntp true`).")}
}

func protectionFinding(c store.Checkup) Finding {
	const cure = "ALTER TABLE public.%s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;"
	switch {
	case len(c.Unprotected) > 0:
		return inDatabase("row security", Error, fmt.Sprintf("Row-level security is not in force on %s.", strings.Join(c.Unprotected, ", ")),
			"Somebody switched it off, or made a table in public without it. What people may see is not decided there.",
			fmt.Sprintf(cure, c.Unprotected[0]))
	case len(c.Open) > 0:
		return inDatabase("row security", Error, fmt.Sprintf("Rows of %s are seen without saying who asks.", strings.Join(c.Open, ", ")),
			"A policy was added that lets everybody in.", fmt.Sprintf("Look at the policies with `\\d public.%s` in psql.", c.Open[0]))
	case len(c.Roles) > 0:
		return inDatabase("row security", Warning, "Enabled and forced on every table; not tried, for want of the roles.", "", "")
	}
	return inDatabase("row security", OK, "In force on every table; who does not say who asks sees nothing.", "", "")
}

func (d *doctor) examineMigrations(ctx context.Context) {
	applied, err := store.AppliedMigrations(ctx, d.OwnerURL)
	var missing, more []string
	for _, version := range d.Migrations {
		if !slices.Contains(applied, version) {
			missing = append(missing, fmt.Sprint(version))
		}
	}
	for _, version := range applied {
		if !slices.Contains(d.Migrations, version) {
			more = append(more, fmt.Sprint(version))
		}
	}
	switch {
	case errors.Is(err, store.ErrForbidden):
		d.report.add(inDatabase("migrations", Warning, "Which migrations were applied cannot be read.",
			"The login of DATABASE_URL may not, which is right.", "Set DATABASE_OWNER_URL for the doctor too."))
	case err != nil:
		d.report.add(inDatabase("migrations", Error, "Which migrations were applied cannot be read: "+oneLine(err)+".", "", "See whether DATABASE_OWNER_URL is right."))
	case len(missing) > 0:
		d.report.add(inDatabase("migrations", Error, fmt.Sprintf("The migration %s is missing.", strings.Join(missing, ", ")),
			"The database is older than this program: it was restored from a backup, or a start was refused.", "Run `autocrm migrate`, or restart `autocrm serve`."))
	case len(more) > 0:
		d.report.add(inDatabase("migrations", Warning, fmt.Sprintf("The database has the migration %s, which this program does not know.", strings.Join(more, ", ")),
			"A newer version of AutoCRM works on it.", "Run the newest version everywhere, the doctor's too."))
	default:
		d.report.add(inDatabase("migrations", OK, fmt.Sprintf("All %d are there.", len(applied)), "", ""))
	}
}

// examineListen tries what wakes the app up.
func (d *doctor) examineListen(ctx context.Context, c store.Checkup) {
	variable := "DATABASE_LISTEN_URL"
	if d.ListenURL == d.DatabaseURL {
		variable = "DATABASE_URL"
	} else if wanders, err := store.Wanders(ctx, d.DatabaseURL); err == nil && wanders {
		d.report.add(inDatabase("pooler", Warning, "DATABASE_URL changes the connection under a session.",
			"A pooler in transaction mode stands between. What a session says once, such as which role it is, does not hold there.",
			"Use session mode for AutoCRM, or its own pool alone: it keeps few connections."))
	}
	const pooler = "Set DATABASE_LISTEN_URL to an address of the same database past the pooler; until then changes come up to a second late."
	h, err := store.HearNotify(ctx, d.ListenURL, d.DatabaseURL, min(2*time.Second, d.pace.change))
	switch {
	case err != nil:
		d.report.add(inDatabase("listen", Error, fmt.Sprintf("Nothing can be listened to at %s: %s.", variable, oneLine(err)),
			"The address is wrong, or leads to a standby, on which LISTEN is not allowed.", pooler))
	case !h.SameBase:
		d.report.add(inDatabase("listen", Error, "DATABASE_LISTEN_URL leads to another database than DATABASE_URL.",
			"The app listens where nothing happens, and notices a change only when it looks, once a second.", "Let both lead to the same database of the same server."))
	case h.Wandered || !h.Heard:
		d.report.add(inDatabase("listen", Error, fmt.Sprintf("A NOTIFY is not heard at %s.", variable),
			"A pooler in transaction mode stands between, which forgets LISTEN at the end of its transaction.", pooler))
	case c.NotifyQueue > 0.01:
		d.report.add(inDatabase("listen", Warning, fmt.Sprintf("NOTIFY is heard, but its queue is %.0f %% full.", 100*c.NotifyQueue),
			"Some session LISTENs and sits in a transaction. When the queue is full, every change fails.",
			"Find it in pg_stat_activity (state idle in transaction) and end it."))
	default:
		d.report.add(inDatabase("listen", OK, fmt.Sprintf("A NOTIFY is heard after %s.", span(h.After)), "", ""))
	}
}

// tidied is how much older than it need be the log may get: by a day, which goes as one, and some hours.
const tidied = 27 * time.Hour

// examineLog sees whether somebody tidies up.
func (d *doctor) examineLog(ctx context.Context) {
	select {
	case <-d.ready:
	case <-ctx.Done():
	}
	if d.probes == nil {
		return
	}
	oldest, err := d.probes.OldestEvent(ctx)
	if err != nil {
		d.report.add(inDatabase("event log", Error, "The event log cannot be read: "+oneLine(err)+".", "", "Run `autocrm migrate`."))
		return
	}
	if age := time.Since(oldest); !oldest.IsZero() && age > d.EventRetention+tidied {
		d.report.add(inDatabase("event log", Warning, fmt.Sprintf("The event log reaches back %.0f hours and grows.", age.Hours()),
			fmt.Sprintf("It should be tidied every hour, a day at a time, down to %.0f hours.", d.EventRetention.Hours()), "See in the app's log why tidying fails."))
	}
}
