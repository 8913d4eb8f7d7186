package store

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"
)

// SlowDown says that too many attempts went before, and how long to wait. Nothing was tried.
type SlowDown struct{ RetryAfter time.Duration }

func (e *SlowDown) Error() string { return fmt.Sprintf("too many attempts: wait %s", e.RetryAfter) }

// An account allows few mistakes, an address more: a whole office may share one. After them each further
// attempt waits twice as long as the one before, up to slowest, so an attacker gets some hundred guesses a day
// and a person who is being attacked still gets in. A quiet time of forgetAfter starts anew.
const (
	freeByAccount = 5
	freeByAddress = 30
	freeSignUps   = 10
	slowest       = 5 * time.Minute
	forgetAfter   = time.Hour
)

// attempt is a guess that has been counted before it is made. Twenty that come at once are therefore counted
// one after the other, and none slips past while another is being verified.
type attempt struct{ account, address []byte }

// reserveGuess counts one guess against the account and the address, or returns *SlowDown and counts nothing:
// who is refused does not wait longer for having asked.
func (s *Store) reserveGuess(ctx context.Context, email, address string) (attempt, error) {
	a := attempt{account: throttleKey("account", emailKey(email)), address: throttleKey("address", network(address))}
	err := s.signingIn(ctx, func(tx pgx.Tx) error {
		// Always the address first: two transactions that lock crosswise would end in a deadlock.
		if err := reserve(ctx, tx, a.address, freeByAddress); err != nil {
			return err
		}
		return reserve(ctx, tx, a.account, freeByAccount)
	})
	return a, err
}

// reserveSignUp counts a new account against the address, so that nobody makes thousands or tries out which
// addresses have one.
func (s *Store) reserveSignUp(ctx context.Context, address string) error {
	return s.signingIn(ctx, func(tx pgx.Tx) error {
		return reserve(ctx, tx, throttleKey("sign-up", network(address)), freeSignUps)
	})
}

func reserve(ctx context.Context, tx pgx.Tx, key []byte, free int) error {
	// clock_timestamp, not now: this may have waited for the row, and now() is when the transaction began.
	var counted, wait float64
	err := tx.QueryRow(ctx, `
		WITH counted AS (
			INSERT INTO sign_in_failures AS f (key, failures, last_at) VALUES (@key, 1, clock_timestamp())
			ON CONFLICT (key) DO UPDATE SET
				failures = CASE WHEN f.last_at < clock_timestamp() - @forget::interval THEN 1 ELSE f.failures + 1 END,
				last_at = clock_timestamp()
			WHERE f.failures < @free OR clock_timestamp() >= f.last_at
				+ least(@slowest::interval, interval '1 second' * power(2, least(f.failures - @free, 20)))
			RETURNING 1)
		SELECT
			(SELECT count(*) FROM counted),
			coalesce((SELECT extract(epoch FROM last_at - clock_timestamp()
				+ least(@slowest::interval, interval '1 second' * power(2, least(failures - @free, 20))))
				FROM sign_in_failures WHERE key = @key), 0)`,
		pgx.StrictNamedArgs{"key": key, "free": free, "slowest": slowest, "forget": forgetAfter}).Scan(&counted, &wait)
	if err != nil {
		return err
	}
	if counted == 0 {
		return &SlowDown{RetryAfter: time.Duration(math.Max(1, math.Ceil(wait))) * time.Second}
	}
	// Now and then whoever comes sweeps: rows nobody asks about any more would only pile up.
	if rand.IntN(100) == 0 {
		_, err = tx.Exec(ctx, `DELETE FROM sign_in_failures WHERE key IN (
			SELECT key FROM sign_in_failures WHERE last_at < clock_timestamp() - interval '1 day' FOR UPDATE SKIP LOCKED LIMIT 1000)`)
	}
	return err
}

// forgive takes the guess back that turned out to be right: the account starts anew, the address, where others
// may be guessing, has one the less.
func (a attempt) forgive(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `UPDATE sign_in_failures SET failures = greatest(failures - 1, 0) WHERE key = $1`, a.address); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM sign_in_failures WHERE key = $1`, a.account)
	return err
}

func throttleKey(kind, name string) []byte {
	sum := sha256.Sum256([]byte(kind + "\x00" + name))
	return sum[:]
}

// network is the address as it is counted: an IPv6 subscriber owns a /64, and could come from another of its
// addresses each time.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap(); ip.Is6() {
		prefix, _ := ip.WithZone("").Prefix(64)
		return prefix.String()
	}
	return ip.String()
}
