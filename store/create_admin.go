package store

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// firstAdmin stands in the place of the address where nobody knows it yet. The domain can never exist (RFC 2606).
const firstAdmin = "first-admin@autocrm.invalid"

// Unaddressed says that whoever opens the link says which address is theirs: the link of an empty help desk.
// It works only while there is no admin.
func (i Invitation) Unaddressed() bool { return i.Email == firstAdmin }

// InviteAdmin invites email as an admin on behalf of the operator, who needs no account, and returns the token
// of the link. An open invitation of that address becomes this one, so it may be asked again. An address that
// has an account is *Invalid. life is DefaultLimits' where 0.
func InviteAdmin(ctx context.Context, url, email string, life time.Duration) (token string, err error) {
	defer wrap(&err, "InviteAdmin")
	email, problem := checkEmail(email)
	if problem != "" {
		return "", invalid("email", "%s", problem)
	}
	err = asOperator(ctx, url, func(tx pgx.Tx) error {
		if err := noAccount(ctx, tx, "email", email); err != nil {
			return err
		}
		token, err = inviteAdmin(ctx, tx, email, life)
		return err
	})
	return token, err
}

// InviteFirstAdmin returns the token of a link that makes the first admin, or "" where there is one. Asked
// again it makes a new link, and the one before is unknown from then on.
func InviteFirstAdmin(ctx context.Context, url string, life time.Duration) (token string, err error) {
	defer wrap(&err, "InviteFirstAdmin")
	err = asOperator(ctx, url, func(tx pgx.Tx) error {
		there, err := anyAdmin(ctx, tx)
		if err != nil || there {
			return err
		}
		token, err = inviteAdmin(ctx, tx, firstAdmin, life)
		return err
	})
	return token, err
}

// AcceptFirstAdmin is AcceptInvitation for a link that is Unaddressed: the person says the address as well.
func (s *Store) AcceptFirstAdmin(ctx context.Context, token string, portal Role, email, fullName, password string) (id uuid.UUID, err error) {
	defer wrap(&err, "AcceptFirstAdmin")
	invitation, err := s.CheckInvitation(ctx, token, portal)
	if err != nil {
		return noID, err
	}
	if !invitation.Unaddressed() {
		// A link that names an address makes an account of that address and of no other.
		return noID, invalid("email", "This link is for %s.", invitation.Email)
	}
	fields := map[string]string{}
	email, problem := checkEmail(email)
	if problem != "" {
		fields["email"] = problem
	}
	fullName, err = newPerson(fullName, password)
	var bad *Invalid
	if errors.As(err, &bad) {
		maps.Copy(fields, bad.Fields)
	}
	if len(fields) > 0 {
		return noID, &Invalid{Fields: fields}
	}
	return s.accept(ctx, token, portal, email, fullName, password)
}

// anyAdmin says whether there is an admin. Once there was one there always is: the last one stays.
func anyAdmin(ctx context.Context, tx pgx.Tx) (there bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM users WHERE user_role = 'admin')`).Scan(&there)
	return there, err
}

// closeFirstAdmin puts the link of an empty help desk aside, now that there is an admin: it would not work, and
// the list must not call it open.
func closeFirstAdmin(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `
		UPDATE invitations SET revoked_at = clock_timestamp()
		WHERE email = $1 AND accepted_at IS NULL AND revoked_at IS NULL`, firstAdmin)
	return err
}

// inviteAdmin renews where there is an open invitation rather than failing on it: the operator decides, and
// several nodes may start on one empty database at once. The last one's link is the one that works.
func inviteAdmin(ctx context.Context, tx pgx.Tx, email string, life time.Duration) (token string, err error) {
	if life == 0 {
		life = DefaultLimits.InvitationLife
	}
	token, hash := newToken()
	_, err = tx.Exec(ctx, `
		INSERT INTO invitations (email, user_role, token_hash, expires_at)
		VALUES ($1, 'admin', $2, clock_timestamp() + $3)
		ON CONFLICT (lower(email)) WHERE accepted_at IS NULL AND revoked_at IS NULL
		DO UPDATE SET user_role = 'admin', token_hash = excluded.token_hash, expires_at = excluded.expires_at, created_by = NULL`,
		email, hash, life)
	return token, err
}

// asOperator runs f as the role of background work, on a connection of its own: whoever starts the program
// needs no account in it.
func asOperator(ctx context.Context, url string, f func(tx pgx.Tx) error) error {
	pool, err := connect(ctx, url, "autocrm_worker")
	if err != nil {
		return err
	}
	defer pool.Close()
	return pgx.BeginFunc(ctx, pool, f)
}
