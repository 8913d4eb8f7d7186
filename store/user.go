package store

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// User is a person as an admin sees it.
type User struct {
	ID          uuid.UUID
	Email       string
	FullName    string
	Role        Role `db:"user_role"`
	Active      bool
	LastSeenAt  *time.Time
	CreatedAt   time.Time
	OpenTickets int // assigned to them, where they work on tickets; asked by them, where they are a client
}

// userColumns reads a User from `users p`.
const userColumns = `
	p.id,
	p.email,
	p.full_name,
	p.user_role,
	p.active,
	p.last_seen_at,
	p.created_at,
	CASE WHEN p.user_role = 'client'
	     THEN (SELECT count(*) FROM tickets t WHERE t.client_id = p.id AND t.status IN ('new', 'open', 'pending', 'on_hold'))
	     ELSE (SELECT count(*) FROM tickets t WHERE t.agent_id = p.id AND t.status IN ('new', 'open', 'pending', 'on_hold'))
	END AS open_tickets`

// User returns one person whom the actor may see.
func (s *Store) User(ctx context.Context, actor Actor, id uuid.UUID) (user User, err error) {
	defer wrap(&err, "User(%s)", id)
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		user, err = userByID(ctx, tx, id)
		return err
	})
	return user, err
}

// RoleChange is what an admin decides about somebody's role.
type RoleChange struct {
	Seen        Role // the role the admin saw; "" does not care what it is now
	Next        Role
	KeepTickets bool // whoever stops working on tickets keeps the open ones instead of giving them back
}

// ChangeRole makes somebody a client, an agent or an admin. Only an admin may; the last active admin stays one
// (*Invalid); where the role is not the one seen any more it is a *Conflict. It takes effect on the person's
// next request, and ends their streams.
//
// An agent or admin who becomes a client gives the open tickets back to the queue, unless KeepTickets: left
// with somebody who cannot see them they would lie there unseen.
func (s *Store) ChangeRole(ctx context.Context, actor Actor, id uuid.UUID, change RoleChange) (user User, err error) {
	defer wrap(&err, "ChangeRole(%s)", id)
	if !change.Next.Valid() {
		return User{}, invalid("role", "Choose a role: client, agent or admin.")
	}
	return s.changeUser(ctx, actor, id, func(tx pgx.Tx, now User) error {
		if now.Role == change.Next {
			return nil
		}
		if change.Seen != "" && change.Seen != now.Role {
			return &Conflict{now.FullName + " is " + now.Role.WithArticle() + " meanwhile. Look again, then choose."}
		}
		if _, err := tx.Exec(ctx, `UPDATE users SET user_role = $2 WHERE id = $1`, id, change.Next); err != nil {
			return err
		}
		if change.KeepTickets || !now.Role.Staff() || change.Next.Staff() {
			return nil
		}
		return giveBack(ctx, tx, id)
	})
}

// Deactivate shuts somebody out: no sign-in, their sessions end with the next request and their streams at
// once. Nothing of theirs is deleted. The last active admin stays (*Invalid). Open tickets go back to the
// queue unless keepTickets; what is resolved or closed keeps their name.
func (s *Store) Deactivate(ctx context.Context, actor Actor, id uuid.UUID, keepTickets bool) (user User, err error) {
	defer wrap(&err, "Deactivate(%s)", id)
	return s.changeUser(ctx, actor, id, func(tx pgx.Tx, now User) error {
		if !now.Active {
			return nil
		}
		if _, err := tx.Exec(ctx, `UPDATE users SET active = false WHERE id = $1`, id); err != nil {
			return err
		}
		if keepTickets || !now.Role.Staff() {
			return nil
		}
		return giveBack(ctx, tx, id)
	})
}

// Reactivate lets somebody in again, with the password and the role they had.
func (s *Store) Reactivate(ctx context.Context, actor Actor, id uuid.UUID) (user User, err error) {
	defer wrap(&err, "Reactivate(%s)", id)
	return s.changeUser(ctx, actor, id, func(tx pgx.Tx, now User) error {
		if now.Active {
			return nil
		}
		_, err := tx.Exec(ctx, `UPDATE users SET active = true WHERE id = $1`, id)
		return err
	})
}

// changeUser locks somebody, lets change decide by what they are now, and returns what they are then.
func (s *Store) changeUser(ctx context.Context, actor Actor, id uuid.UUID, change func(tx pgx.Tx, now User) error) (user User, err error) {
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		// The lock passes the policies of UPDATE as well: who is no admin finds nobody here but themselves.
		// NO KEY: a ticket that somebody just assigns to this person must not wait, nor this for it.
		if err := tx.QueryRow(ctx, `SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE`, id).Scan(); err != nil {
			return err
		}
		if user, err = userByID(ctx, tx, id); err != nil {
			return err
		}
		if err := change(tx, user); err != nil {
			return err
		}
		user, err = userByID(ctx, tx, id)
		return err
	})
	if err != nil {
		return User{}, err
	}
	return user, nil
}

// giveBack puts somebody's open tickets in the queue. Each says so on its timeline, in the name of the admin.
func giveBack(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	// In the order of the ids, as everything locks tickets that locks several.
	_, err := tx.Exec(ctx, `
		WITH theirs AS (
			SELECT t.id FROM tickets t
			WHERE t.agent_id = $1 AND t.status IN ('new', 'open', 'pending', 'on_hold')
			ORDER BY t.id FOR UPDATE)
		UPDATE tickets t SET agent_id = NULL FROM theirs WHERE t.id = theirs.id`, id)
	return err
}

func userByID(ctx context.Context, tx pgx.Tx, id uuid.UUID) (User, error) {
	return one[User](tx.Query(ctx, `SELECT `+userColumns+` FROM users p WHERE p.id = $1`, id))
}

// Label is the role's word on the page.
func (r Role) Label() string {
	switch r {
	case Client:
		return "Client"
	case Agent:
		return "Agent"
	case Admin:
		return "Admin"
	}
	return string(r)
}

// WithArticle is the role in a sentence: "an agent".
func (r Role) WithArticle() string {
	if r == Client {
		return "a client"
	}
	return "an " + string(r)
}
