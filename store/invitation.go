package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Invitation lets one address make one account of one role. Its link holds a token of which only the hash is
// kept: the link is shown as it is made, and nobody can look it up again.
type Invitation struct {
	ID          uuid.UUID
	Email       string
	Role        Role   `db:"user_role"`
	InviterName string // "" where the system itself made it, or the inviter is gone
	CreatedAt   time.Time
	ExpiresAt   time.Time
	AcceptedAt  *time.Time
	AcceptedBy  *uuid.UUID
	RevokedAt   *time.Time
	Lapsed      bool // its time is over, by the database's clock as it was read
}

// InvitationState is where an invitation stands.
type InvitationState string

// The states of an invitation. They are not stored: they follow from its times.
const (
	InvitationOpen     InvitationState = "open"
	InvitationAccepted InvitationState = "accepted"
	InvitationExpired  InvitationState = "expired"
	InvitationRevoked  InvitationState = "revoked"
)

// InvitationStates lists every state, the one an admin acts on first.
var InvitationStates = []InvitationState{InvitationOpen, InvitationAccepted, InvitationExpired, InvitationRevoked}

// State says where the invitation stands. One that was put aside after its time was over had expired.
func (i Invitation) State() InvitationState {
	switch {
	case i.AcceptedAt != nil:
		return InvitationAccepted
	case i.RevokedAt != nil && i.RevokedAt.Before(i.ExpiresAt):
		return InvitationRevoked
	case i.Lapsed || i.RevokedAt != nil:
		return InvitationExpired
	}
	return InvitationOpen
}

// MayBeAccepted is the rule of who may use a link: nobody twice, nobody late, and only on the portal of the
// invitation's role. It returns nil or an *InvitationError. Why the link is no good comes before where it would
// have been: sending somebody to another portal with a dead link wastes their time twice.
func (i Invitation) MayBeAccepted(portal Role) error {
	switch state := i.State(); {
	case state == InvitationAccepted:
		return &InvitationError{InvitationUsed, i.Role}
	case state == InvitationRevoked:
		return &InvitationError{InvitationWithdrawn, i.Role}
	case state == InvitationExpired:
		return &InvitationError{InvitationTooLate, i.Role}
	case portal != i.Role:
		return &InvitationError{InvitationElsewhere, i.Role}
	}
	return nil
}

// InvitationError says why a link cannot be used, for the page that explains it.
type InvitationError struct {
	Reason InvitationReason
	Role   Role // whose portal the link is of; "" where the link is unknown
}

// InvitationReason is one of the reasons below.
type InvitationReason string

// Why a link cannot be used.
const (
	InvitationUnknown   InvitationReason = "unknown" // never made, cut off while copying, or replaced by a newer link
	InvitationTooLate   InvitationReason = "expired"
	InvitationUsed      InvitationReason = "used"
	InvitationWithdrawn InvitationReason = "revoked"
	InvitationElsewhere InvitationReason = "wrong_portal"
)

func (e *InvitationError) Error() string { return "invitation " + string(e.Reason) }

// invitationColumns reads an Invitation from `invitations i` and its inviter `u`. The role that signs people in
// reads invitations and people as well, so that one text serves both sides.
const invitationColumns = `
	i.id,
	i.email,
	i.user_role,
	coalesce(u.full_name, '') AS inviter_name,
	i.created_at,
	i.expires_at,
	i.accepted_at,
	i.accepted_by,
	i.revoked_at,
	i.expires_at <= clock_timestamp() AS lapsed
	FROM invitations i
	LEFT JOIN users u ON u.id = i.created_by`

// CheckInvitation returns the invitation of a link that may be used on portal now, or an *InvitationError.
func (s *Store) CheckInvitation(ctx context.Context, token string, portal Role) (invitation Invitation, err error) {
	defer wrap(&err, "CheckInvitation")
	err = s.signingIn(ctx, func(tx pgx.Tx) error {
		invitation, err = invitationOf(ctx, tx, token, portal, ``)
		return err
	})
	return invitation, err
}

// AcceptInvitation makes the account that the link is for and spends the link, both or neither. However many
// people race for one link, one of them gets the account and the others an *InvitationError. The caller signs
// the person in. A link that is Unaddressed wants AcceptFirstAdmin.
func (s *Store) AcceptInvitation(ctx context.Context, token string, portal Role, fullName, password string) (id uuid.UUID, err error) {
	defer wrap(&err, "AcceptInvitation")
	// A dead link is told first, and costs no hash: else anybody could keep the processors busy with made-up ones.
	invitation, err := s.CheckInvitation(ctx, token, portal)
	if err != nil {
		return noID, err
	}
	if invitation.Unaddressed() {
		return noID, invalid("email", "Enter an email address.")
	}
	fullName, err = newPerson(fullName, password)
	if err != nil {
		return noID, err
	}
	return s.accept(ctx, token, portal, invitation.Email, fullName, password)
}

// accept spends the link on an account of that address. The input is checked.
func (s *Store) accept(ctx context.Context, token string, portal Role, email, fullName, password string) (id uuid.UUID, err error) {
	// Before the lock: a hash takes tens of milliseconds, and those who race would wait for each other's.
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return noID, err
	}
	err = s.signingIn(ctx, func(tx pgx.Tx) error {
		// FOR UPDATE: whoever comes second reads what the first one left.
		invitation, err := invitationOf(ctx, tx, token, portal, ` FOR UPDATE OF i`)
		if err != nil {
			return err
		}
		// DO NOTHING: the address may have got an account since it was invited, even this moment.
		err = tx.QueryRow(ctx, `
			INSERT INTO users (email, full_name, user_role, password_hash) VALUES ($1, $2, $3, $4)
			ON CONFLICT (lower(email)) DO NOTHING
			RETURNING id`, email, fullName, invitation.Role, hash).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return invalid("email", "%s has an account already. Sign in with its password, or ask an admin to change its role.", email)
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE invitations SET email = $2, accepted_at = clock_timestamp(), accepted_by = $3 WHERE id = $1`,
			invitation.ID, email, id)
		if err != nil || invitation.Role != Admin {
			return err
		}
		return closeFirstAdmin(ctx, tx)
	})
	if err != nil {
		return noID, err
	}
	return id, nil
}

// invitationOf finds a link's invitation and asks the rule. lock is the end of the query.
func invitationOf(ctx context.Context, tx pgx.Tx, token string, portal Role, lock string) (Invitation, error) {
	invitation, err := one[Invitation](tx.Query(ctx, `SELECT `+invitationColumns+` WHERE i.token_hash = $1`+lock, tokenHash(token)))
	if errors.Is(err, ErrNotFound) {
		return Invitation{}, &InvitationError{Reason: InvitationUnknown}
	}
	if err != nil {
		return Invitation{}, err
	}
	if invitation.Unaddressed() {
		there, err := anyAdmin(ctx, tx)
		if err != nil {
			return Invitation{}, err
		}
		if there {
			return Invitation{}, &InvitationError{InvitationUsed, invitation.Role}
		}
	}
	return invitation, invitation.MayBeAccepted(portal)
}

// newPerson checks what somebody says of themselves as they get an account, and returns the name as it is kept.
func newPerson(fullName, password string) (name string, err error) {
	fields := map[string]string{}
	name, problem := checkName(fullName)
	if problem != "" {
		fields["full_name"] = problem
	}
	if problem := checkPassword(password); problem != "" {
		fields["password"] = problem
	}
	if len(fields) > 0 {
		return name, &Invalid{Fields: fields}
	}
	return name, nil
}

// newToken makes the secret of a link: 256 bits, safe in a URL.
func newToken() (token string, hash []byte) {
	secret := make([]byte, 32)
	rand.Read(secret) // never fails: the program ends where the system has no randomness
	token = base64.RawURLEncoding.EncodeToString(secret)
	return token, tokenHash(token)
}

// tokenHash is what is kept of a token. A plain hash is enough: nobody can try 2^256 tokens.
func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
