package handlers

import (
	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// ChangePriority sets the ticket's priority from the one that the page showed.
func (h Staff) ChangePriority(c echo.Context) error {
	form := property{name: "priority", form: views.PriorityForm,
		back: func(f *views.PropertyForms) *views.PropertyForm { return &f.Priority }}
	return h.changeProperty(c, form, func(number int64, seen, next string) error {
		return h.Store.ChangePriority(c.Request().Context(), actor(c), number, store.Priority(seen), store.Priority(next))
	})
}
