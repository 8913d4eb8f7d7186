package store

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Macro is words and changes that are used again and again: private to its owner, or shared by all staff. One that
// only writes is what people call a template.
type Macro struct {
	ID           uuid.UUID
	OwnerID      uuid.UUID
	OwnerName    string
	Name         string
	Shortcut     string // what one may type to find it; "" is none
	Shared       bool
	Reply        string // Markdown with placeholders; "" says nothing
	Note         string // the same, for colleagues
	Status       Status // zero values change nothing
	Priority     Priority
	Assign       Assign
	AssigneeID   *uuid.UUID
	AssigneeName string
	AddTags      []string
	RemoveTags   []string
	Uses         int64
	UpdatedAt    time.Time
	Missing      []string // in sentences: what it names and is not there any more
}

// Change is what the macro does to a ticket.
func (m Macro) Change() Change {
	return Change{Status: m.Status, Priority: m.Priority, Assign: m.Assign, Assignee: m.AssigneeID, AssigneeName: m.AssigneeName,
		AddTags: m.AddTags, RemoveTags: m.RemoveTags, Reply: m.Reply, Note: m.Note, Macro: &m.ID, MacroName: m.Name}
}

// WritesOnly says whether the macro is a template: a text, and nothing that it changes.
func (m Macro) WritesOnly() bool { return !m.Change().setsFields() }

// MayChange says whether the actor may change or delete the macro.
func (m Macro) MayChange(actor Actor) bool {
	return m.OwnerID == actor.UserID || m.Shared && actor.Role == Admin
}

const (
	// MaxMacroText bounds each text of a macro, in characters; MaxMacroName its name.
	MaxMacroText = 20000
	MaxMacroName = 80
)

var macroShortcut = regexp.MustCompile(`^[a-z0-9_-]{0,20}$`)

// check mends what can be mended and says what is wrong, by field.
func (m *Macro) check() error {
	wrong := map[string]string{}
	m.Name, m.Reply, m.Note = cleanLine(m.Name), cleanText(m.Reply), cleanText(m.Note)
	m.Shortcut = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(m.Shortcut), "/"))
	m.AddTags, m.RemoveTags = SplitTags(m.AddTags), SplitTags(m.RemoveTags)
	switch {
	case m.Name == "":
		wrong["name"] = "Give it a name."
	case tooLong(m.Name, MaxMacroName):
		wrong["name"] = "Use at most 80 characters."
	}
	if !macroShortcut.MatchString(m.Shortcut) {
		wrong["shortcut"] = "Use up to 20 letters, digits, - and _."
	}
	for field, text := range map[string]string{"reply": m.Reply, "note": m.Note} {
		if tooLong(text, MaxMacroText) {
			wrong[field] = "Use at most 20,000 characters."
		} else if words := checkPlaceholders(text); words != "" {
			wrong[field] = words
		}
	}
	if m.Status != "" && (!m.Status.Valid() || m.Status == StatusNew) {
		wrong["status"] = "Choose one of the statuses."
	}
	if m.Priority != "" && !m.Priority.Valid() {
		wrong["priority"] = "Choose one of the priorities."
	}
	switch m.Assign {
	case AssignKeep, AssignMe, AssignNobody:
		m.AssigneeID = nil
	case AssignPerson:
		if m.AssigneeID == nil {
			wrong["assignee"] = "Choose somebody who works on tickets."
		}
	default:
		wrong["assignee"] = "Choose one of the list."
	}
	for _, name := range m.AddTags {
		if slices.Contains(m.RemoveTags, name) {
			wrong["remove_tags"] = "It cannot add and remove the same tag."
		}
	}
	if len(wrong) == 0 && m.Change().IsZero() {
		wrong["reply"] = "Write a text, or choose something to change."
	}
	if len(wrong) > 0 {
		return &Invalid{Fields: wrong}
	}
	return nil
}

// SplitTags reads the names of tags as people write them: one or several to an entry, with commas and blanks between.
func SplitTags(entries []string) []string {
	names := []string{}
	for _, entry := range entries {
		for _, name := range strings.FieldsFunc(strings.ToLower(cleanLine(entry)), func(r rune) bool { return r == ',' || r == ' ' || r == '#' }) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

const macroColumns = `
	SELECT
		m.id,
		m.owner_id,
		coalesce(o.full_name, '') AS owner_name,
		m.name,
		m.shortcut,
		m.shared,
		m.reply,
		m.note,
		coalesce(m.status, '') AS status,
		coalesce(m.priority, '') AS priority,
		m.assign,
		m.assignee_id,
		coalesce(p.full_name, '') AS assignee_name,
		m.add_tags,
		m.remove_tags,
		m.uses,
		m.updated_at,
		array_remove(array[
			CASE WHEN m.assign = 'person' AND NOT coalesce(p.active AND p.user_role IN ('agent', 'admin'), false)
				THEN coalesce(p.full_name, 'Who should get it') || ' no longer works on tickets.' END]
			|| ARRAY(SELECT 'There is no tag “' || g.name || '” any more.' FROM unnest(m.add_tags || m.remove_tags) g (name)
				WHERE NOT EXISTS (SELECT FROM tags t WHERE t.name = g.name)), NULL) AS missing
	FROM macros m
	LEFT JOIN users o ON o.id = m.owner_id
	LEFT JOIN users p ON p.id = m.assignee_id`

// macroOrder puts the most used first.
const macroOrder = ` ORDER BY m.uses DESC, lower(m.name), m.id`

// Macros lists the macros that the actor may use, the most used first. version is that of the topic "macros".
func (s *Store) Macros(ctx context.Context, actor Actor) (macros []Macro, version int64, err error) {
	defer wrap(&err, "Macros")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		macros, err = all[Macro](tx.Query(ctx, macroColumns+macroOrder))
		return err
	})
	return macros, version, err
}

// mostTemplates is how many templates are offered at once.
const mostTemplates = 20

// Templates lists the macros whose reply or, where internal, note holds words, and whose shortcut, name or text has
// every word of search: those whose shortcut is meant first, then the most used. The texts are filled for the ticket.
// A ticket that the actor may not see is ErrNotFound.
func (s *Store) Templates(ctx context.Context, actor Actor, number int64, internal bool, search string) (macros []Macro, err error) {
	defer wrap(&err, "Templates(%d)", number)
	if !actor.Role.Staff() {
		return nil, ErrForbidden
	}
	words := strings.Fields(strings.ToLower(strings.TrimPrefix(cleanSearch(search), "/")))
	for i, word := range words {
		words[i] = "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(word) + "%"
	}
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		ticket, err := findTicket(ctx, tx, number)
		if err != nil {
			return err
		}
		macros, err = all[Macro](tx.Query(ctx, macroColumns+`
			WHERE (CASE WHEN @internal THEN m.note ELSE m.reply END) <> ''
			  AND (m.shortcut || ' ' || lower(m.name) || ' ' || lower(m.reply || ' ' || m.note)) LIKE ALL (@words::text[])
			ORDER BY (m.shortcut <> '' AND m.shortcut LIKE @start) DESC, (lower(m.name) LIKE @start) DESC, m.uses DESC, lower(m.name), m.id
			LIMIT @most`, pgx.StrictNamedArgs{"internal": internal, "words": words, "start": strings.TrimPrefix(strings.Join(words, " "), "%"),
			"most": mostTemplates}))
		for i := range macros {
			filled := Placeholders{Customer: ticket.ClientName, Number: ticket.Number, Subject: ticket.Subject, Agent: actor.Name}
			macros[i].Reply, macros[i].Note = Fill(macros[i].Reply, filled), Fill(macros[i].Note, filled)
		}
		return err
	})
	return macros, err
}

// Macro returns one macro; one that the actor may not use is ErrNotFound.
func (s *Store) Macro(ctx context.Context, actor Actor, id uuid.UUID) (macro Macro, err error) {
	defer wrap(&err, "Macro")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		macro, err = findMacro(ctx, tx, id)
		return err
	})
	return macro, err
}

func findMacro(ctx context.Context, tx pgx.Tx, id uuid.UUID) (Macro, error) {
	return one[Macro](tx.Query(ctx, macroColumns+` WHERE m.id = $1`, id))
}

// CreateMacro makes a macro of the actor's. What is wrong with it is *Invalid (name, shortcut, reply, note, status,
// priority, assignee, add_tags, remove_tags). Only staff may.
func (s *Store) CreateMacro(ctx context.Context, actor Actor, macro Macro) (id uuid.UUID, err error) {
	defer wrap(&err, "CreateMacro")
	if !actor.Role.Staff() {
		return id, ErrForbidden
	}
	if err := macro.check(); err != nil {
		return id, err
	}
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		if err := macro.checkNames(ctx, tx, actor); err != nil {
			return err
		}
		args := macro.args()
		args["owner"] = actor.UserID
		return tx.QueryRow(ctx, `
			INSERT INTO macros (owner_id, name, shortcut, shared, reply, note, status, priority, assign, assignee_id, add_tags, remove_tags)
			VALUES (@owner, @name, @shortcut, @shared, @reply, @note, nullif(@status, ''), nullif(@priority, ''), @assign, @assignee, @add, @remove)
			RETURNING id`, args).Scan(&id)
	})
	return id, err
}

// ChangeMacro rewrites the macro: its owner may, and of a shared one admins too. Anybody else who may use it is
// ErrForbidden; only its owner may take it back from the others.
func (s *Store) ChangeMacro(ctx context.Context, actor Actor, macro Macro) (err error) {
	defer wrap(&err, "ChangeMacro")
	if err := macro.check(); err != nil {
		return err
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		if err := mayChangeMacro(ctx, tx, actor, macro.ID); err != nil {
			return err
		}
		if err := macro.checkNames(ctx, tx, actor); err != nil {
			return err
		}
		args := macro.args()
		args["id"] = macro.ID
		_, err := tx.Exec(ctx, `
			UPDATE macros SET name = @name, shortcut = @shortcut, shared = @shared, reply = @reply, note = @note,
				status = nullif(@status, ''), priority = nullif(@priority, ''), assign = @assign, assignee_id = @assignee,
				add_tags = @add, remove_tags = @remove, updated_at = now()
			WHERE id = @id`, args)
		return err
	})
}

// DeleteMacro deletes the macro; who may is as for ChangeMacro.
func (s *Store) DeleteMacro(ctx context.Context, actor Actor, id uuid.UUID) (err error) {
	defer wrap(&err, "DeleteMacro")
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		if err := mayChangeMacro(ctx, tx, actor, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM macros WHERE id = $1`, id)
		return err
	})
}

func mayChangeMacro(ctx context.Context, tx pgx.Tx, actor Actor, id uuid.UUID) error {
	macro, err := findMacro(ctx, tx, id)
	if err == nil && !macro.MayChange(actor) {
		err = ErrForbidden
	}
	return err
}

// checkNames says which person or tag the macro names wrongly.
func (m Macro) checkNames(ctx context.Context, tx pgx.Tx, actor Actor) error {
	for field, tags := range map[string][]string{"add_tags": m.AddTags, "remove_tags": m.RemoveTags} {
		if _, err := (Change{AddTags: tags}).ready(ctx, tx, actor); err != nil {
			return renamed(err, "tags", field)
		}
	}
	_, err := Change{Assign: m.Assign, Assignee: m.AssigneeID}.ready(ctx, tx, actor)
	return err
}

func (m Macro) args() pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{"name": m.Name, "shortcut": m.Shortcut, "shared": m.Shared, "reply": m.Reply, "note": m.Note,
		"status": m.Status, "priority": m.Priority, "assign": m.Assign, "assignee": m.AssigneeID, "add": m.AddTags, "remove": m.RemoveTags}
}

// CountUse notes that the macro was used once more, so that it is offered earlier.
func (s *Store) CountUse(ctx context.Context, actor Actor, id uuid.UUID) (err error) {
	defer wrap(&err, "CountUse")
	return s.as(ctx, actor, func(tx pgx.Tx) error { return countUse(ctx, tx, id) })
}

func countUse(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	_, err := tx.Exec(ctx, `SELECT tickets.use_macro($1)`, id)
	return err
}

// TagNames lists the names of all tags.
func (s *Store) TagNames(ctx context.Context, actor Actor) (names []string, err error) {
	defer wrap(&err, "TagNames")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT name FROM tags ORDER BY name`)
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return names, err
}
