package handlers

import (
	"net/http"
	"strconv"

	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// bell is what the header says of notifications; nil for customers, who have none, and where it cannot be known.
func (p *Portal) bell(c echo.Context) *views.Bell {
	if !p.Role.Staff() {
		return nil
	}
	unread, err := p.Store.UnreadNotifications(c.Request().Context(), actor(c), 0)
	if err != nil { // the page's own question fails as well, and says so
		return &views.Bell{}
	}
	return &views.Bell{Unread: unread.Unread, Newest: unread.Newest}
}

// readBell is for the page of a ticket: who opens it has read what they were told of it.
func (p *Portal) readBell(c echo.Context, page *views.Page, number int64) error {
	if page.Bell == nil || page.Bell.Unread == 0 {
		return nil
	}
	if err := p.Store.ReadNotificationsOf(c.Request().Context(), actor(c), number); err != nil {
		return err
	}
	page.Bell = p.bell(c)
	return nil
}

// newestNotifications is how many the panel shows, and a page is told of.
const newestNotifications = 20

// Notifications is the page of all that the person was told.
func (h Staff) Notifications(c echo.Context) error {
	page := h.Page(c, "Notifications")
	list, err := h.notifications(c)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.NotificationsPage(page, list))
}

// NotificationList is the live region of that page.
func (h Staff) NotificationList(c echo.Context) error {
	if same, err := h.listUnchanged(c); same || err != nil {
		return err
	}
	list, err := h.notifications(c)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.NotificationRegion(list))
}

func (h Staff) notifications(c echo.Context) (list views.NotificationList, err error) {
	if text := c.QueryParam("before"); text != "" {
		if list.Before, err = strconv.ParseInt(text, 10, 64); err != nil || list.Before <= 0 {
			return list, store.ErrNotFound
		}
	}
	list.Page, err = h.Store.Notifications(c.Request().Context(), actor(c), list.Before, 0)
	return list, err
}

// NotificationPanel is the newest of them, for the panel under the bell.
func (h Staff) NotificationPanel(c echo.Context) error {
	newest, err := h.Store.Notifications(c.Request().Context(), actor(c), 0, newestNotifications)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, views.NotificationPanel(newest))
}

// unreadJSON is what pages keep their count by, also those that nobody sees.
type unreadJSON struct {
	Unread int                `json:"unread"`
	More   bool               `json:"more"` // there are more than Unread
	Newest []notificationJSON `json:"newest"`
}

type notificationJSON struct {
	ID       string `json:"id"`
	Position int64  `json:"position"`
	Number   int64  `json:"number"`
	Title    string `json:"title"`
	Body     string `json:"body"`
	Path     string `json:"path"`
}

// UnreadNotifications tells scripts what is unread, in words that may stand on a screen that others see: who did what
// and the ticket's subject, nothing that was written on it.
func (h Staff) UnreadNotifications(c echo.Context) error {
	unread, err := h.Store.UnreadNotifications(c.Request().Context(), actor(c), newestNotifications)
	if err != nil {
		return err
	}
	answer := unreadJSON{Unread: unread.Unread, More: unread.Unread == store.MostUnread, Newest: []notificationJSON{}}
	for _, n := range unread.Notifications {
		answer.Newest = append(answer.Newest, notificationJSON{
			ID: n.ID.String(), Position: n.Position, Number: n.Number, Path: views.NotificationPath(n),
			Title: views.NotificationWords(n), Body: "#" + strconv.FormatInt(n.Number, 10) + " " + n.Subject,
		})
	}
	return c.JSON(http.StatusOK, answer)
}

// ReadNotifications marks as read what the person was told of one ticket, or all up to what they have seen.
func (h Staff) ReadNotifications(c echo.Context) error {
	fields, err := Form(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	if fields.Has("ticket") {
		number, parseErr := strconv.ParseInt(fields.Get("ticket"), 10, 64)
		if parseErr != nil {
			return store.ErrNotFound
		}
		err = h.Store.ReadNotificationsOf(ctx, actor(c), number)
	} else {
		until, parseErr := strconv.ParseInt(fields.Get("until"), 10, 64)
		if parseErr != nil {
			return store.ErrNotFound
		}
		err = h.Store.ReadNotifications(ctx, actor(c), until)
	}
	switch {
	case err != nil:
		return err
	case WantsJSON(c):
		return c.NoContent(http.StatusNoContent)
	case IsFragment(c):
		return h.NotificationPanel(c)
	}
	return h.See(c, "/notifications", "")
}

// BackToNotifications leads whoever reloads the answer to that form back to the page.
func (h Staff) BackToNotifications(c echo.Context) error {
	return c.Redirect(http.StatusSeeOther, "/notifications")
}

// ChooseNotifications keeps which kinds the person wants: those that are not ticked they do not.
func (h Staff) ChooseNotifications(c echo.Context) error {
	fields, err := Form(c)
	if err != nil {
		return err
	}
	var muted []store.NotificationKind
	for _, kind := range store.NotificationKinds {
		if fields.Get(string(kind)) == "" {
			muted = append(muted, kind)
		}
	}
	err = h.Store.MuteNotifications(c.Request().Context(), actor(c), muted)
	return h.accountAfter(c, err, actor(c).Name, "Your notifications are saved.")
}
