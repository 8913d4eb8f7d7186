package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// AlreadyInvited says that the address has a link that works. It is an *Invalid of the field "email".
type AlreadyInvited struct{ Invitation Invitation }

func (e *AlreadyInvited) Error() string { return e.Unwrap().Error() }

// Unwrap gives the sentence for the form.
func (e *AlreadyInvited) Unwrap() error {
	return invalid("email", "%s has an open invitation already. If the link is lost, make a new link for it.", e.Invitation.Email)
}

// Invite makes an invitation and returns the token of its link, which nobody can read again. An address that
// has an account, or an open invitation (*AlreadyInvited), is *Invalid; a lapsed one is put aside.
func (s *Store) Invite(ctx context.Context, actor Actor, email string, role Role) (invitation Invitation, token string, err error) {
	defer wrap(&err, "Invite")
	fields := map[string]string{}
	email, problem := checkEmail(email)
	if problem != "" {
		fields["email"] = problem
	}
	if !role.Valid() {
		fields["role"] = "Choose a role: client, agent or admin."
	}
	if len(fields) > 0 {
		return Invitation{}, "", &Invalid{Fields: fields}
	}
	token, hash := newToken()
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		if err := noAccount(ctx, tx, "email", email); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			UPDATE invitations SET revoked_at = clock_timestamp()
			WHERE lower(email) = lower($1) AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at <= clock_timestamp()`, email)
		if err != nil {
			return err
		}
		var id uuid.UUID
		// DO NOTHING: two admins may invite one address at once; the second is told of the first one's.
		err = tx.QueryRow(ctx, `
			INSERT INTO invitations (email, user_role, token_hash, created_by, expires_at)
			VALUES (@email, @role, @hash, @inviter, clock_timestamp() + @life)
			ON CONFLICT (lower(email)) WHERE accepted_at IS NULL AND revoked_at IS NULL DO NOTHING
			RETURNING id`,
			pgx.StrictNamedArgs{"email": email, "role": role, "hash": hash, "inviter": actor.UserID, "life": s.Limits.InvitationLife}).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			open, err := one[Invitation](tx.Query(ctx, `
				SELECT `+invitationColumns+`
				WHERE lower(i.email) = lower($1) AND i.accepted_at IS NULL AND i.revoked_at IS NULL`, email))
			if err != nil {
				return fmt.Errorf("the open invitation in the way: %w", err)
			}
			return &AlreadyInvited{open}
		}
		if err != nil {
			return err
		}
		invitation, err = invitationByID(ctx, tx, id, ``)
		return err
	})
	if err != nil {
		return Invitation{}, "", err
	}
	return invitation, token, nil
}

// RenewInvitation gives an open or expired invitation a new link and its whole life again; the old link is
// unknown from then on. What was accepted or revoked stays so: *Invalid.
func (s *Store) RenewInvitation(ctx context.Context, actor Actor, id uuid.UUID) (invitation Invitation, token string, err error) {
	defer wrap(&err, "RenewInvitation(%s)", id)
	token, hash := newToken()
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		if invitation, err = invitationByID(ctx, tx, id, ` FOR UPDATE OF i`); err != nil {
			return err
		}
		if err := invitation.mayBeRenewed(); err != nil {
			return err
		}
		if err := noAccount(ctx, tx, "", invitation.Email); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE invitations SET token_hash = $2, expires_at = clock_timestamp() + $3 WHERE id = $1`,
			id, hash, s.Limits.InvitationLife)
		if err != nil {
			return err
		}
		invitation, err = invitationByID(ctx, tx, id, ``)
		return err
	})
	if err != nil {
		return Invitation{}, "", err
	}
	return invitation, token, nil
}

// RevokeInvitation makes the link useless. Revoking twice is once; an accepted one is *Invalid, since the account
// is there: deactivate that.
func (s *Store) RevokeInvitation(ctx context.Context, actor Actor, id uuid.UUID) (invitation Invitation, err error) {
	defer wrap(&err, "RevokeInvitation(%s)", id)
	err = s.as(ctx, actor, func(tx pgx.Tx) error {
		if invitation, err = invitationByID(ctx, tx, id, ` FOR UPDATE OF i`); err != nil {
			return err
		}
		if invitation.AcceptedAt != nil {
			return invalid("", "%s has used this link: there is an account now, which you can deactivate under Users.", invitation.Email)
		}
		if invitation.RevokedAt != nil {
			return nil
		}
		if _, err := tx.Exec(ctx, `UPDATE invitations SET revoked_at = clock_timestamp() WHERE id = $1`, id); err != nil {
			return err
		}
		invitation, err = invitationByID(ctx, tx, id, ``)
		return err
	})
	return invitation, err
}

// mayBeRenewed is the rule of New link. An admin's stale page must not bring back what another one revoked.
func (i Invitation) mayBeRenewed() error {
	switch {
	case i.AcceptedAt != nil:
		return invalid("", "%s has used this link: the account is there.", i.Email)
	case i.RevokedAt != nil:
		return invalid("", "This invitation of %s was revoked. Send a new one.", i.Email)
	}
	return nil
}

func invitationByID(ctx context.Context, tx pgx.Tx, id uuid.UUID, lock string) (Invitation, error) {
	return one[Invitation](tx.Query(ctx, `SELECT `+invitationColumns+` WHERE i.id = $1`+lock, id))
}

// noAccount refuses an address that somebody signs in with already.
func noAccount(ctx context.Context, tx pgx.Tx, field, email string) error {
	var role Role
	var active bool
	err := tx.QueryRow(ctx, `SELECT user_role, active FROM users WHERE lower(email) = lower($1)`, email).Scan(&role, &active)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	case !active:
		return invalid(field, "%s has an account already, as %s, and it is deactivated. Reactivate it under Users.", email, role.WithArticle())
	}
	return invalid(field, "%s has an account already, as %s. You can change the role under Users.", email, role.WithArticle())
}
