package store

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// SignUp makes a client's account and signs it in. It returns *Invalid, or *SlowDown where too many accounts
// came from one address.
//
// There is no mail to ask the owner of an address, so a form that says nothing about an account that exists
// would leave an honest person waiting for ever. It says that the address cannot be used, and that its owner
// should sign in; the same words stand for an address that an admin has invited. What that tells a stranger
// costs a hash each and is slowed per address. Whoever gives the right password of the account is signed in:
// a form sent twice, or an owner who forgot having one.
func (s *Store) SignUp(ctx context.Context, visit Visit, fullName, email, password string) (session Session, err error) {
	defer wrap(&err, "SignUp")
	fields := map[string]string{}
	fullName, err = newPerson(fullName, password)
	var bad *Invalid
	if errors.As(err, &bad) {
		fields = bad.Fields
	} else if err != nil {
		return Session{}, err
	}
	email, problem := checkEmail(email)
	if problem != "" {
		fields["email"] = problem
	}
	if len(fields) > 0 {
		return Session{}, &Invalid{Fields: fields}
	}
	if err := s.reserveSignUp(ctx, visit.Address); err != nil {
		return Session{}, err
	}
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return Session{}, err
	}
	err = s.signingIn(ctx, func(tx pgx.Tx) error {
		var id uuid.UUID
		err := tx.QueryRow(ctx, `
			INSERT INTO users (email, full_name, user_role, password_hash)
			SELECT $1, $2, 'client', $3
			WHERE NOT EXISTS (SELECT FROM invitations
				WHERE lower(email) = lower($1) AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > clock_timestamp())
			ON CONFLICT (lower(email)) DO NOTHING
			RETURNING id`, email, fullName, hash).Scan(&id)
		if err != nil {
			return err
		}
		session, err = s.newSession(ctx, tx, visit, id, s.Limits.SessionIdle, s.Limits.SessionLife)
		return err
	})
	if !errors.Is(err, ErrNotFound) {
		return session, err
	}
	session, err = s.SignIn(ctx, visit, email, password)
	if errors.Is(err, ErrWrongPassword) {
		return Session{}, invalid("email", "This address cannot be used for a new account. If it is yours, sign in, or open the invitation you were sent.")
	}
	return session, err
}
