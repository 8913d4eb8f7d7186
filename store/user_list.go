package store

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// UserFilter narrows the list of people; a zero field does not.
type UserFilter struct {
	Role     Role
	Inactive bool   // only who is deactivated
	Search   string // part of the name or the address
	After    string // a page's Next
	Before   string // a page's Previous
	Limit    int    // PageSize where 0
}

// UserPage is a piece of the list, by name. Next and Previous are "" at its ends.
type UserPage struct {
	Users    []User
	Next     string
	Previous string
	Version  int64 // of the topic "users"
}

// Users lists the people the actor may see, a page at a time. An unknown role or a damaged page key is *Invalid.
func (s *Store) Users(ctx context.Context, actor Actor, filter UserFilter) (page UserPage, err error) {
	defer wrap(&err, "Users")
	window, err := newListWindow(filter.After, filter.Before, filter.Limit)
	if err != nil {
		return UserPage{}, err
	}
	if filter.Role != "" && !filter.Role.Valid() {
		return UserPage{}, invalid("role", "There is no role %q.", filter.Role)
	}
	beyond, order := `>`, `ASC`
	if window.backward {
		beyond, order = `<`, `DESC`
	}
	type row struct {
		User
		SortKey string
	}
	var rows []row
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if page.Version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		// The page is cut first, then its people's tickets are counted: not everybody's.
		rows, err = all[row](tx.Query(ctx, `
			WITH p AS (
				SELECT *, lower(full_name) AS sort_key
				FROM (SELECT id, email, full_name, user_role, active, last_seen_at, created_at FROM users) u
				WHERE id `+noProbe+`
				  AND (@role = '' OR user_role = @role)
				  AND (NOT @inactive OR NOT active)
				  AND (@search = '' OR strpos(lower(full_name), lower(@search)) > 0 OR strpos(lower(email), lower(@search)) > 0)
				  AND (NOT @given OR (lower(full_name), id) `+beyond+` (@key, @id))
				ORDER BY lower(full_name) `+order+`, id `+order+`
				LIMIT @limit)
			SELECT `+userColumns+`, p.sort_key FROM p ORDER BY p.sort_key `+order+`, p.id `+order,
			pgx.StrictNamedArgs{
				"role":     filter.Role,
				"inactive": filter.Inactive,
				"search":   cleanSearch(filter.Search),
				"given":    window.given,
				"key":      window.key.Key,
				"id":       window.key.ID,
				"limit":    window.limit + 1,
			}))
		return err
	})
	if err != nil {
		return UserPage{}, err
	}
	rows, page.Next, page.Previous = cutList(window, rows, func(r row) listKey { return listKey{Key: r.SortKey, ID: r.ID} })
	for _, r := range rows {
		page.Users = append(page.Users, r.User)
	}
	return page, nil
}

// Assignee is somebody who can be given tickets.
type Assignee struct {
	ID          uuid.UUID
	FullName    string
	Role        Role `db:"user_role"`
	OpenTickets int
}

// Assignable lists the active agents and admins, by name, with their load. A deactivated person keeps the
// tickets that they were left with, but gets no more.
func (s *Store) Assignable(ctx context.Context, actor Actor) (assignees []Assignee, err error) {
	defer wrap(&err, "Assignable")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		assignees, err = all[Assignee](tx.Query(ctx, `
			SELECT p.id, p.full_name, p.user_role, count(t.agent_id) AS open_tickets
			FROM users p
			LEFT JOIN tickets t ON t.agent_id = p.id AND t.status IN ('new', 'open', 'pending', 'on_hold')
			WHERE p.active AND p.user_role IN ('agent', 'admin') AND p.id `+noProbe+`
			GROUP BY p.id, p.full_name, p.user_role
			ORDER BY lower(p.full_name), p.id`))
		return err
	})
	return assignees, err
}
