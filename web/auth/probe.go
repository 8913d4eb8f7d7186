package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
)

// ProbeHeader carries the proof that a request comes from somebody who has the deployment's secret.
const ProbeHeader = "Autocrm-Probe"

const (
	proofLife = time.Minute
	// The doctor's machine and this one need not agree on the time to the second.
	proofSkew  = 5 * time.Minute
	proofPlain = 8 + 16 // when it was made, and randomness
)

// Proof makes the value of ProbeHeader. Each is another one, and works for some minutes.
func Proof(secret []byte, now time.Time) string {
	plain := make([]byte, proofPlain, proofPlain+sha256.Size)
	binary.BigEndian.PutUint64(plain, uint64(now.Unix()))
	rand.Read(plain[8:])
	return base64.RawURLEncoding.EncodeToString(append(plain, proofSum(secret, plain)...))
}

func proofSum(secret, plain []byte) []byte {
	mac := hmac.New(sha256.New, subkey(secret, "probe"))
	mac.Write(plain)
	return mac.Sum(nil)
}

// Proven says whether r carries a proof made with one of the deployment's secrets a moment ago. It lets nobody
// do anything: it is enough to be told what one has sent oneself.
func (g *Gate) Proven(r *http.Request) bool {
	proof, err := base64.RawURLEncoding.DecodeString(r.Header.Get(ProbeHeader))
	if err != nil || len(proof) != proofPlain+sha256.Size {
		return false
	}
	made := time.Unix(int64(binary.BigEndian.Uint64(proof)), 0)
	if age := time.Since(made); age > proofLife+proofSkew || age < -proofSkew {
		return false
	}
	for _, secret := range g.secrets {
		if hmac.Equal(proof[proofPlain:], proofSum(secret, proof[:proofPlain])) {
			return true
		}
	}
	return false
}

// Cookie is what a browser sends of a session with this secret, as name=value.
func (g *Gate) Cookie(token []byte) (string, error) {
	value, err := securecookie.EncodeMulti(g.session.name, token, g.cookies...)
	return g.session.name + "=" + value, err
}

// Dismissed is the cookie with which this portal takes a session's cookie away.
func (g *Gate) Dismissed() *http.Cookie {
	options := g.session.options
	options.MaxAge = -1
	return sessions.NewCookie(g.session.name, "", &options)
}
