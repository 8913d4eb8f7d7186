package store

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// NotificationKind is what a notification tells of.
type NotificationKind string

// The kinds, as notifications.kind has them. Triggers write the notifications, so that whoever makes a change tells of
// it: who is told of what stands in the migrations.
const (
	NotifyAssigned  NotificationKind = "assigned"  // somebody gave the person a ticket
	NotifyMentioned NotificationKind = "mentioned" // a colleague named the person in a message
	NotifyAnswered  NotificationKind = "answered"  // the customer wrote on a ticket that the person has
	NotifyFollowed  NotificationKind = "followed"  // somebody wrote on a ticket that the person follows
	NotifyLate      NotificationKind = "late"      // the customer of such a ticket waits for long
	NotifyUnsent    NotificationKind = "unsent"    // a reply of the person's that was held could not be sent
)

// NotificationKinds lists every kind, in the order that settings show them.
var NotificationKinds = []NotificationKind{NotifyAssigned, NotifyMentioned, NotifyAnswered, NotifyFollowed, NotifyLate, NotifyUnsent}

// Notification tells one person of the staff of one thing.
type Notification struct {
	ID           uuid.UUID
	Position     int64 // its place in the person's list: later ones have a greater one
	Kind         NotificationKind
	Number       int64 // the ticket's
	Subject      string
	ActivityID   *uuid.UUID // the entry of its timeline, where it is one
	ActorName    string     // "" where nobody did it
	More         int        // how many tickets beside this one, where many were changed at once
	WaitingSince *time.Time // since when the ticket's customer waits now
	CreatedAt    time.Time
	ReadAt       *time.Time
}

// NotificationPage is a piece of a person's list, the newest first.
type NotificationPage struct {
	Notifications []Notification
	Next          int64 // the before of the following page; 0 at the end
	Unread        int   // of all of the list; at most MostUnread
	Newest        int64 // the position of the newest of all of the list; 0 where it is empty
	Version       int64 // of the topic "notifications"
}

// MostUnread is how far unread notifications are counted: nobody needs to know how many more there are.
const MostUnread = 100

const notificationColumns = `
	SELECT n.id, n.position, n.kind, t.number, t.subject, n.activity_id, coalesce(u.full_name, '') AS actor_name, n.more,
	       t.waiting_since, n.created_at, n.read_at
	FROM notifications n
	JOIN tickets t ON t.id = n.ticket_id -- which a person may not see any more it is not told of either
	LEFT JOIN users u ON u.id = n.actor_id`

// Notifications lists what the actor was told, limit at a time, or PageSize where that is 0; those before a position
// where that is not 0.
func (s *Store) Notifications(ctx context.Context, actor Actor, before int64, limit int) (page NotificationPage, err error) {
	defer wrap(&err, "Notifications")
	if limit <= 0 || limit > PageSize {
		limit = PageSize
	}
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if err = countUnread(ctx, tx, &page); err != nil {
			return err
		}
		page.Notifications, err = all[Notification](tx.Query(ctx, notificationColumns+`
			WHERE n.user_id = (SELECT auth.uid()) AND ($1 = 0 OR n.position < $1)
			ORDER BY n.position DESC LIMIT $2`, before, limit+1))
		return err
	})
	if len(page.Notifications) > limit {
		page.Notifications = page.Notifications[:limit]
		page.Next = page.Notifications[limit-1].Position
	}
	return page, err
}

// UnreadNotifications is Notifications of those alone that the actor has not read yet, without a next page.
func (s *Store) UnreadNotifications(ctx context.Context, actor Actor, limit int) (page NotificationPage, err error) {
	defer wrap(&err, "UnreadNotifications")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		if err = countUnread(ctx, tx, &page); err != nil || page.Unread == 0 || limit == 0 {
			return err
		}
		page.Notifications, err = all[Notification](tx.Query(ctx, notificationColumns+`
			WHERE n.user_id = (SELECT auth.uid()) AND n.read_at IS NULL
			ORDER BY n.position DESC LIMIT $1`, limit))
		return err
	})
	return page, err
}

func countUnread(ctx context.Context, tx pgx.Tx, page *NotificationPage) error {
	return tx.QueryRow(ctx, `
		SELECT coalesce(greatest((SELECT max(floor) FROM event_epochs), (SELECT max(place) FROM event_commits)), 0),
		       coalesce((SELECT max(position) FROM notifications WHERE user_id = (SELECT auth.uid())), 0),
		       (SELECT count(*) FROM (
		          SELECT FROM notifications n JOIN tickets t ON t.id = n.ticket_id
		          WHERE n.user_id = (SELECT auth.uid()) AND n.read_at IS NULL LIMIT $1) u)`, MostUnread).
		Scan(&page.Version, &page.Newest, &page.Unread)
}

// ReadNotificationsOf marks what the actor was told of a ticket as read. A ticket that does not exist changes nothing.
func (s *Store) ReadNotificationsOf(ctx context.Context, actor Actor, number int64) (err error) {
	defer wrap(&err, "ReadNotificationsOf(%d)", number)
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE notifications SET read_at = clock_timestamp()
			WHERE user_id = (SELECT auth.uid()) AND read_at IS NULL
			  AND ticket_id = (SELECT id FROM tickets WHERE number = $1)`, number)
		return err
	})
}

// ReadNotifications marks what the actor was told as read, up to and with a position: not what came since the actor
// looked.
func (s *Store) ReadNotifications(ctx context.Context, actor Actor, position int64) (err error) {
	defer wrap(&err, "ReadNotifications")
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `
			UPDATE notifications SET read_at = clock_timestamp()
			WHERE user_id = (SELECT auth.uid()) AND read_at IS NULL AND position <= $1`, position)
		return err
	})
}

// MutedNotifications gives the kinds that the actor does not want.
func (s *Store) MutedNotifications(ctx context.Context, actor Actor) (muted []NotificationKind, err error) {
	defer wrap(&err, "MutedNotifications")
	err = s.seeing(ctx, actor, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT kind FROM notification_mutes WHERE user_id = (SELECT auth.uid())`)
		if err != nil {
			return err
		}
		muted, err = pgx.CollectRows(rows, pgx.RowTo[NotificationKind])
		return err
	})
	return muted, err
}

// MuteNotifications says which kinds the actor does not want from now on; what was told stays. An unknown kind is
// *Invalid, and of customers, who are told nothing, it is ErrForbidden.
func (s *Store) MuteNotifications(ctx context.Context, actor Actor, muted []NotificationKind) (err error) {
	defer wrap(&err, "MuteNotifications")
	for _, kind := range muted {
		if !slices.Contains(NotificationKinds, kind) {
			return invalid("kind", "There are no notifications of the kind %q.", kind)
		}
	}
	return s.as(ctx, actor, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM notification_mutes WHERE user_id = (SELECT auth.uid())`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO notification_mutes (user_id, kind) SELECT (SELECT auth.uid()), unnest($1::text[])
			ON CONFLICT DO NOTHING`, muted)
		return err
	})
}

// remindOfWaiting tells those whose customers wait for too long, once a wait: what is left of a ticket is read from
// ticket_reminders alone, which holds the times to come. Whoever writes on the ticket just now goes first, and the
// ticket's turn comes a second later.
func (u *Upkeep) remindOfWaiting(ctx context.Context) error {
	_, err := u.pool.Exec(ctx, `
		WITH due AS (
			SELECT r.ticket_id, t.agent_id, t.waiting_since
			FROM ticket_reminders r JOIN tickets t ON t.id = r.ticket_id
			WHERE r.due_at <= now()
			ORDER BY r.due_at LIMIT 1000
			FOR UPDATE OF r SKIP LOCKED FOR KEY SHARE OF t SKIP LOCKED),
		done AS (DELETE FROM ticket_reminders r USING due WHERE r.ticket_id = due.ticket_id)
		INSERT INTO notifications (user_id, kind, ticket_id)
		SELECT agent_id, 'late', ticket_id FROM due
		WHERE tickets.wants(agent_id, 'late', NULL)
		  AND NOT EXISTS (
			SELECT FROM notifications n
			WHERE n.ticket_id = due.ticket_id AND n.user_id = due.agent_id AND n.kind = 'late' AND n.created_at >= due.waiting_since)`)
	return err
}

// notificationRetention is how long a person can look back at what they were told.
const notificationRetention = 90 * 24 * time.Hour

func (u *Upkeep) forgetNotifications(ctx context.Context, now time.Time) error {
	_, err := u.pool.Exec(ctx, `DELETE FROM notifications WHERE created_at < $1`, now.Add(-notificationRetention))
	return err
}
