package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// activeSQL is the condition as the partial indexes of tickets have it.
const activeSQL = "t.status IN ('new', 'open', 'pending', 'on_hold')"

// condition is the query as SQL about `tickets t`; what it needs is added to args. It finds out in tx what names in
// the query mean to actor: one that means nothing is *InvalidQuery. What narrows is compared by operators that are
// leakproof, so that indexes serve under row-level security, and is never NULL: -x is true exactly where x is not.
func (q Query) condition(ctx context.Context, tx pgx.Tx, actor Actor, args pgx.StrictNamedArgs) (string, error) {
	if q.Root == nil {
		return "true", nil
	}
	c := compiler{ctx: ctx, tx: tx, actor: actor, args: args, now: time.Now()}
	var err error
	if c.named, err = q.resolve(ctx, tx, actor); err != nil {
		return "", err
	}
	sql, err := c.node(q.Root)
	if err != nil {
		return "", err
	}
	return sql, nil
}

type compiler struct {
	ctx   context.Context
	tx    pgx.Tx
	actor Actor
	args  pgx.StrictNamedArgs
	named names
	now   time.Time
}

func (c compiler) arg(v any) string {
	name := fmt.Sprintf("q%d", len(c.args))
	c.args[name] = v
	return "@" + name
}

func (c compiler) node(n Node) (string, error) {
	switch n := n.(type) {
	case And:
		return c.joined(n, " AND ")
	case Or:
		return c.joined(n, " OR ")
	case Not:
		sql, err := c.node(n.Node)
		return "NOT " + sql, err
	case Text:
		sql, err := textCondition(c.ctx, c.tx, n, c.args)
		return "(" + sql + ")", err
	case Term:
		return "(" + c.term(n) + ")", nil
	}
	return "", fmt.Errorf("a query with a %T", n)
}

func (c compiler) joined(parts []Node, between string) (string, error) {
	var all []string
	for _, part := range parts {
		sql, err := c.node(part)
		if err != nil {
			return "", err
		}
		all = append(all, sql)
	}
	return "(" + strings.Join(all, between) + ")", nil
}

func (c compiler) term(t Term) string {
	switch t.Field {
	case FieldStatus:
		// As literals, from a closed list: of a parameter the planner cannot tell that a partial index has it.
		statuses := t.Values
		if slices.Contains(statuses, "active") {
			if len(statuses) == 1 {
				return activeSQL
			}
			statuses = append(slices.Clone(statuses), "new", "open", "pending", "on_hold")
		}
		return literals("t.status", statuses, func(s string) bool { return Status(s).Valid() })
	case FieldPriority:
		return literals("t.priority", t.Values, func(s string) bool { return Priority(s).Valid() })
	case FieldAssignee:
		nobody := slices.Contains(t.Values, "none")
		ids := c.named.people(t, c.actor)
		switch {
		case nobody && len(t.Values) == 1:
			return "t.agent_id IS NULL"
		case nobody:
			return "t.agent_id IS NULL OR t.agent_id = ANY (" + c.arg(ids) + "::uuid[])"
		}
		return "t.agent_id IS NOT NULL AND " + c.isOne("t.agent_id", ids)
	case FieldFrom:
		return c.isOne("t.client_id", c.named.people(t, c.actor))
	case FieldTag:
		var ways []string
		if slices.Contains(t.Values, "none") {
			ways = append(ways, "NOT EXISTS (SELECT FROM ticket_tags x WHERE x.ticket_id = t.id)")
		}
		if ids := c.named.tags(t); len(ids) > 0 {
			ways = append(ways, "EXISTS (SELECT FROM ticket_tags x WHERE x.ticket_id = t.id AND "+c.isOne("x.tag_id", ids)+")")
		}
		return strings.Join(ways, " OR ")
	case FieldCreated:
		return c.spans(t, "t.created_at", "")
	case FieldUpdated:
		if c.actor.Role == Client {
			return c.spans(t, "t.client_updated_at", "")
		}
		return c.spans(t, "t.updated_at", "")
	case FieldResolved:
		return c.spans(t, "t.resolved_at", "t.resolved_at IS NOT NULL AND ")
	case FieldHas:
		return "EXISTS (SELECT FROM attachments x WHERE x.ticket_id = t.id)"
	case FieldNumber:
		return c.numbers(t)
	case FieldIs:
		var ways []string
		for _, value := range t.Values {
			switch value {
			case "unanswered":
				ways = append(ways, "t.waiting_since IS NOT NULL AND "+activeSQL)
			case "snoozed":
				ways = append(ways, "t.snoozed_until IS NOT NULL AND t.snoozed_until > "+c.arg(c.now))
			}
		}
		return strings.Join(ways, " OR ")
	}
	return "false"
}

func literals(column string, values []string, valid func(string) bool) string {
	var quoted []string
	for _, v := range values {
		if valid(v) && !slices.Contains(quoted, "'"+v+"'") {
			quoted = append(quoted, "'"+v+"'")
		}
	}
	if len(quoted) == 0 {
		return "false"
	}
	return column + " IN (" + strings.Join(quoted, ", ") + ")"
}

// isOne compares with one id as with one: of a list the planner knows no order.
func (c compiler) isOne(column string, ids []uuid.UUID) string {
	if len(ids) == 1 {
		return column + " = " + c.arg(ids[0])
	}
	return column + " = ANY (" + c.arg(ids) + "::uuid[])"
}

func (c compiler) spans(t Term, column, known string) string {
	var ways []string
	for _, span := range t.spans(c.now) {
		var ends []string
		if !span[0].IsZero() {
			ends = append(ends, column+" >= "+c.arg(span[0]))
		}
		if !span[1].IsZero() {
			ends = append(ends, column+" < "+c.arg(span[1]))
		}
		ways = append(ways, known+strings.Join(ends, " AND "))
	}
	return strings.Join(ways, " OR ")
}

func (c compiler) numbers(t Term) string {
	switch t.Compare {
	case Equal:
		return "t.number = ANY (" + c.arg(t.numbers()) + "::bigint[])"
	case Between:
		var ends []string
		if t.Values[0] != "" {
			ends = append(ends, "t.number >= "+c.arg(readNumber(t.Values[0])))
		}
		if t.Values[1] != "" {
			ends = append(ends, "t.number <= "+c.arg(readNumber(t.Values[1])))
		}
		return strings.Join(ends, " AND ")
	}
	return "t.number " + string(t.Compare) + " " + c.arg(readNumber(t.Values[0]))
}

func (t Term) numbers() (numbers []int64) {
	for _, v := range t.Values {
		numbers = append(numbers, readNumber(v))
	}
	return numbers
}
