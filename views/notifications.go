package views

import (
	"slices"
	"strconv"

	"autocrm/store"
)

// NotificationList is one page of what a person was told.
type NotificationList struct {
	Page   store.NotificationPage
	Before int64 // where not 0: those before this position are shown
}

func (l NotificationList) src(path string) string {
	if l.Before > 0 {
		path += "?before=" + strconv.FormatInt(l.Before, 10)
	}
	return path
}

func (l NotificationList) next() string {
	return "/notifications?before=" + strconv.FormatInt(l.Page.Next, 10)
}

// notificationKinds says what each kind is, in settings, and how it looks in a list.
var notificationKinds = map[store.NotificationKind]struct{ label, icon string }{
	store.NotifyAssigned:  {"Somebody gives me a ticket", "mine"},
	store.NotifyMentioned: {"Somebody mentions me", "note"},
	store.NotifyAnswered:  {"A customer answers on a ticket I have", "reply"},
	store.NotifyFollowed:  {"Somebody writes on a ticket I follow", "inbox"},
	store.NotifyLate:      {"A customer of mine waits for long: 4 hours, 2 where the priority is high, 1 where it is urgent", "clock"},
	store.NotifyUnsent:    {"A reply of mine could not be sent", "alert"},
}

// NotificationWords is what happened, without what was written.
func NotificationWords(n store.Notification) string {
	who := n.ActorName
	if who == "" {
		who = "Somebody"
	}
	switch n.Kind {
	case store.NotifyAssigned:
		if n.More > 0 {
			return who + " gave you " + strconv.Itoa(n.More+1) + " tickets"
		}
		return who + " gave you a ticket"
	case store.NotifyMentioned:
		return who + " mentioned you"
	case store.NotifyAnswered:
		return who + " answered"
	case store.NotifyFollowed:
		return who + " wrote on a ticket you follow"
	case store.NotifyLate:
		return "A customer waits for your answer"
	case store.NotifyUnsent:
		return "Your reply was not sent"
	}
	return "Something happened"
}

// NotificationPath is where a notification leads.
func NotificationPath(n store.Notification) string {
	path := "/tickets/" + strconv.FormatInt(n.Number, 10)
	if n.ActivityID != nil {
		path += "#activity-" + n.ActivityID.String()
	}
	return path
}

// NotificationChoice is one kind in the settings.
type NotificationChoice struct {
	Name, Label string
	On          bool
}

// NotificationChoices lists every kind, on unless it is muted.
func NotificationChoices(muted []store.NotificationKind) []NotificationChoice {
	choices := []NotificationChoice{}
	for _, kind := range store.NotificationKinds {
		choices = append(choices, NotificationChoice{Name: string(kind), Label: notificationKinds[kind].label, On: !slices.Contains(muted, kind)})
	}
	return choices
}

// unreadWords is the count for the eye: short, so that it has room whatever it is.
func unreadWords(unread int) string {
	switch {
	case unread == 0:
		return ""
	case unread >= store.MostUnread:
		return strconv.Itoa(store.MostUnread-1) + "+"
	}
	return strconv.Itoa(unread)
}
