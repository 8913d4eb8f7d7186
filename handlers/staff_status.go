package handlers

import (
	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// ChangeStatus moves the ticket from the status that the page showed to another.
func (h Staff) ChangeStatus(c echo.Context) error {
	form := property{name: "status", form: views.StatusForm,
		back: func(f *views.PropertyForms) *views.PropertyForm { return &f.Status }}
	return h.changeProperty(c, form, func(number int64, seen, next string) error {
		return h.Store.ChangeStatus(c.Request().Context(), actor(c), number, store.Status(seen), store.Status(next))
	})
}
