package store

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// QueryChoices are whom and what the lists of the desk can be narrowed to by choosing: the active staff by name, and
// the tags, at most 200.
type QueryChoices struct {
	People []QueryPerson
	Tags   []string
}

// QueryPerson is a person as a query names them: by address, which is nobody else's.
type QueryPerson struct{ Name, Email string }

// QueryChoices returns them. Customers have none.
func (s *Store) QueryChoices(ctx context.Context, actor Actor) (choices QueryChoices, err error) {
	defer wrap(&err, "QueryChoices")
	if !actor.Role.Staff() {
		return choices, nil
	}
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		batch.Queue(`
			SELECT full_name AS name, email FROM users
			WHERE active AND user_role IN ('agent', 'admin') AND id ` + noProbe + ` ORDER BY lower(full_name), id`).
			Query(func(rows pgx.Rows) (err error) {
				choices.People, err = all[QueryPerson](rows, nil)
				return err
			})
		batch.Queue(`SELECT name FROM tags ORDER BY name LIMIT 200`).Query(func(rows pgx.Rows) (err error) {
			choices.Tags, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		return tx.SendBatch(ctx, batch).Close()
	})
	return choices, err
}
