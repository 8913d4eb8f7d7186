package store

import (
	"context"
	"errors"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// LinkKind is how two tickets belong together.
type LinkKind string

// The kinds, as ticket_links.kind has them. But for LinkRelated they have a direction: one ticket is a duplicate of
// the other, its parent, or what it was split off from.
const (
	LinkRelated   LinkKind = "related"
	LinkDuplicate LinkKind = "duplicate"
	LinkParent    LinkKind = "parent"
	LinkSplit     LinkKind = "split"
)

// LinkRole is what another ticket is to this one: a kind with its direction, as a person chooses it.
type LinkRole string

// What can be chosen. A split makes its own link.
const (
	RoleRelated     LinkRole = "related"
	RoleDuplicateOf LinkRole = "duplicate-of"
	RoleDuplicate   LinkRole = "duplicate"
	RoleParent      LinkRole = "parent"
	RoleChild       LinkRole = "child"
)

// LinkRoles lists every role in the order of a choice.
var LinkRoles = []LinkRole{RoleRelated, RoleDuplicateOf, RoleDuplicate, RoleParent, RoleChild}

// Label says what the other ticket is to this one.
func (r LinkRole) Label() string {
	switch r {
	case RoleDuplicateOf:
		return "Duplicate of"
	case RoleDuplicate:
		return "Duplicated by"
	case RoleParent:
		return "Parent"
	case RoleChild:
		return "Child"
	}
	return "Related to"
}

// stored is the kind, and whether this ticket is the link's from.
func (r LinkRole) stored() (kind LinkKind, outward bool) {
	switch r {
	case RoleDuplicateOf:
		return LinkDuplicate, true
	case RoleDuplicate:
		return LinkDuplicate, false
	case RoleParent:
		return LinkParent, false
	case RoleChild:
		return LinkParent, true
	}
	return LinkRelated, true
}

// TicketLink is another ticket and how it belongs to this one.
type TicketLink struct {
	ID      uuid.UUID
	Kind    LinkKind
	Outward bool // this ticket is the link's from
	Number  int64
	Subject string
	Status  Status
}

// Label says what the other ticket is to this one.
func (l TicketLink) Label() string {
	switch {
	case l.Kind == LinkSplit && l.Outward:
		return "Split off"
	case l.Kind == LinkSplit:
		return "Split off from"
	}
	for _, role := range LinkRoles {
		if kind, outward := role.stored(); kind == l.Kind && (outward == l.Outward || kind == LinkRelated) {
			return role.Label()
		}
	}
	return "Related to"
}

// LinksTopic names the topic of a ticket's links, which only staff are told.
func LinksTopic(number int64) string { return "links-" + TicketTopic(number)[len("ticket-"):] }

// Link says that other is, to the ticket, what role says. What cannot be is *Invalid (other or role): the ticket
// itself, one that is linked already, a second parent, a circle. Only staff may: for a client it is ErrForbidden.
func (s *Store) Link(ctx context.Context, actor Actor, number, other int64, role LinkRole) (err error) {
	defer wrap(&err, "Link(%d, %d)", number, other)
	if !actor.Role.Staff() {
		return ErrForbidden
	}
	if !slices.Contains(LinkRoles, role) {
		return invalid("role", "Choose how the two belong together.")
	}
	if number == other {
		return invalid("other", "A ticket cannot be linked to itself.")
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		tickets, err := lockNumbered(ctx, tx, number, other)
		if err != nil {
			return err
		}
		ticket, here := tickets[number]
		linked, there := tickets[other]
		switch {
		case !here:
			return ErrNotFound
		case !there:
			return invalid("other", "There is no ticket #%d.", other)
		case ticket.MergedInto != 0:
			return mergedInto("other", ticket)
		case linked.MergedInto != 0:
			return invalid("other", "#%d was merged into #%d. Link that one.", other, linked.MergedInto)
		}
		kind, outward := role.stored()
		from, to := ticket, linked
		if !outward {
			from, to = linked, ticket
		}
		_, err = tx.Exec(ctx, `INSERT INTO ticket_links (from_id, to_id, kind, created_by) VALUES ($1, $2, $3, $4)`,
			from.ID, to.ID, kind, actor.UserID)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) {
			return err
		}
		switch pg.ConstraintName {
		case "ticket_links_pair_key":
			return invalid("other", "#%d is linked already. Remove that link first.", other)
		case "ticket_links_parent_key":
			return invalid("other", "#%d has a parent already. Remove that link first.", to.Number)
		case "ticket_links_circle":
			return invalid("other", "#%d already stands above #%d; the two cannot be each other's parent.", to.Number, from.Number)
		}
		return err
	})
}

// Unlink takes a link of the ticket away; one that is gone changes nothing.
func (s *Store) Unlink(ctx context.Context, actor Actor, number int64, id uuid.UUID) (err error) {
	defer wrap(&err, "Unlink(%d)", number)
	if !actor.Role.Staff() {
		return ErrForbidden
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		var there int64
		err := tx.QueryRow(ctx, `
			SELECT o.number FROM ticket_links l
			JOIN tickets t ON t.id IN (l.from_id, l.to_id) JOIN tickets o ON o.id IN (l.from_id, l.to_id) AND o.id <> t.id
			WHERE l.id = $1 AND t.number = $2`, id, number).Scan(&there)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := lockNumbered(ctx, tx, number, there); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM ticket_links WHERE id = $1`, id)
		return err
	})
}

// Links lists what is linked to the ticket, and the version of the topic LinksTopic. For a client there are none.
func (s *Store) Links(ctx context.Context, actor Actor, number int64) (links []TicketLink, version int64, err error) {
	defer wrap(&err, "Links(%d)", number)
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		links, err = all[TicketLink](tx.Query(ctx, linksOf, number))
		return err
	})
	return links, version, err
}

const linksOf = `
	SELECT l.id, l.kind, l.from_id = t.id AS outward, o.number, o.subject, o.status
	FROM tickets t
	JOIN ticket_links l ON l.from_id = t.id OR l.to_id = t.id
	JOIN tickets o ON o.id = CASE WHEN l.from_id = t.id THEN l.to_id ELSE l.from_id END
	WHERE t.number = $1
	ORDER BY l.kind DESC, l.created_at LIMIT 50`
