package handlers

import (
	"net/http"
	"time"

	"autocrm/store"

	"github.com/labstack/echo/v4"
)

// Seen is a request as it arrived here, after whatever stands between the caller and this process.
type Seen struct {
	Portal         store.Role  `json:"portal"`
	Host           string      `json:"host"`
	TLS            bool        `json:"tls"` // on this last stretch
	Protocol       string      `json:"protocol"`
	Peer           string      `json:"peer"`         // who holds the connection
	PeerTrusted    bool        `json:"peer_trusted"` // whether it may say for whom it calls
	Caller         string      `json:"caller"`       // who is taken for the caller: the peer, or whom a trusted proxy names
	ForwardedFor   []string    `json:"forwarded_for"`
	ForwardedProto string      `json:"forwarded_proto"`
	Query          string      `json:"query"`
	Header         http.Header `json:"header"` // of those that this program reads
	Answered       http.Header `json:"answered"`
	At             time.Time   `json:"at"`
}

// readHeaders are what a proxy must not change: the program goes by them.
var readHeaders = []string{"Accept", "Authorization", "Cookie", "If-None-Match", "Last-Event-Id", "Origin", "Sec-Fetch-Site", "User-Agent"}

// seen tells the caller nothing but what the caller sent, and what was made of it on the way.
func (p *Portal) seen(c echo.Context) Seen {
	r := c.Request()
	s := Seen{
		Portal: p.Role, Host: r.Host, TLS: r.TLS != nil, Protocol: r.Proto, Peer: r.RemoteAddr, Caller: c.RealIP(),
		ForwardedFor: r.Header.Values(echo.HeaderXForwardedFor), ForwardedProto: r.Header.Get(echo.HeaderXForwardedProto),
		PeerTrusted: peerTrusted(c), Query: r.URL.RawQuery, Header: http.Header{}, Answered: c.Response().Header().Clone(), At: time.Now(),
	}
	for _, name := range readHeaders {
		if values := r.Header.Values(name); len(values) > 0 {
			s.Header[name] = values
		}
	}
	return s
}

// peerTrusted asks what decides about the caller's address what it would make of another's.
func peerTrusted(c echo.Context) bool {
	const nobodys = "203.0.113.1" // RFC 5737
	extract := c.Echo().IPExtractor
	if extract == nil {
		return false
	}
	return extract(&http.Request{RemoteAddr: c.Request().RemoteAddr, Header: http.Header{echo.HeaderXForwardedFor: {nobodys}}}) == nobodys
}
