package store

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// View is a list of tickets under a name: one that every desk has, or one that somebody keeps.
type View struct {
	ID        uuid.UUID // of a kept one; zero for those that every desk has
	OwnerID   uuid.UUID
	OwnerName string
	Name      string
	Q         string // its query's text; what it means is found out when it is asked
	Sort      string
	Columns   string // shown, with commas between; "": the usual ones
	Density   string // comfortable, compact or ""
	Shared    bool   // everybody of the staff has it
	Path      string `db:"-"` // its address
}

// BuiltInViews are what every desk has, in the order they are shown. Snoozed tickets are in none that asks for work.
var BuiltInViews = []View{
	{Name: "Unassigned", Q: "status:active assignee:none -is:snoozed", Sort: "priority", Path: "/queue"},
	{Name: "Mine", Q: "status:active assignee:me -is:snoozed", Path: "/my-tickets"},
	{Name: "Unanswered", Q: "is:unanswered -is:snoozed", Sort: "waiting"},
	{Name: "Waiting for customer", Q: "status:pending"},
	{Name: "Snoozed", Q: "is:snoozed"},
	{Name: "Recently resolved", Q: "resolved:7d", Sort: "resolved"},
	{Name: "All tickets", Path: "/tickets"},
}

// MayChange says whether the actor may change or delete the view: its owner, and of a shared one an admin.
func (v View) MayChange(actor Actor) bool {
	return v.ID != noID && (v.OwnerID == actor.UserID || v.Shared && actor.Role == Admin)
}

const viewColumns = `
	SELECT v.id, v.owner_id, coalesce(u.full_name, '') AS owner_name, v.name, v.q, v.sort, v.columns, v.density, v.shared
	FROM views v LEFT JOIN users u ON u.id = v.owner_id`

// viewPath is where a kept view is.
func viewPath(id uuid.UUID) string { return "/views/" + id.String() }

// Views lists the kept views that the actor has, shared ones first, by name: at most 200.
func (s *Store) Views(ctx context.Context, actor Actor) (views []View, err error) {
	defer wrap(&err, "Views")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		views, err = all[View](tx.Query(ctx, viewColumns+` ORDER BY v.shared DESC, lower(v.name), v.id LIMIT 200`))
		return err
	})
	for i := range views {
		views[i].Path = viewPath(views[i].ID)
	}
	return views, err
}

// View returns a kept view. One that the actor does not have is ErrNotFound.
func (s *Store) View(ctx context.Context, actor Actor, id uuid.UUID) (view View, err error) {
	defer wrap(&err, "View(%s)", id)
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		view, err = one[View](tx.Query(ctx, viewColumns+` WHERE v.id = $1`, id))
		return err
	})
	view.Path = viewPath(id)
	return view, err
}

// check judges what a form says of a view. Names in the query are not looked at: they may come to mean something.
func (v *View) check(actor Actor) error {
	v.Name = strings.Join(strings.Fields(v.Name), " ")
	query, err := ParseQuery(actor.Role, v.Q)
	switch {
	case v.Name == "":
		return invalid("name", "Give the view a name.")
	case utf8.RuneCountInString(v.Name) > 60:
		return invalid("name", "A name has at most 60 characters.")
	case err != nil:
		return err
	case v.Sort != "" && !TicketSort(v.Sort).Valid() || !query.sortable(strings.TrimPrefix(v.Sort, "-")):
		return invalid("sort", "This list cannot be sorted so.")
	case len(v.Columns) > 200:
		return invalid("columns", "These are too many columns.")
	case v.Density != "" && v.Density != "compact" && v.Density != "comfortable":
		return invalid("density", "Rows can be comfortable or compact.")
	}
	v.Q = query.String()
	return nil
}

// KeepView keeps a list under a name, for the actor or, shared, for all staff. What is wrong with it is *Invalid.
func (s *Store) KeepView(ctx context.Context, actor Actor, view View) (id uuid.UUID, err error) {
	defer wrap(&err, "KeepView")
	if !actor.Role.Staff() {
		return id, ErrForbidden
	}
	if err := view.check(actor); err != nil {
		return id, err
	}
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			INSERT INTO views (owner_id, name, q, sort, columns, density, shared)
			VALUES (@id, @name, @q, @sort, @columns, @density, @shared) RETURNING id`, view.args(actor.UserID)).Scan(&id)
	})
	return id, err
}

// ChangeView makes the view with view's ID what view says. One that is not the actor's to change is ErrForbidden;
// what is wrong with it is *Invalid.
func (s *Store) ChangeView(ctx context.Context, actor Actor, view View) (err error) {
	defer wrap(&err, "ChangeView(%s)", view.ID)
	if err := view.check(actor); err != nil {
		return err
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		if err := lockView(ctx, tx, actor, view.ID, view.Shared); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			UPDATE views SET name = @name, q = @q, sort = @sort, columns = @columns, density = @density, shared = @shared, updated_at = now()
			WHERE id = @id`, view.args(view.ID))
		return err
	})
}

// DeleteView deletes a view. One that is not the actor's to delete is ErrForbidden.
func (s *Store) DeleteView(ctx context.Context, actor Actor, id uuid.UUID) (err error) {
	defer wrap(&err, "DeleteView(%s)", id)
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		if err := lockView(ctx, tx, actor, id, true); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM views WHERE id = $1`, id)
		return err
	})
}

// lockView locks a view that the actor may change. An admin may not take another's view from everybody by making it
// private.
func lockView(ctx context.Context, tx pgx.Tx, actor Actor, id uuid.UUID, shared bool) error {
	view, err := one[View](tx.Query(ctx, viewColumns+` WHERE v.id = $1`, id))
	if err != nil {
		return err
	}
	if !view.MayChange(actor) || view.OwnerID != actor.UserID && !shared {
		return ErrForbidden
	}
	_, err = tx.Exec(ctx, `SELECT FROM views WHERE id = $1 FOR UPDATE`, id)
	return err
}

// args are the columns of the view, and the id that the statement is about.
func (v View) args(id uuid.UUID) pgx.StrictNamedArgs {
	return pgx.StrictNamedArgs{"id": id, "name": v.Name, "q": v.Q, "sort": v.Sort, "columns": v.Columns,
		"density": v.Density, "shared": v.Shared}
}
