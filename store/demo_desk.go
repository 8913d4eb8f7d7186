package store

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// demoTag is a tag of the story; words are those of a subject that bears it.
type demoTag struct {
	name  string
	hue   int
	words []string
}

var demoTags = []demoTag{
	{"printing", 5, []string{"printer", "copier", "toner", "scanner", "plotter", "pens"}},
	{"billing", 2, []string{"invoice", "invoices", "bill", "debit", "vat"}},
	{"furniture", 3, []string{"desk", "chair", "chairs", "shelf", "cabinet", "cabinets", "table"}},
	{"network", 6, []string{"wi-fi", "offline", "server", "access"}},
	{"safety", 0, []string{"burning"}},
}

func (t demoTag) fits(subject string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(subject), func(r rune) bool { return strings.ContainsRune(" :,?.\"", r) }),
		func(word string) bool { return slices.Contains(t.words, word) })
}

// demoMacro is kept by somebody for all, or for themselves. assign is as macros have it.
type demoMacro struct {
	owner, name, shortcut string
	shared                bool
	reply                 string
	status                any
	assign                string
	tags                  []string
}

var demoMacros = []demoMacro{
	{"ada", "Ask for the serial number", "serial", true,
		"Hello {{customer.first_name}},\n\nthank you for writing. Could you send us the serial number? It stands on the sticker at the back, below the bar code.\n\nKind regards\n{{agent.name}}",
		StatusPending, "", nil},
	{"ada", "Thank and close", "thanks", true,
		"Glad that it works again, {{customer.first_name}}. We close #{{ticket.number}} now; answering it opens it again.\n\nKind regards\n{{agent.name}}",
		StatusResolved, "", nil},
	{"ada", "Hand to billing", "billing", true, "", nil, "nobody", []string{"billing"}},
	{"ana", "Technician tomorrow", "tech", false, "A technician comes tomorrow between 8 and 12. Somebody must be there to let them in.", nil, "me", nil},
}

var demoViews = []struct {
	owner, name, q string
	shared         bool
}{
	{"ada", "Urgent and open", "status:active priority:urgent", true},
	{"ada", "Printing, unanswered", "tag:printing is:unanswered", true},
	{"ana", "Mine on hold", "assignee:me status:on_hold", false},
}

// furnishDemo puts into the demo what a desk that is weeks old has: macros, views, and notifications that were read.
func furnishDemo(ctx context.Context, tx pgx.Tx, ids map[string]uuid.UUID) error {
	batch := &pgx.Batch{}
	for _, m := range demoMacros {
		batch.Queue(`
			INSERT INTO macros (owner_id, name, shortcut, shared, reply, status, assign, add_tags)
			VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8::text[], '{}'))`,
			ids[m.owner], m.name, m.shortcut, m.shared, m.reply, m.status, m.assign, m.tags)
	}
	for _, v := range demoViews {
		batch.Queue(`INSERT INTO views (owner_id, name, q, shared) VALUES ($1, $2, $3, $4)`, ids[v.owner], v.name, v.q, v.shared)
	}
	// Told as today's, tags would stand in all timelines as put on a moment ago, by nobody.
	batch.Queue(`
		UPDATE ticket_activities a SET created_at = t.created_at, user_id = coalesce(t.agent_id, $1)
		FROM tickets t WHERE t.id = a.ticket_id AND a.activity_type = 'tag_change'`, ids["ada"])
	batch.Queue(`UPDATE tickets t SET updated_at = last.at FROM (
		SELECT ticket_id, max(created_at) AS at FROM ticket_activities GROUP BY ticket_id) last WHERE last.ticket_id = t.id`)
	// The agents of the story took their tickets themselves.
	batch.Queue(`DELETE FROM notifications WHERE kind = 'assigned'`)
	batch.Queue(`UPDATE notifications SET read_at = created_at WHERE created_at < now() - interval '12 hours'`)
	return tx.SendBatch(ctx, batch).Close()
}
