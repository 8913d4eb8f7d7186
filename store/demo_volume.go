package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The bounds of DemoVolume.
const (
	MinVolume = 1000
	MaxVolume = 10_000_000
)

// ErrNotDemoAlone is what DemoVolume answers on a database that holds anything but the demo as it was made.
var ErrNotDemoAlone = errors.New("the database holds more than the demo's own story; the many tickets want a database with nothing else")

// VolumeProgress is told how far DemoVolume is: what it does, how much of it is done, and of how much. total is 0 where
// nobody knows.
type VolumeProgress func(doing string, done, total int)

// DemoVolume adds so many tickets, with five timeline entries each, to a database that holds the demo and nothing else:
// years of a help desk with customers by the thousand, made up, the same each time but for today's date. It is one
// transaction, in which nobody else reads or writes tickets: when it fails or ctx ends, the database is as it was.
// url needs the right to be autocrm_owner.
//
// The rows go past the triggers of their tables, and bring along what those would have made. To live updates all of it
// is history: no event is recorded, and every open page is told to fetch itself anew.
func DemoVolume(ctx context.Context, url string, tickets int, progress VolumeProgress) (err error) {
	defer wrap(&err, "DemoVolume")
	if tickets < MinVolume || tickets > MaxVolume {
		return fmt.Errorf("between %d and %d tickets, please", MinVolume, MaxVolume)
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("database address: %w", err)
	}
	config.RuntimeParams["application_name"] = "autocrm demo"
	config.RuntimeParams["timezone"] = "UTC"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// As many a sort in memory as a small machine has to spare.
	if _, err := conn.Exec(ctx, `SET ROLE autocrm_owner; SET maintenance_work_mem = '512MB'; SET work_mem = '256MB'`); err != nil {
		return err
	}
	l := volumeLoad{progress: progress, lexicon: newDemoLexicon()}
	if err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return l.load(ctx, tx, tickets) }); err != nil {
		return err
	}
	// What follows changes no row: an interrupted one leaves to the server's own upkeep what it did not do.
	for i, table := range volumeTables {
		progress("tidying up", i, len(volumeTables))
		if _, err := conn.Exec(ctx, `VACUUM (ANALYZE) `+table); err != nil {
			return err
		}
	}
	// Whatever else was made of the tickets, such as a search index, is the owner's too.
	progress("tidying up", len(volumeTables), len(volumeTables))
	_, err = conn.Exec(ctx, `VACUUM (ANALYZE)`)
	return err
}

// volumeTables are those that the load fills, in an order that their references allow.
var volumeTables = []string{"public.users", "public.tags", "public.tickets", "public.ticket_activities", "public.ticket_tags"}

// volumeLoad is one load.
type volumeLoad struct {
	progress VolumeProgress
	lexicon  demoLexicon
	plan     volumePlan
	first    int64 // the first ticket's number
	position int64 // before the first entry's
}

func (l *volumeLoad) load(ctx context.Context, tx pgx.Tx, n int) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('autocrm.demo')); SET LOCAL statement_timeout = 0`); err != nil {
		return err
	}
	// Row-level security is forced upon the owner too, and COPY does not go with it; see also foreign keys.
	for _, table := range volumeTables {
		if _, err := tx.Exec(ctx, fmt.Sprintf(`ALTER TABLE %[1]s NO FORCE ROW LEVEL SECURITY; ALTER TABLE %[1]s DISABLE TRIGGER USER`, table)); err != nil {
			return err
		}
	}
	if err := l.demoAlone(ctx, tx); err != nil {
		return err
	}
	people := l.somePeople(n)
	if err := l.ownPeople(ctx, tx, &people); err != nil {
		return err
	}
	l.plan = planVolume(n, time.Now(), people, func(done int) { l.progress("making up stories", done, n) })
	rebuild, err := dropIndexes(ctx, tx)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context, pgx.Tx) error{l.copyPeople, l.copyTickets, l.copyEntries, l.copyTags} {
		if err := step(ctx, tx); err != nil {
			return err
		}
	}
	for i, statement := range rebuild {
		l.progress("building indexes", i, len(rebuild))
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	for _, table := range volumeTables {
		if _, err := tx.Exec(ctx, `ANALYZE `+table); err != nil {
			return err
		}
	}
	if err := l.index(ctx, tx); err != nil {
		return err
	}
	for _, table := range volumeTables {
		if _, err := tx.Exec(ctx, fmt.Sprintf(`ALTER TABLE %[1]s ENABLE TRIGGER USER; ALTER TABLE %[1]s FORCE ROW LEVEL SECURITY`, table)); err != nil {
			return err
		}
	}
	// The log holds nothing of all this: it begins anew here, and every stream with it.
	_, err = tx.Exec(ctx, `
		SELECT pg_advisory_xact_lock(hashtext('autocrm.event_commits'));
		UPDATE public.event_epochs SET floor =
			(SELECT setval('live.places', greatest((extract(epoch FROM clock_timestamp()) * 1000000)::bigint, p.last_value + 1)) FROM live.places p);
		SELECT pg_notify('autocrm_events', '')`)
	return err
}

// demoAlone says whether there is the demo's story and nothing else.
func (l *volumeLoad) demoAlone(ctx context.Context, tx pgx.Tx) error {
	var emails []string
	for _, p := range demoPeople {
		emails = append(emails, p.email)
	}
	var people, demo, tickets int
	err := tx.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM users WHERE email = ANY ($1)), (SELECT count(*) FROM tickets),
		       (SELECT last_value + 1 FROM ticket_numbers), (SELECT coalesce(max(position), 0) FROM ticket_activities)`, emails).
		Scan(&people, &demo, &tickets, &l.first, &l.position)
	if err != nil {
		return err
	}
	if people != len(demoPeople) || demo != people || tickets != len(demoTickets) {
		return ErrNotDemoAlone
	}
	return nil
}

// somePeople makes up a customer for every twenty tickets, and forty agents.
func (l *volumeLoad) somePeople(n int) volumePeople {
	tags := uniqueFields(demoTagNames)
	p := volumePeople{clients: n / 20, agents: 40, tags: newZipf(tags), names: make([]string, n/20)}
	for i := range p.clients {
		p.clientIDs = append(p.clientIDs, volumeID('c', i))
	}
	for i := range p.agents {
		p.agentIDs = append(p.agentIDs, volumeID('a', i))
	}
	return p
}

// ownPeople puts the demo's own people among them: its agents share the work, its customers write some tickets.
func (l *volumeLoad) ownPeople(ctx context.Context, tx pgx.Tx, people *volumePeople) error {
	rows, err := tx.Query(ctx, `SELECT id, user_role, full_name FROM users WHERE user_role <> 'admin' ORDER BY created_at, email`)
	if err != nil {
		return err
	}
	var id uuid.UUID
	var role Role
	var name string
	at := map[Role]int{Client: 20, Agent: 0}
	_, err = pgx.ForEachRow(rows, []any{&id, &role, &name}, func() error {
		if role == Agent {
			people.agentIDs[at[role]] = id
		} else {
			people.clientIDs[at[role]] = id
			people.names[at[role]], _, _ = strings.Cut(name, " ")
		}
		at[role]++
		return nil
	})
	return err
}

// dropIndexes takes off the tables to be filled what is dear to maintain row by row: indexes, keys and the references to
// and from them. It returns the statements that make them anew.
func dropIndexes(ctx context.Context, tx pgx.Tx) (rebuild []string, err error) {
	type part struct{ Drop, Make string }
	// References first, for they hang on the keys; made anew in the opposite order.
	parts, err := all[part](tx.Query(ctx, `
		SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', c.conrelid::regclass, c.conname) AS drop,
		       format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) AS make
		FROM pg_constraint c
		WHERE c.contype IN ('f', 'p', 'u') AND c.conparentid = 0
		  AND (c.conrelid = ANY ($1::text[]::regclass[]) OR c.confrelid = ANY ($1::text[]::regclass[]))
		ORDER BY c.contype <> 'f', c.conrelid, c.conname`, volumeTables))
	if err != nil {
		return nil, err
	}
	indexes, err := all[part](tx.Query(ctx, `
		SELECT format('DROP INDEX %s', i.indexrelid::regclass) AS drop, pg_get_indexdef(i.indexrelid) AS make
		FROM pg_index i
		WHERE i.indrelid = ANY ($1::text[]::regclass[])
		  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
		ORDER BY i.indrelid, i.indexrelid`, volumeTables))
	if err != nil {
		return nil, err
	}
	parts = append(parts, indexes...)
	for _, p := range parts {
		if _, err := tx.Exec(ctx, p.Drop); err != nil {
			return nil, err
		}
	}
	for _, p := range slices.Backward(parts) {
		rebuild = append(rebuild, p.Make)
	}
	return rebuild, nil
}

// copyRows feeds one table and tells how far it is. row is asked for each of n rows in turn, on another core than the
// one that talks to the database.
func (l *volumeLoad) copyRows(ctx context.Context, tx pgx.Tx, doing, table string, columns []string, n int, row func(i int) []any) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	const batch = 512
	batches := make(chan [][]any, 2*runtime.NumCPU())
	go func() {
		defer close(batches)
		for from := 0; from < n; from += batch {
			rows := make([][]any, 0, batch)
			for i := from; i < min(from+batch, n); i++ {
				rows = append(rows, row(i))
			}
			select {
			case batches <- rows:
			case <-ctx.Done():
				return
			}
		}
	}()
	var rows [][]any
	done := 0
	schema, name, _ := strings.Cut(table, ".")
	_, err := tx.CopyFrom(ctx, pgx.Identifier{schema, name}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		if len(rows) == 0 {
			l.progress(doing, done, n)
			rows = <-batches
			done += len(rows)
			if len(rows) == 0 {
				return nil, ctx.Err()
			}
		}
		next := rows[0]
		rows = rows[1:]
		return next, nil
	}))
	return err
}

func (l *volumeLoad) copyPeople(ctx context.Context, tx pgx.Tx) error {
	hash, err := hashPassword(ctx, DemoPassword)
	if err != nil {
		return err
	}
	p := &l.plan.people
	r := rand.New(rand.NewPCG(demoSeed, 3))
	begun := l.plan.now.Add(-volumeYears - 40*24*time.Hour)
	var own []uuid.UUID
	rows, err := tx.Query(ctx, `SELECT id FROM users`)
	if err != nil {
		return err
	}
	if own, err = pgx.CollectRows(rows, pgx.RowTo[uuid.UUID]); err != nil {
		return err
	}
	var people [][]any
	for i := range p.clients + p.agents {
		name, first, email := volumePerson(r, i)
		role, id, seen := Client, uuid.UUID{}, l.plan.now.Add(-time.Duration(r.ExpFloat64()*float64(60*24*time.Hour)))
		if i < p.clients {
			id, p.names[i] = p.clientIDs[i], cmp.Or(p.names[i], first)
		} else {
			role, id, email = Agent, p.agentIDs[i-p.clients], fmt.Sprintf("agent%d@example.com", i-p.clients+1)
			seen = l.plan.now.Add(-time.Duration(r.IntN(14*60)) * time.Minute)
		}
		if !slices.Contains(own, id) {
			people = append(people, []any{id, email, name, string(role), hash, begun, seen})
		}
	}
	return l.copyRows(ctx, tx, "people", "public.users",
		[]string{"id", "email", "full_name", "user_role", "password_hash", "created_at", "last_seen_at"}, len(people),
		func(i int) []any { return people[i] })
}

// when is a time as COPY takes it, NULL for 0.
func when(at int64) any {
	if at == 0 {
		return nil
	}
	return time.UnixMicro(at)
}

func (l *volumeLoad) copyTickets(ctx context.Context, tx pgx.Tx) error {
	r := rand.New(rand.NewPCG(demoSeed, 4))
	err := l.copyRows(ctx, tx, "tickets", "public.tickets", []string{"id", "number", "client_id", "agent_id", "subject", "description",
		"status", "priority", "created_at", "updated_at", "client_updated_at", "first_response_at", "resolved_at", "closed_at",
		"waiting_since", "snoozed_until", "seq", "client_seq"}, len(l.plan.tickets),
		func(i int) []any {
			t := &l.plan.tickets[i]
			var agent any
			if t.agent >= 0 {
				agent = l.plan.people.agentIDs[t.agent]
			}
			return []any{volumeID('t', i), l.first + int64(i), l.plan.people.clientIDs[t.client], agent,
				l.lexicon.subject(r), l.lexicon.text(r, demoSentences, l.lexicon.length(r), ""),
				string(Statuses[t.status]), string(Priorities[t.priority]), when(t.created), when(t.updated), when(t.clientUpdated),
				when(t.firstResponse), when(t.resolved), when(t.closed), when(t.waiting), when(t.snoozed), int64(t.seq), int64(t.clientSeq)}
		})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `SELECT setval('ticket_numbers', $1)`, l.first+int64(len(l.plan.tickets))-1)
	return err
}

func (l *volumeLoad) copyEntries(ctx context.Context, tx pgx.Tx) error {
	r := rand.New(rand.NewPCG(demoSeed, 5))
	err := l.copyRows(ctx, tx, "timelines", "public.ticket_activities", []string{"id", "ticket_id", "user_id", "activity_type", "content",
		"is_internal", "metadata", "created_at", "position"}, len(l.plan.entries),
		func(i int) []any {
			e := l.plan.entries[i]
			kind, content, internal, metadata, who := l.entry(r, e)
			return []any{volumeID('e', i), volumeID('t', int(e.ticket)), who, kind, content, internal, metadata, when(e.at), l.position + 1 + int64(i)}
		})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `SELECT setval(pg_get_serial_sequence('ticket_activities', 'position'), $1)`, l.position+int64(len(l.plan.entries)))
	return err
}

// entry gives an entry its words.
func (l *volumeLoad) entry(r *rand.Rand, e volumeEntry) (kind, content string, internal bool, metadata string, who uuid.UUID) {
	people := &l.plan.people
	t := &l.plan.tickets[e.ticket]
	client := people.clientIDs[t.client]
	metadata = "{}"
	switch e.kind {
	case entryCreated:
		return "created", "", false, metadata, client
	case entryClient:
		return "comment", l.lexicon.text(r, demoSentences, l.lexicon.length(r), ""), false, metadata, client
	case entryAgent:
		return "comment", l.lexicon.text(r, demoAnswers, l.lexicon.length(r), people.names[t.client]), false, metadata, people.agentIDs[e.from]
	case entryNote:
		return "internal_note", l.lexicon.text(r, demoNotesOn, 10+l.lexicon.length(r)/3, ""), true, metadata, people.agentIDs[e.from]
	case entryStatus:
		who = client
		if t.agent >= 0 && Statuses[e.to] != StatusCancelled {
			who = people.agentIDs[t.agent]
		}
		return "status_change", "", false, fmt.Sprintf(`{"from": %q, "to": %q}`, Statuses[e.from], Statuses[e.to]), who
	case entryAssigned:
		return "assignment", "", false, fmt.Sprintf(`{"from": null, "to": %q}`, people.agentIDs[e.to]), people.agentIDs[e.to]
	default:
		var names []string
		for _, tag := range t.tags {
			if tag > 0 {
				names = append(names, people.tags.words[tag-1])
			}
		}
		slices.Sort(names)
		return "tag_change", "", true, fmt.Sprintf(`{"added": ["%s"]}`, strings.Join(names, `", "`)), people.agentIDs[e.from]
	}
}

func (l *volumeLoad) copyTags(ctx context.Context, tx pgx.Tx) error {
	// The demo's own story may have some of them.
	ids := map[string]uuid.UUID{}
	rows, err := tx.Query(ctx, `SELECT id, name FROM tags`)
	if err != nil {
		return err
	}
	var id uuid.UUID
	var name string
	if _, err := pgx.ForEachRow(rows, []any{&id, &name}, func() error { ids[name] = id; return nil }); err != nil {
		return err
	}
	names := l.plan.people.tags.words
	var made [][]any
	for i, name := range names {
		if _, there := ids[name]; !there {
			ids[name] = volumeID('g', i)
			made = append(made, []any{ids[name], name, int16(i % 8), l.plan.people.agentIDs[i%len(l.plan.people.agentIDs)], l.plan.now.Add(-volumeYears)})
		}
	}
	err = l.copyRows(ctx, tx, "tags", "public.tags", []string{"id", "name", "hue", "created_by", "created_at"}, len(made),
		func(i int) []any { return made[i] })
	if err != nil {
		return err
	}
	type tagging struct {
		ticket int32
		tag    uint8
	}
	var tagged []tagging
	for i := range l.plan.tickets {
		for _, tag := range l.plan.tickets[i].tags {
			if tag > 0 {
				tagged = append(tagged, tagging{int32(i), tag - 1})
			}
		}
	}
	return l.copyRows(ctx, tx, "tags of tickets", "public.ticket_tags", []string{"ticket_id", "tag_id"}, len(tagged),
		func(i int) []any { return []any{volumeID('t', int(tagged[i].ticket)), ids[names[tagged[i].tag]]} })
}

// index makes the search index of what was loaded.
func (l *volumeLoad) index(ctx context.Context, tx pgx.Tx) error {
	var there bool
	if err := tx.QueryRow(ctx, `SELECT to_regprocedure('search.rebuild()') IS NOT NULL`).Scan(&there); err != nil || !there {
		return err
	}
	l.progress("building the search index", 0, 0)
	_, err := tx.Exec(ctx, `SELECT search.rebuild()`)
	return err
}
