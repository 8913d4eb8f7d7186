package handlers

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"

	"autocrm/store"

	"github.com/labstack/echo/v4"
)

type credentials struct {
	Email    string `json:"email"`
	Password string `json:"password"`
}

type tokenAnswer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in"`
}

// Token gives an API client a bearer token for email and password, sent as JSON or as a form. It speaks JSON
// only, and lets in whom the portal lets in.
func (p *Portal) Token(c echo.Context) error {
	given, err := readCredentials(c)
	if err != nil {
		return err
	}
	if given.Email == "" || given.Password == "" {
		return echo.NewHTTPError(http.StatusUnprocessableEntity, "Send email and password.")
	}
	session, err := p.Store.SignInForToken(c.Request().Context(), p.visit(c), given.Email, given.Password)
	if errors.Is(err, store.ErrWrongPassword) {
		return echo.NewHTTPError(http.StatusUnauthorized, "The email or the password is wrong.")
	}
	if words, slow := slowDown(c, err); slow {
		return echo.NewHTTPError(http.StatusTooManyRequests, words)
	}
	if err != nil {
		return err
	}
	Identify(c, session.Actor)
	if session.Actor.Role != p.Role {
		if err := p.Store.SignOut(c.Request().Context(), session.Actor); err != nil {
			return err
		}
		return echo.NewHTTPError(http.StatusForbidden, "Your portal is "+p.Addresses[session.Actor.Role]+".")
	}
	token, life, err := p.Doors.Token(session)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, tokenAnswer{AccessToken: token, TokenType: "bearer", ExpiresIn: int(life.Seconds())})
}

func readCredentials(c echo.Context) (given credentials, err error) {
	kind, _, _ := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType))
	if kind != echo.MIMEApplicationJSON {
		fields, err := Form(c)
		return credentials{Email: fields.Get("email"), Password: fields.Get("password")}, err
	}
	err = json.NewDecoder(c.Request().Body).Decode(&given)
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLarge) {
		err = echo.NewHTTPError(http.StatusBadRequest, "The body is not JSON such as {\"email\": …, \"password\": …}.").SetInternal(err)
	}
	return given, err
}
