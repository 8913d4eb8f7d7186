package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// What a caller may tell apart. Every other error is an inside failure: its text is for the log alone.
var (
	ErrNotFound  = errors.New("not found") // also what the actor may not see
	ErrForbidden = errors.New("not allowed")
	ErrConflict  = errors.New("changed by somebody else meanwhile")
	ErrFiles     = errors.New("the store of files fails") // its disk is full, say; an Upload's *Invalid that is this too
	// ErrUnavailable: the database could not be reached, or did not answer in time. A change may stand all the same.
	ErrUnavailable = errors.New("the database does not answer")
)

// Invalid says in words, by form field, what is wrong with the input. Nothing was changed.
type Invalid struct {
	Fields map[string]string // field name, as the form calls it -> a sentence for a person; "" is the form as a whole
}

func (e *Invalid) Error() string {
	parts := make([]string, 0, len(e.Fields))
	for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
		parts = append(parts, strings.TrimPrefix(field+": "+e.Fields[field], ": "))
	}
	return strings.Join(parts, "; ")
}

// Conflict says in words what somebody else did meanwhile. It is an ErrConflict; nothing was changed.
type Conflict struct{ Message string }

func (e *Conflict) Error() string { return e.Message }

// Is makes errors.Is(err, ErrConflict) true.
func (e *Conflict) Is(target error) bool { return target == ErrConflict }

// Moved says that others wrote on the ticket what the author of a message had not seen. It is an ErrConflict; nothing
// was written.
type Moved struct{}

func (e *Moved) Error() string { return "others wrote on the ticket meanwhile" }

// Is makes errors.Is(err, ErrConflict) true.
func (e *Moved) Is(target error) bool { return target == ErrConflict }

// invalid makes an Invalid of one field.
func invalid(field, format string, args ...any) *Invalid {
	return &Invalid{Fields: map[string]string{field: fmt.Sprintf(format, args...)}}
}

// translate turns what the database refuses by rule into the error a caller may tell apart.
func translate(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return unavailable(err)
	}
	switch {
	case pg.ConstraintName == "users_last_admin":
		return invalid("", "This is the last active admin. Make somebody else an admin first.")
	case pg.ConstraintName == "ticket_activities_moved_on":
		return &Moved{}
	case pg.ConstraintName == "tickets_merged_is_closed":
		return invalid("", "This ticket was merged into another and stays closed. Undo the merge first.")
	case pg.Code == "42501": // insufficient_privilege, which a policy's WITH CHECK raises too
		return fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	return unavailable(err)
}

// unavailable marks the errors that pass when the database is back, or has less to do.
func unavailable(err error) error {
	var refused *pgconn.ConnectError
	var lost *net.OpError
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &refused), errors.As(err, &lost), errors.Is(err, io.ErrUnexpectedEOF):
	case errors.As(err, &pg) && slices.Contains([]string{
		"57P01", "57P02", "57P03", // the server stops, crashed or is starting
		"53300", // too many connections
		"57014", // the statement took too long
		"25006", // a standby, which takes no changes
	}, pg.Code):
	default:
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// wrap names the verb in front of an inside failure.
func wrap(err *error, format string, args ...any) {
	if *err != nil {
		*err = fmt.Errorf(format+": %w", append(args, *err)...)
	}
}
