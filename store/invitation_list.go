package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// InvitationFilter narrows the list; a zero field does not.
type InvitationFilter struct {
	State  InvitationState
	Search string // part of the address
	After  string // a page's Next
	Before string // a page's Previous
	Limit  int    // PageSize where 0
}

// InvitationPage is a piece of the list, the newest first. Next and Previous are "" at its ends.
type InvitationPage struct {
	Invitations []Invitation
	Next        string
	Previous    string
	Version     int64 // of the topic "invitations"
}

// invitationState is State in SQL; a test holds the two against each other.
const invitationState = `
	CASE WHEN i.accepted_at IS NOT NULL THEN 'accepted'
	     WHEN i.revoked_at < i.expires_at THEN 'revoked'
	     WHEN i.revoked_at IS NOT NULL OR i.expires_at <= clock_timestamp() THEN 'expired'
	     ELSE 'open' END`

// Invitations lists invitations, a page at a time. Who is no admin sees none. An unknown state or a damaged page
// key is *Invalid.
func (s *Store) Invitations(ctx context.Context, actor Actor, filter InvitationFilter) (page InvitationPage, err error) {
	defer wrap(&err, "Invitations")
	window, err := newListWindow(filter.After, filter.Before, filter.Limit)
	if err != nil {
		return InvitationPage{}, err
	}
	var from *time.Time
	if window.given {
		at, err := time.Parse(time.RFC3339Nano, window.key.Key)
		if err != nil || at.Year() < 1 || at.Year() > 9999 {
			return InvitationPage{}, invalid("page", "This page of the list does not exist. Start again from the first.")
		}
		from = &at
	}
	if filter.State != "" && !filter.State.Valid() {
		return InvitationPage{}, invalid("state", "There is no state %q.", filter.State)
	}
	beyond, order := `i.created_at < @from OR i.created_at = @from AND i.id > @id`, `i.created_at DESC, i.id`
	if window.backward {
		beyond, order = `i.created_at > @from OR i.created_at = @from AND i.id < @id`, `i.created_at, i.id DESC`
	}
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if page.Version, err = listVersion(ctx, tx, actor); err != nil {
			return err
		}
		page.Invitations, err = all[Invitation](tx.Query(ctx, `
			SELECT `+invitationColumns+`
			WHERE (@state = '' OR `+invitationState+` = @state)
			  AND (@search = '' OR strpos(lower(i.email), lower(@search)) > 0)
			  AND (@from::timestamptz IS NULL OR `+beyond+`)
			ORDER BY `+order+`
			LIMIT @limit`,
			pgx.StrictNamedArgs{
				"state":  filter.State,
				"search": cleanSearch(filter.Search),
				"from":   from,
				"id":     window.key.ID,
				"limit":  window.limit + 1,
			}))
		return err
	})
	if err != nil {
		return InvitationPage{}, err
	}
	page.Invitations, page.Next, page.Previous = cutList(window, page.Invitations, func(i Invitation) listKey {
		return listKey{Key: i.CreatedAt.Format(time.RFC3339Nano), ID: i.ID}
	})
	return page, nil
}

// Valid says whether s is one of InvitationStates.
func (s InvitationState) Valid() bool {
	return s == InvitationOpen || s == InvitationAccepted || s == InvitationExpired || s == InvitationRevoked
}

// Label is the state's word on the page.
func (s InvitationState) Label() string {
	switch s {
	case InvitationOpen:
		return "Open"
	case InvitationAccepted:
		return "Accepted"
	case InvitationExpired:
		return "Expired"
	case InvitationRevoked:
		return "Revoked"
	}
	return string(s)
}
