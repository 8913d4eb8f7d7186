// Package auth turns a request into an actor and an actor into a cookie or a token, one Gate a portal. It
// decides nothing about what an actor may do, and reads the database through the store alone. Start at Gate.
package auth

import (
	"crypto/hkdf"
	"crypto/sha256"
	"net/http"
	"net/url"

	"autocrm/store"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
)

// Gate is the way in and out of one portal. Safe for concurrent use.
type Gate struct {
	store   *store.Store
	portal  store.Role
	issuer  string
	cookies []securecookie.Codec
	session sessionStore
	notices string // the name of the cookie that says one thing once
	tokens  []tokenKey
	secrets [][]byte
}

// NewGate makes the gate of the portal at address. secrets are the deployment's, the newest first: the first
// signs, all of them verify, so that a secret can be replaced without signing everybody out.
func NewGate(st *store.Store, portal store.Role, address *url.URL, secrets [][]byte) *Gate {
	g := &Gate{store: st, portal: portal, issuer: address.Scheme + "://" + address.Host, secrets: secrets}
	for _, secret := range secrets {
		codec := securecookie.New(subkey(secret, "cookie"), nil)
		codec.SetSerializer(securecookie.NopEncoder{})
		codec.MaxAge(int(st.Limits.SessionLife.Seconds()))
		g.cookies = append(g.cookies, codec)
		g.tokens = append(g.tokens, newTokenKey(subkey(secret, "token")))
	}
	secure := address.Scheme == "https"
	g.session = sessionStore{gate: g, name: cookieName("autocrm_"+string(portal), secure), options: sessions.Options{
		Path: "/",
		// The row says when a session ends; the cookie only must not end before it.
		MaxAge:   int(st.Limits.SessionLife.Seconds()),
		Secure:   secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}}
	g.notices = cookieName("autocrm_notice", secure)
	return g
}

// cookieName is the one place that decides how a cookie is kept to its portal. The prefix makes browsers refuse
// the cookie unless it is Secure, for / and for this host alone, so that no neighbouring host can plant one. It
// needs https, and not every browser takes Secure from http://….localhost.
func cookieName(name string, secure bool) string {
	if secure {
		return "__Host-" + name
	}
	return name
}

// Visit says from where r comes; address is the caller's, as the server trusts it.
func (g *Gate) Visit(r *http.Request, address string) store.Visit {
	return store.Visit{Portal: g.portal, Issuer: g.issuer, UserAgent: r.UserAgent(), Address: address}
}

// subkey makes of a secret a key for one purpose: what one purpose reveals is of no use to another.
func subkey(secret []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, "autocrm "+purpose, 32)
	if err != nil {
		panic(err) // only for a length no hash can give
	}
	return key
}
