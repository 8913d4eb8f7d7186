package auth

import (
	"errors"
	"net/http"

	"autocrm/store"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
)

const (
	actorKey  = "actor"
	secretKey = "token"
)

// sessionStore keeps gorilla's sessions in the database: the cookie holds 32 random bytes and their signature,
// the row holds everything else. It implements sessions.Store.
type sessionStore struct {
	gate    *Gate
	name    string
	options sessions.Options
}

var _ sessions.Store = sessionStore{}

// Get returns the request's session, read once however often it is asked for.
func (s sessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New reads the session that the cookie names. A cookie that is missing, forged, or names a session that is
// over gives a session without an actor; its id is never adopted.
func (s sessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(s, name)
	options := s.options
	session.Options = &options
	session.IsNew = true
	token, ok := s.token(r, name)
	if !ok {
		return session, nil
	}
	actor, err := s.gate.store.ActorByToken(r.Context(), token, s.gate.portal, s.gate.issuer, !byItself(r))
	if errors.Is(err, store.ErrNotFound) {
		return session, nil
	}
	if err != nil {
		return session, err
	}
	session.ID = actor.SessionID.String()
	session.IsNew = false
	session.Values[actorKey] = actor
	return session, nil
}

// Save writes the cookie; the row was written by whoever made or ended the session.
func (s sessionStore) Save(_ *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if session.Options.MaxAge < 0 {
		http.SetCookie(w, sessions.NewCookie(session.Name(), "", session.Options))
		return nil
	}
	token, ok := session.Values[secretKey].([]byte)
	if !ok {
		return errors.New("auth: only a session that was just made can be saved")
	}
	value, err := securecookie.EncodeMulti(session.Name(), token, s.gate.cookies...)
	if err != nil {
		return err
	}
	http.SetCookie(w, sessions.NewCookie(session.Name(), value, session.Options))
	return nil
}

// token verifies the cookie's signature, which covers the cookie's name too: another portal's cookie, renamed,
// is a forgery, and costs no query.
func (s sessionStore) token(r *http.Request, name string) ([]byte, bool) {
	cookie, err := r.Cookie(name)
	if err != nil {
		return nil, false
	}
	var token []byte
	err = securecookie.DecodeMulti(name, cookie.Value, &token, s.gate.cookies...)
	return token, err == nil && len(token) == 32
}

// Admit gives the browser the cookie of a session just made, whatever cookie it came with. The caller has
// ended the session that the old one named.
func (g *Gate) Admit(w http.ResponseWriter, r *http.Request, made store.Session) error {
	session := sessions.NewSession(g.session, g.session.name)
	options := g.session.options
	session.Options = &options
	session.Values[secretKey] = made.Token
	return g.session.Save(r, w, session)
}

// Dismiss takes the cookie away.
func (g *Gate) Dismiss(w http.ResponseWriter) {
	http.SetCookie(w, g.Dismissed())
}

// Say keeps a sentence for the next page that the browser loads. It is signed: nobody else may put words there.
func (g *Gate) Say(w http.ResponseWriter, sentence string) {
	value, err := securecookie.EncodeMulti(g.notices, []byte(sentence), g.cookies...)
	if err != nil {
		return // too long for a cookie: the page is right without it
	}
	g.setNotice(w, value, 60)
}

// Said returns what Say kept, and forgets it.
func (g *Gate) Said(w http.ResponseWriter, r *http.Request) string {
	cookie, err := r.Cookie(g.notices)
	if err != nil || cookie.Value == "" {
		return ""
	}
	g.setNotice(w, "", -1)
	var sentence []byte
	if securecookie.DecodeMulti(g.notices, cookie.Value, &sentence, g.cookies...) != nil {
		return ""
	}
	return string(sentence)
}

func (g *Gate) setNotice(w http.ResponseWriter, value string, seconds int) {
	options := g.session.options
	options.MaxAge = seconds
	http.SetCookie(w, sessions.NewCookie(g.notices, value, &options))
}
