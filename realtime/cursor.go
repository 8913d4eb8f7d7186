package realtime

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"github.com/google/uuid"
	"golang.org/x/crypto/chacha20poly1305"
)

// position is how far a reader has read: everything of epoch up to place.
type position struct {
	epoch uuid.UUID
	place int64
}

// sealer turns positions into cursors that nobody else can read or make, and back. A cursor says nothing
// about its viewer and grants nothing: what is read from it on passes the viewer's own rights.
type sealer struct {
	boxes  []cipher.AEAD // newest key first; the first seals, all open
	prints []int32       // of the keys, in the same order
}

const (
	plainSize = 16 + 8
	// A 24-byte nonce may be random for ever. With the 12 bytes of AES-GCM one key would be spent after some
	// hours of busy streams.
	sealedSize = chacha20poly1305.NonceSizeX + plainSize + chacha20poly1305.Overhead
)

// newSealer derives a key of its own from each secret, so that no other use of the secret meets this one.
func newSealer(secrets []string) (*sealer, error) {
	if len(secrets) == 0 {
		return nil, errors.New("realtime: no secret key to seal cursors with")
	}
	s := &sealer{}
	for _, secret := range secrets {
		key, err := hkdf.Key(sha256.New, []byte(secret), nil, "autocrm live cursor", chacha20poly1305.KeySize)
		if err != nil {
			return nil, err
		}
		box, err := chacha20poly1305.NewX(key)
		if err != nil {
			return nil, err
		}
		print, err := printOf(secret)
		if err != nil {
			return nil, err
		}
		s.boxes, s.prints = append(s.boxes, box), append(s.prints, print)
	}
	return s, nil
}

// seal gives a different text each time: two cursors do not tell whether anything happened between them.
func (s *sealer) seal(p position) string {
	var sealed [sealedSize]byte
	var plain [plainSize]byte
	nonce := sealed[:chacha20poly1305.NonceSizeX]
	rand.Read(nonce)
	copy(plain[:], p.epoch[:])
	binary.BigEndian.PutUint64(plain[16:], uint64(p.place))
	return base64.RawURLEncoding.EncodeToString(s.boxes[0].Seal(nonce, nonce, plain[:], nil))
}

// open undoes seal. ok is false for a text that this server did not seal under one of its present keys.
func (s *sealer) open(cursor string) (p position, ok bool) {
	if len(cursor) != base64.RawURLEncoding.EncodedLen(sealedSize) {
		return position{}, false
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil {
		return position{}, false
	}
	nonce, box := sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:]
	for _, aead := range s.boxes {
		plain, err := aead.Open(nil, nonce, box, nil)
		if err != nil {
			continue
		}
		copy(p.epoch[:], plain)
		p.place = int64(binary.BigEndian.Uint64(plain[16:]))
		return p, true
	}
	return position{}, false
}
