package handlers

import (
	"net/http"
	"strconv"

	"autocrm/store"
	"autocrm/views"

	"github.com/a-h/templ"
	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// ticketView reads the ticket of the address as its viewer may see it, with fresh forms.
func (p *Portal) ticketView(c echo.Context) (views.TicketView, error) {
	v, err := p.ticketThread(c)
	if err != nil {
		return views.TicketView{}, err
	}
	if v.Viewer.Role.Staff() {
		if v.Writing, err = p.Store.Writing(c.Request().Context(), v.Viewer, v.Thread.Ticket.Number); err != nil {
			return views.TicketView{}, err
		}
		v.Hold = choice(c, "undo") != "off"
		v = v.WithDrafts()
	}
	return p.withAssignees(c, v)
}

// withAssignees adds whom staff can give the ticket to, and what stands beside it.
func (p *Portal) withAssignees(c echo.Context, v views.TicketView) (_ views.TicketView, err error) {
	if v.Viewer.Role.Staff() {
		if v.Assignees, err = p.Store.Assignable(c.Request().Context(), v.Viewer); err != nil {
			return v, err
		}
		v.Fresh = uuid.New()
		v.Desk, err = p.Store.Desk(c.Request().Context(), v.Viewer, v.Thread.Ticket)
	}
	return v, err
}

// ticketThread is ticketView without what only its forms need.
func (p *Portal) ticketThread(c echo.Context) (views.TicketView, error) {
	number, err := ticketNumber(c)
	if err != nil {
		return views.TicketView{}, err
	}
	before, err := timelinePlace(c)
	if err != nil {
		return views.TicketView{}, err
	}
	v := views.TicketView{
		Viewer: actor(c),
		Before: before,
		Reply:  views.MessageForm{ID: uuid.New()},
		Note:   views.MessageForm{ID: uuid.New()},
	}
	v.Thread, err = p.Store.Thread(c.Request().Context(), v.Viewer, number, before)
	return v, err
}

// timelinePlace is where on the timeline the page ends; 0 is its end.
func timelinePlace(c echo.Context) (int64, error) {
	text := c.QueryParam("before")
	if text == "" {
		return 0, nil
	}
	place, err := strconv.ParseInt(text, 10, 64)
	if err != nil || place <= 0 {
		return 0, store.ErrNotFound
	}
	return place, nil
}

// ShowTicket is the page of one ticket.
func (p *Portal) ShowTicket(c echo.Context) error {
	page := p.Page(c, "")
	v, err := p.ticketView(c)
	if err != nil {
		return err
	}
	if WantsJSON(c) {
		return threadJSON(c, v.Thread)
	}
	if err := p.readBell(c, &page, v.Thread.Ticket.Number); err != nil {
		return err
	}
	return p.renderTicket(c, http.StatusOK, page, v)
}

func (p *Portal) renderTicket(c echo.Context, status int, page views.Page, v views.TicketView) error {
	if v.Viewer.Role.Staff() {
		var err error
		if v.Present, err = p.presentAt(c, v.Thread.Ticket.Number); err != nil {
			return err
		}
		if v.Customer, err = p.customerBeside(c, v.Thread.Ticket.Number); err != nil {
			return err
		}
		if v.NoteBack != nil {
			v.Customer.Note = *v.NoteBack
		}
	}
	page.Title = "#" + strconv.FormatInt(v.Thread.Ticket.Number, 10) + " " + v.Thread.Ticket.Subject
	return Render(c, status, views.TicketPage(page, v))
}

// TicketHead, TicketTimeline and TicketProperties are the live regions of that page.
func (p *Portal) TicketHead(c echo.Context) error {
	return p.ticketPart(c, p.ticketAlone, views.TicketHead)
}

// TicketTimeline is the region of what happened.
func (p *Portal) TicketTimeline(c echo.Context) error {
	return p.ticketPart(c, p.ticketThread, views.TicketTimeline)
}

// TicketProperties is the region of what is known of the ticket.
func (p *Portal) TicketProperties(c echo.Context) error {
	return p.ticketPart(c, p.ticketProperties, views.TicketProperties)
}

func (p *Portal) ticketPart(c echo.Context, read func(echo.Context) (views.TicketView, error), part func(views.TicketView) templ.Component) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	version, err := p.Store.TicketVersion(c.Request().Context(), actor(c), number)
	if err != nil {
		return err
	}
	if Unchanged(c, version) {
		return nil
	}
	v, err := read(c)
	if err != nil {
		return err
	}
	return Render(c, http.StatusOK, part(v))
}

// ticketAlone is the ticket without its timeline.
func (p *Portal) ticketAlone(c echo.Context) (v views.TicketView, err error) {
	number, err := ticketNumber(c)
	if err != nil {
		return v, err
	}
	v.Viewer = actor(c)
	v.Thread.Ticket, err = p.Store.Ticket(c.Request().Context(), v.Viewer, number)
	return v, err
}

func (p *Portal) ticketProperties(c echo.Context) (views.TicketView, error) {
	v, err := p.ticketAlone(c)
	if err != nil {
		return v, err
	}
	return p.withAssignees(c, v)
}

// ticketPath is the address of a ticket, at one entry of its timeline where activity is given.
func ticketPath(number int64, activity ...uuid.UUID) string {
	path := "/tickets/" + strconv.FormatInt(number, 10)
	for _, id := range activity {
		path += "#activity-" + id.String()
	}
	return path
}

// BackToTicket is for whoever reloads the page that a refused form left at the form's own address.
func (p *Portal) BackToTicket(c echo.Context) error {
	number, err := ticketNumber(c)
	if err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, ticketPath(number))
}
