package handlers

import (
	"autocrm/store"
	"autocrm/views"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
)

// AssignTicket gives the ticket from whom the page showed to somebody else, to the actor itself or to nobody.
func (h Staff) AssignTicket(c echo.Context) error {
	form := property{name: "assignee", form: views.AssigneeForm,
		back: func(f *views.PropertyForms) *views.PropertyForm { return &f.Assignee }}
	return h.changeProperty(c, form, func(number int64, seen, next string) error {
		from, err := personID(seen)
		if err != nil {
			return err
		}
		to, err := personID(next)
		if err != nil {
			return err
		}
		return h.Store.Assign(c.Request().Context(), actor(c), number, from, to)
	})
}

// personID reads whom a form names; "" is nobody.
func personID(text string) (*uuid.UUID, error) {
	if text == "" {
		return nil, nil
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return nil, &store.Invalid{Fields: map[string]string{"assignee": "Choose somebody who works on tickets."}}
	}
	return &id, nil
}
