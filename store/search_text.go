package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// textCondition is the SQL condition on `tickets t` that text holds; what it needs is added to args.
func textCondition(_ context.Context, _ pgx.Tx, text Text, args pgx.StrictNamedArgs) (string, error) {
	if !hasWord(text.Words) {
		return "false", nil
	}
	name := fmt.Sprintf("text%d", len(args))
	args[name] = strings.ToLower(text.Words)
	return "strpos(lower(t.subject), @" + name + ") > 0", nil
}
