package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"autocrm/store"
	"autocrm/views"

	"github.com/labstack/echo/v4"
)

// SignInPage shows the form, or moves on whoever is signed in.
func (p *Portal) SignInPage(c echo.Context) error {
	next := Next(c.QueryParam("next"))
	if _, err := p.Doors.Actor(c.Request()); err == nil {
		return c.Redirect(http.StatusSeeOther, withNext("/auth/callback", next))
	} else if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	return Render(c, http.StatusOK, views.SignIn(p.Page(c, "Sign in"), views.SignInForm{Next: next, SignUp: p.offersSignUp()}))
}

// SignIn proves who somebody is. What they may enter is decided at /auth/callback.
func (p *Portal) SignIn(c echo.Context) error {
	fields, err := Form(c)
	if err != nil {
		return err
	}
	form := views.SignInForm{Email: fields.Get("email"), Next: Next(fields.Get("next")), SignUp: p.offersSignUp()}
	if form.Email == "" || fields.Get("password") == "" {
		form.Errors = missing(map[string]string{"email": form.Email, "password": fields.Get("password")})
		return Render(c, http.StatusUnprocessableEntity, views.SignIn(p.BarePage(c, "Sign in"), form))
	}
	session, err := p.Store.SignIn(c.Request().Context(), p.visit(c), form.Email, fields.Get("password"))
	if errors.Is(err, store.ErrWrongPassword) {
		form.Errors = map[string]string{"password": "The email or the password is wrong. If you are sure of both, the account was deactivated: ask an admin."}
		return Render(c, http.StatusUnprocessableEntity, views.SignIn(p.BarePage(c, "Sign in"), form))
	}
	if wait, ok := slowDown(c, err); ok {
		form.Errors = map[string]string{"": wait}
		return Render(c, http.StatusTooManyRequests, views.SignIn(p.BarePage(c, "Sign in"), form))
	}
	if err != nil {
		return err
	}
	return p.admit(c, session, form.Next)
}

// admit gives the browser its new session and ends the one it came with: an id from before signing in, planted
// or shared, is worth nothing after it.
func (p *Portal) admit(c echo.Context, session store.Session, next string) error {
	before, err := p.Doors.Actor(c.Request())
	if err == nil {
		err = p.Store.SignOut(c.Request().Context(), before)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := p.Doors.Admit(c.Response(), c.Request(), session); err != nil {
		return err
	}
	return c.Redirect(http.StatusSeeOther, withNext("/auth/callback", next))
}

func (p *Portal) visit(c echo.Context) store.Visit { return p.Doors.Visit(c.Request(), c.RealIP()) }

// offersSignUp says whether a customer may make an account here.
func (p *Portal) offersSignUp() bool { return p.Role == store.Client && p.SignUpOpen }

func missing(fields map[string]string) map[string]string {
	words := map[string]string{"email": "Enter your email address.", "password": "Enter your password."}
	errors := map[string]string{}
	for name, value := range fields {
		if value == "" {
			errors[name] = words[name]
		}
	}
	return errors
}

// slowDown says in words how long to wait, where err is a *store.SlowDown, and tells programs in a header.
func slowDown(c echo.Context, err error) (words string, ok bool) {
	var slow *store.SlowDown
	if !errors.As(err, &slow) {
		return "", false
	}
	seconds := int(slow.RetryAfter / time.Second)
	c.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(seconds))
	wait := fmt.Sprintf("%d seconds", seconds)
	switch {
	case seconds == 1:
		wait = "a second"
	case seconds > 90:
		wait = fmt.Sprintf("%d minutes", (seconds+59)/60)
	}
	return "There were too many attempts. Wait " + wait + ", then try again.", true
}
