package store

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Tag is a tag as the page of all of them shows it.
type Tag struct {
	ID   uuid.UUID
	Name string
	Hue  int
	// Tickets is how many have it, or TagCountLimit+1 where they are more than TagCountLimit.
	Tickets int
}

// TagCountLimit is how far the tickets of a tag are counted.
const TagCountLimit = 1000

// TagPage is all tags by name. Version is that of the topic "tags".
type TagPage struct {
	Tags    []Tag
	Version int64
}

const tagColumns = `
	SELECT g.id, g.name, g.hue,
	       (SELECT count(*) FROM (SELECT FROM ticket_tags x WHERE x.tag_id = g.id LIMIT $1) x)::int AS tickets
	FROM tags g`

// Tags lists all tags for staff.
func (s *Store) Tags(ctx context.Context, actor Actor) (page TagPage, err error) {
	defer wrap(&err, "Tags")
	if !actor.Role.Staff() {
		return page, ErrForbidden
	}
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if page.Version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		page.Tags, err = all[Tag](tx.Query(ctx, tagColumns+` ORDER BY g.name LIMIT 2000`, TagCountLimit+1))
		return err
	})
	return page, err
}

// ChangeTag gives a tag another name and colour. A name that cannot be one, or that another tag has, is
// *Invalid (name). The tickets that have it show it so from then on.
func (s *Store) ChangeTag(ctx context.Context, actor Actor, id uuid.UUID, name string, hue int) (err error) {
	defer wrap(&err, "ChangeTag(%s)", id)
	name, ok := tagName(name)
	if !ok {
		return invalid("name", "%s", tagRule)
	}
	if hue < 0 || hue >= TagHues {
		return invalid("hue", "Choose one of the colours.")
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, `UPDATE tags SET name = $2, hue = $3 WHERE id = $1`, id, name, hue)
		var pg *pgconn.PgError
		switch {
		case errors.As(err, &pg) && pg.ConstraintName == "tags_name_key":
			return invalid("name", "There is a tag %s already. To make one of the two, merge them.", name)
		case errors.As(err, &pg) && pg.ConstraintName == "tags_name_check":
			return invalid("name", "%s", tagRule)
		case err != nil:
			return err
		case done.RowsAffected() == 0:
			return ErrNotFound
		}
		return nil
	})
}

// MergeTags makes one tag of two: every ticket with the tag id has the one of the name into instead, and id is gone.
// Where there is no such other tag it is *Invalid (into).
func (s *Store) MergeTags(ctx context.Context, actor Actor, id uuid.UUID, into string) (err error) {
	defer wrap(&err, "MergeTags(%s)", id)
	into, _ = tagName(into)
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT FROM tags WHERE id = $1 FOR UPDATE`, id).Scan(); err != nil {
			return err
		}
		var target uuid.UUID
		err := tx.QueryRow(ctx, `SELECT id FROM tags WHERE name = $1 AND id <> $2 FOR KEY SHARE`, into, id).Scan(&target)
		if errors.Is(err, pgx.ErrNoRows) {
			return invalid("into", "Name the other tag that stays.")
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `SELECT tickets.merge_tags($1, $2)`, id, target)
		return err
	})
}

// DeleteTag takes a tag off every ticket and forgets it.
func (s *Store) DeleteTag(ctx context.Context, actor Actor, id uuid.UUID) (err error) {
	defer wrap(&err, "DeleteTag(%s)", id)
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		done, err := tx.Exec(ctx, `DELETE FROM tags WHERE id = $1`, id)
		if err == nil && done.RowsAffected() == 0 {
			return ErrNotFound
		}
		return err
	})
}
