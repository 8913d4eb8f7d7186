package store_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The matrix: for each person, table, command and row the database's answer is held against a predicate
// written here in Go, from what each role is promised and not from the policies.

// rlsRow is a row of the fixture, with what the predicates ask about it.
type rlsRow struct {
	name     string
	key      string    // the value of the table's key column, as text
	owner    uuid.UUID // whose it is: the person, the session's user, the ticket's client
	role     store.Role
	internal bool
	deals    bool // a person of the staff that cleo deals with
}

// rlsInsert is a row somebody tries to add.
type rlsInsert struct {
	name, sql string
	args      []any
	may       func(who store.Actor) bool
}

// rlsTable says how one table is tried and who may.
type rlsTable struct {
	key     string
	update  string // SET clause that marks each row it reaches; "" where nobody may update at all
	marked  string // condition that finds the marked rows
	rows    []rlsRow
	sees    func(who store.Actor, row rlsRow) bool
	changes func(who store.Actor, row rlsRow) bool
	deletes func(who store.Actor, row rlsRow) bool // nil: nobody may delete
	inserts []rlsInsert
}

// Events told under a topic of their own: to all staff, or to one of them.
const (
	deskEvent     store.Role = "desk"
	personalEvent store.Role = "personal"
)

func nobodyMay(store.Actor, rlsRow) bool { return false }
func adminMay(who store.Actor, _ rlsRow) bool {
	return who.Role == store.Admin
}

// A kept view is its owner's; one that is shared is an admin's to change too. internal stands for shared.
func ownOrSharedToAdmin(who store.Actor, row rlsRow) bool {
	return who.Role.Staff() && row.owner == who.UserID || who.Role == store.Admin && row.internal
}

// rlsMatrix fills the database and says what is right.
func rlsMatrix(t *testing.T, db *storetest.DB) (people []store.Actor, tables map[string]rlsTable) {
	t.Helper()
	ctx := context.Background()
	cleo, otto := db.Person(t, store.Client, "cleo@example.com"), db.Person(t, store.Client, "otto@example.com")
	ana, ben := db.Person(t, store.Agent, "ana@example.com"), db.Person(t, store.Agent, "ben@example.com")
	nora, ada := db.Person(t, store.Agent, "nora@example.com"), db.Person(t, store.Admin, "ada@example.com")
	own, assigned, others := submit(t, db, cleo, "own"), submit(t, db, cleo, "assigned"), submit(t, db, otto, "other's")
	say := func(who store.Actor, number int64, internal bool) (uuid.UUID, uuid.UUID) {
		up, err := db.Store.Upload(ctx, "a.txt", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		m := store.Message{ID: uuid.New(), Body: "words", Internal: internal, Files: []store.Upload{up}}
		if err := db.Store.Reply(ctx, who, number, m); err != nil {
			t.Fatal(err)
		}
		var file uuid.UUID
		if err := db.Owner.QueryRow(ctx, `SELECT id FROM attachments WHERE activity_id = $1`, m.ID).Scan(&file); err != nil {
			t.Fatal(err)
		}
		return m.ID, file
	}
	if err := db.Store.Take(ctx, ana, assigned); err != nil {
		t.Fatal(err)
	}
	said, saidFile := say(cleo, own, false)
	noted, notedFile := say(nora, own, true) // nora only ever wrote a note: cleo does not know her
	strange, strangeFile := say(ben, others, false)
	db.Exec(t, `INSERT INTO invitations (email, user_role, token_hash, expires_at) VALUES ('i@example.com', 'agent', sha256('i'), now() + interval '1 day')`)
	db.Exec(t, `INSERT INTO sign_in_failures (key) VALUES (sha256('k'))`)
	db.Exec(t, `INSERT INTO live_samples (minute, node, portal, streams, polls, listening, up, connects, failed, reasons, lags)
		VALUES (now(), 'one', 'client', 1, 0, true, true, 1, 0, '{}', '{}')`)
	db.Exec(t, `INSERT INTO examinations (started_by) VALUES ($1)`, ada.UserID)

	id := func(sql string, args ...any) string {
		var text string
		if err := db.Owner.QueryRow(ctx, sql, args...).Scan(&text); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return text
	}
	ticketID := func(number int64) string { return id(`SELECT id::text FROM tickets WHERE number = $1`, number) }
	ownID, assignedID, othersID := ticketID(own), ticketID(assigned), ticketID(others)
	person := func(p store.Actor, deals bool) rlsRow {
		return rlsRow{name: p.Email, key: p.UserID.String(), owner: p.UserID, role: p.Role, deals: deals}
	}
	session := func(p store.Actor) rlsRow {
		return rlsRow{name: "of " + p.Email, key: p.SessionID.String(), owner: p.UserID}
	}
	event := func(name, sql string, owner uuid.UUID, internal bool) rlsRow {
		return rlsRow{name: name, key: id(`SELECT id::text FROM events WHERE ` + sql), owner: owner, internal: internal}
	}
	commit := func(name, sql string, owner uuid.UUID, internal bool) rlsRow {
		return rlsRow{name: name, key: id(`SELECT place::text FROM event_commits JOIN events USING (xid) WHERE ` + sql), owner: owner, internal: internal}
	}
	staff := func(who store.Actor) bool { return who.Role == store.Agent || who.Role == store.Admin }
	readsTicket := func(who store.Actor, row rlsRow) bool {
		return staff(who) || who.Role == store.Client && row.owner == who.UserID && !row.internal
	}
	// Rows of the log without an owner are about people: the admin's alone.
	readsEvent := func(who store.Actor, row rlsRow) bool {
		switch row.role {
		case deskEvent:
			return staff(who)
		case personalEvent:
			return who.UserID == row.owner
		}
		return who.Role == store.Admin || row.owner != uuid.Nil && readsTicket(who, row)
	}
	staffMay := func(who store.Actor, _ rlsRow) bool { return staff(who) }
	staffAdds := func(who store.Actor) bool { return staff(who) }
	tag := id(`INSERT INTO tags (name) VALUES ('vip') RETURNING id::text`)
	db.Exec(t, `INSERT INTO ticket_tags (ticket_id, tag_id) VALUES ($1, $2)`, ownID, tag)
	db.Exec(t, `INSERT INTO events (source, operation, row_id, topic, user_id, opens) VALUES ('mine', 'update', gen_random_uuid(), 'mine', $1, true)`, ana.UserID)

	for _, who := range []store.Actor{ana, ada} {
		if err := db.Store.Attend(ctx, who, own, "page-"+string(who.Role), false); err != nil {
			t.Fatal(err)
		}
	}
	view := func(who store.Actor, shared bool) rlsRow {
		id := uuid.New()
		db.Exec(t, `INSERT INTO views (id, owner_id, name, shared) VALUES ($1, $2, 'kept', $3)`, id, who.UserID, shared)
		return rlsRow{name: fmt.Sprintf("%s's, shared %t", who.Email, shared), key: id.String(), owner: who.UserID, internal: shared}
	}
	customerNote := func(author store.Actor) rlsRow {
		return rlsRow{name: author.Email + "'s", owner: author.UserID,
			key: id(`INSERT INTO customer_notes (customer_id, author_id, body) VALUES ($1, $2, 'x') RETURNING id::text`, cleo.UserID, author.UserID)}
	}
	ownOfStaff := func(who store.Actor, row rlsRow) bool { return staff(who) && row.owner == who.UserID }
	macro := func(owner store.Actor, shared bool) string {
		return id(`INSERT INTO macros (owner_id, name, shared) VALUES ($1, 'm', $2) RETURNING id::text`, owner.UserID, shared)
	}
	anasMacro, sharedMacro, adasMacro := macro(ana, false), macro(ana, true), macro(ada, false)
	mayChangeMacro := func(who store.Actor, row rlsRow) bool {
		return staff(who) && (row.owner == who.UserID || who.Role == store.Admin && !row.internal)
	}
	anasBulk := id(`INSERT INTO bulk_changes (actor_id, change, selection, total) VALUES ($1, '{}', '{}', 1) RETURNING id::text`, ana.UserID)
	db.Exec(t, `INSERT INTO bulk_change_parts (bulk_change_id, part, tickets) VALUES ($1, 0, '[]')`, anasBulk)
	ownBulk := func(who store.Actor, row rlsRow) bool {
		return who.Role == store.Admin || who.Role != "" && row.owner == who.UserID
	}
	ownMay := func(who store.Actor, row rlsRow) bool { return staff(who) && who.UserID == row.owner }
	notice := func(p store.Actor) rlsRow {
		return rlsRow{name: "of " + p.Email, owner: p.UserID,
			key: id(`INSERT INTO notifications (user_id, kind, ticket_id) VALUES ($1, 'late', $2) RETURNING id::text`, p.UserID, ownID)}
	}
	mute := func(p store.Actor) rlsRow {
		return rlsRow{name: "of " + p.Email, owner: p.UserID,
			key: id(`INSERT INTO notification_mutes (user_id, kind) VALUES ($1, 'late') RETURNING user_id::text`, p.UserID)}
	}
	db.Exec(t, `UPDATE tickets SET waiting_since = now() WHERE id = $1`, assignedID)

	draft := map[uuid.UUID]string{}
	for _, who := range []store.Actor{ana, ada, cleo} {
		draft[who.UserID] = id(`INSERT INTO drafts (user_id, ticket_id, kind) VALUES ($1, $2, 'reply') RETURNING id::text`, who.UserID, ownID)
		db.Exec(t, `INSERT INTO draft_files (draft_id, user_id, file_name, content_type, size, sha256, storage_key)
			VALUES ($1, $2, 'f', 'text/plain', 1, sha256('f'), $3)`, draft[who.UserID], who.UserID, who.Email)
	}
	draftOf := func(who store.Actor) rlsRow {
		return rlsRow{name: who.Email + "'s", key: draft[who.UserID], owner: who.UserID}
	}
	db.Exec(t, `INSERT INTO mentions (activity_id, user_id) VALUES ($1, $2)`, noted, ben.UserID)
	db.Exec(t, `INSERT INTO ticket_followers (ticket_id, user_id) VALUES ($1, $2)`, ownID, ana.UserID)
	link := id(`INSERT INTO ticket_links (from_id, to_id, kind) VALUES ($1, $2, 'related') RETURNING id::text`, ownID, othersID)
	anasTime := id(`INSERT INTO time_entries (ticket_id, user_id, minutes) VALUES ($1, $2, 5) RETURNING id::text`, ownID, ana.UserID)
	merge := id(`INSERT INTO ticket_merges (source_id, target_id, status, undone_at) VALUES ($1, $2, 'new', now()) RETURNING id::text`, ownID, assignedID)

	tables = map[string]rlsTable{
		"notifications": {
			key: "id", update: "read_at = '2001-01-01'", marked: "read_at = '2001-01-01'",
			rows: []rlsRow{notice(cleo), notice(ana), notice(ben), notice(ada)}, sees: ownMay, changes: ownMay,
			inserts: []rlsInsert{{"a notification", `INSERT INTO notifications (user_id, kind, ticket_id) VALUES ($1, 'late', $2)`, []any{ana.UserID, ownID}, func(store.Actor) bool { return false }}},
		},
		"notification_mutes": {
			key: "user_id", rows: []rlsRow{mute(cleo), mute(ana), mute(ada)}, sees: ownMay, changes: nobodyMay, deletes: ownMay,
			inserts: []rlsInsert{
				{"ana's", `INSERT INTO notification_mutes (user_id, kind) VALUES ($1, 'assigned')`, []any{ana.UserID}, func(who store.Actor) bool { return who.UserID == ana.UserID }},
				{"cleo's", `INSERT INTO notification_mutes (user_id, kind) VALUES ($1, 'assigned')`, []any{cleo.UserID}, func(store.Actor) bool { return false }},
			},
		},
		"ticket_reminders": {
			key: "ticket_id", rows: []rlsRow{{name: "of assigned", key: assignedID}}, sees: nobodyMay, changes: nobodyMay,
			inserts: []rlsInsert{{"a reminder", `INSERT INTO ticket_reminders (ticket_id, due_at) VALUES ($1, now())`, []any{ownID}, func(store.Actor) bool { return false }}},
		},
		"users": {
			key: "id", update: "full_name = 'marked'", marked: "full_name = 'marked'",
			rows: []rlsRow{person(cleo, false), person(otto, false), person(ana, true), person(ben, false), person(nora, false), person(ada, false)},
			sees: func(who store.Actor, row rlsRow) bool {
				return staff(who) || row.owner == who.UserID ||
					who.Role == store.Client && who.UserID == cleo.UserID && row.deals ||
					who.Role == store.Client && who.UserID == otto.UserID && row.owner == ben.UserID
			},
			changes: func(who store.Actor, row rlsRow) bool {
				return who.Role == store.Admin || who.Role != "" && row.owner == who.UserID
			},
			inserts: []rlsInsert{{"a person", `INSERT INTO users (email, full_name, user_role) VALUES ('n@example.com', 'N', 'client')`, nil, func(store.Actor) bool { return false }}},
		},
		"sessions": {
			key: "id", update: "revoked_at = '2001-01-01'", marked: "revoked_at = '2001-01-01'",
			rows: []rlsRow{session(cleo), session(otto), session(ana), session(ada)},
			sees: func(who store.Actor, row rlsRow) bool {
				return who.Role == store.Admin || who.Role != "" && row.owner == who.UserID
			},
			changes: func(who store.Actor, row rlsRow) bool {
				return who.Role == store.Admin || who.Role != "" && row.owner == who.UserID
			},
			inserts: []rlsInsert{{"a session", `INSERT INTO sessions (token_hash, user_id, portal, idle_expires_at, expires_at) VALUES (sha256('s'), $1, 'client', now(), now())`, []any{cleo.UserID}, func(store.Actor) bool { return false }}},
		},
		"invitations": {
			key: "id", update: "expires_at = '2001-01-01'", marked: "expires_at = '2001-01-01'",
			rows: []rlsRow{{name: "one", key: id(`SELECT id::text FROM invitations`)}},
			sees: adminMay, changes: adminMay,
			inserts: []rlsInsert{{"an invitation", `INSERT INTO invitations (email, user_role, token_hash, created_by, expires_at) VALUES ('j@example.com', 'admin', sha256('j'), $1, now())`, []any{ada.UserID},
				func(who store.Actor) bool { return who.Role == store.Admin }}},
		},
		"sign_in_failures": {
			key: "key", rows: []rlsRow{{name: "one", key: id(`SELECT key::text FROM sign_in_failures`)}}, sees: nobodyMay, changes: nobodyMay,
			inserts: []rlsInsert{{"a failure", `INSERT INTO sign_in_failures (key) VALUES (sha256('l'))`, nil, func(store.Actor) bool { return false }}},
		},
		"tickets": {
			key: "id", update: "status = 'cancelled'", marked: "status = 'cancelled'",
			rows: []rlsRow{{name: "own", key: ownID, owner: cleo.UserID}, {name: "assigned", key: assignedID, owner: cleo.UserID}, {name: "other's", key: othersID, owner: otto.UserID}},
			sees: readsTicket, changes: readsTicket,
			inserts: []rlsInsert{
				{"cleo's", `INSERT INTO tickets (client_id, subject, description) VALUES ($1, 's', 'd')`, []any{cleo.UserID}, func(who store.Actor) bool { return who.Role == store.Client && who.UserID == cleo.UserID }},
				{"otto's", `INSERT INTO tickets (client_id, subject, description) VALUES ($1, 's', 'd')`, []any{otto.UserID}, func(who store.Actor) bool { return who.Role == store.Client && who.UserID == otto.UserID }},
				{"ana's", `INSERT INTO tickets (client_id, subject, description) VALUES ($1, 's', 'd')`, []any{ana.UserID}, func(store.Actor) bool { return false }},
				{"resolved at once", `INSERT INTO tickets (client_id, subject, description, status) VALUES ($1, 's', 'd', 'resolved')`, []any{cleo.UserID}, func(store.Actor) bool { return false }},
			},
		},
		"ticket_activities": {
			key: "id",
			rows: []rlsRow{{name: "comment on own", key: said.String(), owner: cleo.UserID}, {name: "note on own", key: noted.String(), owner: cleo.UserID, internal: true},
				{name: "comment on other's", key: strange.String(), owner: otto.UserID}},
			sees: readsTicket, changes: nobodyMay,
			inserts: rlsActivityInserts(ownID, cleo, otto, ana, ada),
		},
		"attachments": {
			key: "id",
			rows: []rlsRow{{name: "on own", key: saidFile.String(), owner: cleo.UserID}, {name: "on a note on own", key: notedFile.String(), owner: cleo.UserID, internal: true},
				{name: "on other's", key: strangeFile.String(), owner: otto.UserID}},
			sees: readsTicket, changes: nobodyMay,
			inserts: rlsAttachmentInserts(ownID, said, noted, cleo, otto, ana),
		},
		"tags": {
			key: "id", update: "hue = 7", marked: "hue = 7", rows: []rlsRow{{name: "vip", key: tag}}, sees: staffMay, changes: staffMay, deletes: staffMay,
			inserts: []rlsInsert{{"a tag", `INSERT INTO tags (name) VALUES ('new')`, nil, staffAdds}},
		},
		"ticket_tags": {
			key: "tag_id", rows: []rlsRow{{name: "vip on own", key: tag}}, sees: staffMay, changes: nobodyMay, deletes: staffMay,
			inserts: []rlsInsert{{"a tag on other's", `INSERT INTO ticket_tags (ticket_id, tag_id) VALUES ($1, $2)`, []any{othersID, tag}, staffAdds}},
		},
		"drafts": {
			key: "id", update: "content = 'marked'", marked: "content = 'marked'",
			rows: []rlsRow{draftOf(ana), draftOf(ada), draftOf(cleo)}, sees: ownOfStaff, changes: ownOfStaff, deletes: ownOfStaff,
			inserts: rlsOwnInserts(`INSERT INTO drafts (user_id, ticket_id, kind) SELECT $1, id, 'note' FROM tickets WHERE subject = 'own'`, cleo, ana, ada),
		},
		"draft_files": {
			key: "draft_id", rows: []rlsRow{draftOf(ana), draftOf(ada), draftOf(cleo)}, sees: ownOfStaff, changes: nobodyMay, deletes: ownOfStaff,
			update: "draft_id = draft_id", marked: "false",
			inserts: append(rlsOwnInserts(`INSERT INTO draft_files (draft_id, user_id, file_name, content_type, size, sha256, storage_key)
				SELECT id, $1, 'f', 'text/plain', 1, sha256('f'), gen_random_uuid()::text FROM drafts WHERE user_id = $1`, cleo, ana, ada),
				rlsInsert{"a file of one's own on another's draft", `INSERT INTO draft_files (draft_id, user_id, file_name, content_type, size, sha256, storage_key)
				VALUES ($1, $2, 'f', 'text/plain', 1, sha256('f'), 'another')`, []any{draftOf(ana).key, ada.UserID}, func(store.Actor) bool { return false }}),
		},
		"mentions": {
			key: "user_id", rows: []rlsRow{{name: "ben in nora's note", key: ben.UserID.String()}}, sees: staffMay, changes: nobodyMay,
			inserts: []rlsInsert{{"ada in ben's words", `INSERT INTO mentions (activity_id, user_id) VALUES ($1, $2)`, []any{strange, ada.UserID},
				func(who store.Actor) bool { return who.UserID == ben.UserID }}},
		},
		"views": {
			key: "id", update: "density = 'compact'", marked: "density = 'compact'", rows: []rlsRow{view(ana, false), view(ana, true), view(ada, false), view(ada, true)},
			sees: func(who store.Actor, row rlsRow) bool {
				return who.Role.Staff() && (row.internal || row.owner == who.UserID)
			},
			changes: ownOrSharedToAdmin, deletes: ownOrSharedToAdmin,
			inserts: rlsOwnInserts(`INSERT INTO views (owner_id, name) VALUES ($1, 'new')`, cleo, ana, ada),
		},
		"presences": {
			key: "page", update: "expires_at = '2001-01-01'", marked: "expires_at = '2001-01-01'",
			rows: []rlsRow{{name: "ana's", key: "page-agent", owner: ana.UserID}, {name: "ada's", key: "page-admin", owner: ada.UserID}},
			sees: staffMay, changes: ownOfStaff, deletes: ownOfStaff,
			inserts: rlsOwnInserts(`INSERT INTO presences (ticket_number, user_id, page, session_id, expires_at) SELECT 1, $1, 'new', s.id, now() FROM sessions s WHERE s.user_id = $1`, cleo, ana, ada),
		},
		"customer_notes": {
			key: "id", update: "body = 'marked'", marked: "body = 'marked'",
			rows: []rlsRow{customerNote(ana), customerNote(ada)}, sees: staffMay, changes: ownOfStaff, deletes: ownOfStaff,
			inserts: rlsOwnInserts(`INSERT INTO customer_notes (customer_id, author_id, body) VALUES ($1, $1, 'x')`, cleo, ana, ada),
		},
		"macros": {
			key: "id", update: "name = 'marked'", marked: "name = 'marked'",
			rows: []rlsRow{{name: "ana's own", key: anasMacro, owner: ana.UserID, internal: true}, {name: "ana's, shared", key: sharedMacro, owner: ana.UserID},
				{name: "ada's own", key: adasMacro, owner: ada.UserID, internal: true}},
			sees: func(who store.Actor, row rlsRow) bool {
				return staff(who) && (!row.internal || row.owner == who.UserID)
			},
			changes: mayChangeMacro, deletes: mayChangeMacro,
			inserts: []rlsInsert{
				{"ana's", `INSERT INTO macros (owner_id, name) VALUES ($1, 'm')`, []any{ana.UserID}, func(who store.Actor) bool { return who.UserID == ana.UserID && staff(who) }},
				{"cleo's", `INSERT INTO macros (owner_id, name) VALUES ($1, 'm')`, []any{cleo.UserID}, func(store.Actor) bool { return false }},
			},
		},
		"bulk_changes": {
			key: "id", update: "done = 7", marked: "done = 7", rows: []rlsRow{{name: "ana's", key: anasBulk, owner: ana.UserID}}, sees: ownBulk, changes: ownBulk,
			inserts: []rlsInsert{
				{"ben's", `INSERT INTO bulk_changes (actor_id, change, selection, total) VALUES ($1, '{}', '{}', 1)`, []any{ben.UserID}, func(who store.Actor) bool { return who.UserID == ben.UserID && staff(who) }},
				{"cleo's", `INSERT INTO bulk_changes (actor_id, change, selection, total) VALUES ($1, '{}', '{}', 1)`, []any{cleo.UserID}, func(store.Actor) bool { return false }},
			},
		},
		"bulk_change_parts": {
			key: "bulk_change_id", rows: []rlsRow{{name: "of ana's", key: anasBulk, owner: ana.UserID}}, sees: ownBulk, changes: nobodyMay,
			inserts: []rlsInsert{{"a part of ana's", `INSERT INTO bulk_change_parts (bulk_change_id, part, tickets) VALUES ($1, 1, '[]')`, []any{anasBulk},
				func(who store.Actor) bool { return who.UserID == ana.UserID && staff(who) }}},
		},
		"ticket_followers": {
			key: "user_id", rows: []rlsRow{{name: "ana on own", key: ana.UserID.String()}}, sees: staffMay, changes: nobodyMay, deletes: staffMay,
			inserts: []rlsInsert{{"a follower of other's", `INSERT INTO ticket_followers (ticket_id, user_id) VALUES ($1, $2)`, []any{othersID, ben.UserID}, staffAdds}},
		},
		"ticket_links": {
			key: "id", rows: []rlsRow{{name: "own and other's", key: link}}, sees: staffMay, changes: nobodyMay, deletes: staffMay,
			inserts: []rlsInsert{{"a link", `INSERT INTO ticket_links (from_id, to_id, kind, created_by) VALUES ($1, $2, 'parent', $3)`, []any{ownID, assignedID, ana.UserID}, staffAdds}},
		},
		"time_entries": {
			key: "id", rows: []rlsRow{{name: "ana's on own", key: anasTime, owner: ana.UserID}}, sees: staffMay, changes: nobodyMay,
			deletes: func(who store.Actor, row rlsRow) bool { return staff(who) && who.UserID == row.owner },
			inserts: []rlsInsert{{"ana's time", `INSERT INTO time_entries (id, ticket_id, user_id, minutes, note) VALUES (gen_random_uuid(), $1, $2, 5, '')`, []any{othersID, ana.UserID},
				func(who store.Actor) bool { return who.UserID == ana.UserID }}},
		},
		"ticket_merges": {
			key: "id", rows: []rlsRow{{name: "own into assigned", key: merge}}, sees: staffMay, changes: nobodyMay,
			inserts: []rlsInsert{{"a merge", `INSERT INTO ticket_merges (source_id, target_id, status) VALUES ($1, $2, 'new')`, []any{assignedID, ownID}, func(store.Actor) bool { return false }}},
		},
		"events": {
			key: "id", sees: readsEvent, changes: nobodyMay,
			rows: []rlsRow{
				event("own ticket", "source = 'tickets' AND operation = 'insert' AND row_id = '"+ownID+"'", cleo.UserID, false),
				event("note on own", "source = 'ticket_activities' AND row_id = '"+noted.String()+"'", cleo.UserID, true),
				event("file of the note", "source = 'attachments' AND row_id = '"+notedFile.String()+"'", cleo.UserID, true),
				event("other's ticket", "source = 'tickets' AND operation = 'insert' AND row_id = '"+othersID+"'", otto.UserID, false),
				event("a person", "source = 'users' AND row_id = '"+ana.UserID.String()+"'", uuid.Nil, false),
				event("an invitation", "source = 'invitations'", uuid.Nil, false),
				event("an examination", "source = 'examinations'", uuid.Nil, false),
				{name: "a tag", key: id(`SELECT id::text FROM events WHERE source = 'tags'`), role: deskEvent},
				{name: "ana's own", key: id(`SELECT id::text FROM events WHERE source = 'mine'`), owner: ana.UserID, role: personalEvent},
			},
			inserts: []rlsInsert{{"an event", `INSERT INTO events (source, operation, row_id) VALUES ('tickets', 'insert', gen_random_uuid())`, nil, func(store.Actor) bool { return false }}},
		},
		"event_commits": {
			key: "place", sees: readsEvent, changes: nobodyMay,
			rows: []rlsRow{
				commit("own ticket", "source = 'tickets' AND operation = 'insert' AND row_id = '"+ownID+"'", cleo.UserID, false),
				commit("note on own", "source = 'ticket_activities' AND row_id = '"+noted.String()+"'", cleo.UserID, true),
				commit("other's ticket", "source = 'tickets' AND operation = 'insert' AND row_id = '"+othersID+"'", otto.UserID, false),
				commit("an invitation", "source = 'invitations'", uuid.Nil, false),
			},
			inserts: []rlsInsert{{"a commit", `INSERT INTO event_commits (place, xid) VALUES (1, '1')`, nil, func(store.Actor) bool { return false }}},
		},
		"live_samples": {
			key: "node", rows: []rlsRow{{name: "one", key: "one"}}, sees: adminMay, changes: nobodyMay,
			inserts: []rlsInsert{{"a sample", `INSERT INTO live_samples (minute, node, portal, streams, polls, listening, up, connects, failed, reasons, lags)
				VALUES (now(), 'two', 'client', 1, 0, true, true, 1, 0, '{}', '{}')`, nil, func(store.Actor) bool { return false }}},
		},
		"examinations": {
			key: "id", rows: []rlsRow{{name: "one", key: id(`SELECT id::text FROM examinations`)}}, sees: adminMay, changes: nobodyMay,
			inserts: []rlsInsert{{"an examination", `INSERT INTO examinations (started_by, ended_at) VALUES ($1, now())`, []any{ada.UserID}, func(store.Actor) bool { return false }}},
		},
		"event_epochs": {
			key: "floor", rows: []rlsRow{{name: "the floor", key: id(`SELECT floor::text FROM event_epochs`)}}, changes: nobodyMay,
			sees:    func(who store.Actor, _ rlsRow) bool { return staff(who) },
			inserts: []rlsInsert{{"an epoch", `INSERT INTO event_epochs DEFAULT VALUES`, nil, func(store.Actor) bool { return false }}},
		},
	}
	return []store.Actor{{}, cleo, otto, ana, ben, ada}, tables
}

func rlsActivityInserts(ticket string, cleo, otto, ana, ada store.Actor) (inserts []rlsInsert) {
	for _, author := range []store.Actor{cleo, otto, ana, ada} {
		for _, kind := range []string{"comment", "internal_note", "status_change"} {
			inserts = append(inserts, rlsInsert{author.Email + "'s " + kind,
				`INSERT INTO ticket_activities (ticket_id, user_id, activity_type, content, is_internal) VALUES ($1, $2, $3, 'x', $4)`,
				[]any{ticket, author.UserID, kind, kind == "internal_note"},
				func(who store.Actor) bool {
					switch {
					case who.UserID != author.UserID || kind == "status_change":
						return false
					case who.Role == store.Client:
						return kind == "comment" && who.UserID == cleo.UserID
					}
					return who.Role == store.Agent || who.Role == store.Admin
				}})
		}
	}
	return inserts
}

// rlsOwnInserts are rows that each says to be of one of people, $1: the staff may add their own.
func rlsOwnInserts(sql string, people ...store.Actor) (inserts []rlsInsert) {
	for _, of := range people {
		inserts = append(inserts, rlsInsert{"as " + of.Email, sql, []any{of.UserID}, func(who store.Actor) bool {
			return who.UserID == of.UserID && (who.Role == store.Agent || who.Role == store.Admin)
		}})
	}
	return inserts
}

func rlsAttachmentInserts(ticket string, said, noted uuid.UUID, cleo, otto, ana store.Actor) (inserts []rlsInsert) {
	for _, uploader := range []store.Actor{cleo, otto, ana} {
		for activity, internal := range map[uuid.UUID]bool{said: false, noted: true} {
			inserts = append(inserts, rlsInsert{fmt.Sprintf("%s's file, internal %v", uploader.Email, internal),
				`INSERT INTO attachments (ticket_id, activity_id, uploader_id, file_name, content_type, size, sha256, storage_key)
				 VALUES ($1, $2, $3, 'f', 'text/plain', 1, sha256('f'), gen_random_uuid()::text)`,
				[]any{ticket, activity, uploader.UserID},
				func(who store.Actor) bool {
					if who.UserID != uploader.UserID {
						return false
					}
					return who.Role != store.Client || who.UserID == cleo.UserID && !internal
				}})
		}
	}
	return inserts
}

// tryMatrix asks the database everything, inside tx, and lists where it answers other than the predicates; the
// first such place alone where one is enough.
func tryMatrix(t *testing.T, tx pgx.Tx, people []store.Actor, tables map[string]rlsTable, one bool) (wrong []string) {
	t.Helper()
	note := func(who store.Actor, command, table, row string, got, want bool) {
		if got != want {
			wrong = append(wrong, fmt.Sprintf("%s %s %s %q: the database says %v, right is %v", orNobody(who), command, table, row, got, want))
		}
	}
	for _, who := range people {
		for _, name := range slices.Sorted(maps.Keys(tables)) {
			if one && len(wrong) > 0 {
				return wrong
			}
			table := tables[name]
			seen := rlsKeys(t, tx, who, "SELECT "+table.key+"::text FROM "+name)
			kept := map[string]bool{}
			if table.deletes != nil {
				kept = rlsMarked(t, tx, who, "DELETE FROM "+name, "SELECT "+table.key+"::text FROM "+name)
			} else if rlsAffects(t, tx, who, "DELETE FROM "+name, nil) {
				wrong = append(wrong, fmt.Sprintf("%s may DELETE FROM %s", orNobody(who), name))
			}
			changed := map[string]bool{}
			if table.update != "" {
				// Without WHERE, so that only the UPDATE policies decide and not what the person may read.
				changed = rlsMarked(t, tx, who, "UPDATE "+name+" SET "+table.update, "SELECT "+table.key+"::text FROM "+name+" WHERE "+table.marked)
			} else if rlsAffects(t, tx, who, "UPDATE "+name+" SET "+table.key+" = "+table.key, nil) {
				wrong = append(wrong, fmt.Sprintf("%s may UPDATE %s", orNobody(who), name))
			}
			for _, row := range table.rows {
				note(who, "SELECT", name, row.name, seen[row.key], table.sees(who, row))
				note(who, "UPDATE", name, row.name, changed[row.key], table.changes(who, row))
				if table.deletes != nil {
					note(who, "DELETE", name, row.name, !kept[row.key], table.deletes(who, row))
				}
			}
			for _, in := range table.inserts {
				note(who, "INSERT", name, in.name, rlsAffects(t, tx, who, in.sql, in.args), in.may(who))
			}
		}
	}
	return wrong
}

func orNobody(who store.Actor) string {
	if who.Email == "" {
		return "nobody"
	}
	return who.Email
}

// rlsAs runs f as who would, and undoes all of it.
func rlsAs(t *testing.T, tx pgx.Tx, who store.Actor, f func(tx pgx.Tx) error) error {
	t.Helper()
	ctx := context.Background()
	inner, err := tx.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Rollback(ctx)
	if _, err := inner.Exec(ctx, `SELECT set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)`, string(who.Claims)); err != nil {
		t.Fatal(err)
	}
	return f(inner)
}

// rlsAffects says whether the statement reaches a row. A refusal by rights or rules is a no.
func rlsAffects(t *testing.T, tx pgx.Tx, who store.Actor, sql string, args []any) (reached bool) {
	t.Helper()
	err := rlsAs(t, tx, who, func(tx pgx.Tx) error {
		tag, err := tx.Exec(context.Background(), sql, args...)
		reached = tag.RowsAffected() > 0
		return err
	})
	return rlsAllowed(t, sql, err) && reached
}

func rlsKeys(t *testing.T, tx pgx.Tx, who store.Actor, sql string) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	err := rlsAs(t, tx, who, func(tx pgx.Tx) error {
		rows, _ := tx.Query(context.Background(), sql)
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, key := range found {
			keys[key] = true
		}
		return err
	})
	rlsAllowed(t, sql, err)
	return keys
}

// rlsMarked runs the update as who and then, as a superuser, looks which rows it marked; of a DELETE, which it left.
func rlsMarked(t *testing.T, tx pgx.Tx, who store.Actor, update, find string) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	err := rlsAs(t, tx, who, func(tx pgx.Tx) error {
		if _, err := tx.Exec(context.Background(), update); err != nil {
			return err
		}
		if _, err := tx.Exec(context.Background(), `SET LOCAL ROLE NONE`); err != nil {
			return err
		}
		rows, _ := tx.Query(context.Background(), find)
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, key := range found {
			keys[key] = true
		}
		return err
	})
	if !rlsAllowed(t, update, err) && strings.HasPrefix(update, "DELETE") { // refused, it left all
		rows, _ := tx.Query(context.Background(), find)
		left, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range left {
			keys[key] = true
		}
	}
	return keys
}

func rlsAllowed(t *testing.T, sql string, err error) bool {
	t.Helper()
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return true
	case errors.As(err, &pg) && (pg.Code == "42501" || pg.Code == "23503" || pg.Code == "428C9"):
		return false
	}
	t.Fatalf("%s: %v", sql, err)
	return false
}

func TestRowLevelSecurityMatrix(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	people, tables := rlsMatrix(t, db)
	inMatrixTx(t, db, func(tx pgx.Tx) {
		for _, line := range tryMatrix(t, tx, people, tables, false) {
			t.Error(line)
		}
	})
}

// TestEachPolicyMatters weakens and drops each policy in turn: a matrix that stays green then proves nothing.
func TestEachPolicyMatters(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	people, tables := rlsMatrix(t, db)
	rows, _ := db.Owner.Query(ctx, `
		SELECT tablename || '.' || policyname, format('ALTER POLICY %I ON %I ', policyname, tablename)
			|| CASE WHEN qual IS NOT NULL THEN 'USING (true) ' ELSE '' END
			|| CASE WHEN with_check IS NOT NULL THEN 'WITH CHECK (true)' ELSE '' END,
			format('DROP POLICY %I ON %I', policyname, tablename)
		FROM pg_policies WHERE schemaname = 'public' AND 'authenticated' = ANY (roles) ORDER BY 1`)
	type policy struct{ Name, Weaken, Drop string }
	policies, err := pgx.CollectRows(rows, pgx.RowToStructByPos[policy])
	if err != nil || len(policies) < 20 {
		t.Fatalf("%d policies: %v", len(policies), err)
	}
	for _, p := range policies {
		for _, change := range []string{p.Weaken, p.Drop} {
			inMatrixTx(t, db, func(tx pgx.Tx) {
				if _, err := tx.Exec(ctx, change); err != nil {
					t.Fatalf("%s: %v", change, err)
				}
				if len(tryMatrix(t, tx, people, tables, true)) == 0 {
					t.Errorf("after %q every answer is still right", change)
				}
			})
		}
	}
}

func inMatrixTx(t *testing.T, db *storetest.DB, f func(tx pgx.Tx)) {
	t.Helper()
	ctx := context.Background()
	tx, err := db.Owner.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(ctx)
	f(tx)
}

func TestEveryTableIsForcedAndInTheMatrix(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	_, tables := rlsMatrix(t, db)
	rows, _ := db.Owner.Query(ctx, `
		SELECT relname, relrowsecurity AND relforcerowsecurity FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')`)
	var name string
	var forced bool
	found := 0
	if _, err := pgx.ForEachRow(rows, []any{&name, &forced}, func() error {
		found++
		if !forced {
			t.Errorf("%s has no forced row-level security", name)
		}
		if _, listed := tables[name]; !listed {
			t.Errorf("%s has no row in the matrix", name)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if found != len(tables) {
		t.Errorf("%d tables, %d in the matrix", found, len(tables))
	}
	rows, _ = db.Owner.Query(ctx, `
		SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE p.prosecdef AND n.nspname IN ('public', 'auth', 'tickets', 'live', 'search')
		  AND NOT coalesce(p.proconfig, '{}') @> ARRAY['search_path=""']`)
	loose, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(loose) > 0 {
		t.Errorf("SECURITY DEFINER without a pinned search_path: %v %v", loose, err)
	}
}

func TestSecretsAndIdentityAreOutOfReach(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), storetest.New(t)
	admin := db.Person(t, store.Admin, "ada@example.com")
	inMatrixTx(t, db, func(tx pgx.Tx) {
		for _, sql := range []string{
			`SELECT password_hash FROM users`, `SELECT token_hash FROM sessions`, `SELECT data FROM sessions`,
			`SELECT token_hash FROM invitations`, `SELECT changes FROM events`, `SELECT epoch FROM event_epochs`, `SELECT id FROM live.events_0`,
			`SELECT place FROM live.event_commits_0`, `SELECT live.forget_events(now())`, `UPDATE users SET password_hash = ''`,
			`UPDATE tickets SET client_id = gen_random_uuid()`, `UPDATE tickets SET seq = 0`, `SELECT live.touch_tickets(NULL, NULL)`,
			`SELECT public.custom_access_token_hook('{}')`,
		} {
			if rlsAffects(t, tx, admin, sql, nil) {
				t.Errorf("an admin may: %s", sql)
			}
		}
	})
	// A query that forgets to say for whom it asks fails, on a fresh connection and on a used one.
	conn, err := pgx.Connect(ctx, db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	for range 2 {
		var pg *pgconn.PgError
		if _, err := conn.Exec(ctx, `SELECT id FROM tickets`); !errors.As(err, &pg) || pg.Code != "42501" {
			t.Errorf("without a role: %v, want permission denied", err)
		}
		tx, _ := conn.Begin(ctx)
		if err := tx.QueryRow(ctx, `SELECT set_config('request.jwt.claims', $1, true), set_config('role', 'authenticated', true)`, string(admin.Claims)).Scan(new(string), new(string)); err != nil {
			t.Fatal(err)
		}
		tx.Commit(ctx)
	}
}
