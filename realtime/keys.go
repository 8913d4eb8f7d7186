package realtime

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"

	"github.com/jackc/pgx/v5"
)

// keyLocks is the first half of the advisory locks by which nodes show each other their keys.
const keyLocks = 0x6b657973

// compareKeys shows the key this node seals with for as long as conn stands, and warns where another node shows
// one that this node does not have: pages would get `resync`, and API clients 401, whenever a balancer leads them
// there. What is shown are 31 bits of a hash: they tell keys apart, and nothing about them.
func (h *Hub) compareKeys(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock_shared($1, $2)`, keyLocks, h.sealer.prints[0]); err != nil {
		return err
	}
	var strangers int
	err := conn.QueryRow(ctx, `
		SELECT count(*) FROM pg_locks
		WHERE locktype = 'advisory' AND objsubid = 2 AND classid::bigint = $1 AND NOT objid::bigint = ANY($2)
		  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
		keyLocks, h.sealer.prints).Scan(&strangers)
	if err == nil && strangers > 0 {
		h.logger.Error("other nodes on this database run with another SECRET_KEY: give all of them the same", "nodes", strangers)
	}
	return err
}

// printOf is what a secret is told apart from others by.
func printOf(secret string) (int32, error) {
	print, err := hkdf.Key(sha256.New, []byte(secret), nil, "autocrm key print", 4)
	if err != nil {
		return 0, err
	}
	return int32(binary.BigEndian.Uint32(print) >> 1), nil
}
