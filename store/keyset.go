package store

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// listKey says where a row stands in a list of people or invitations: its sort key, and its id lest two rows be equal.
type listKey struct {
	Key string
	ID  uuid.UUID
}

func (k listKey) String() string {
	text, _ := json.Marshal(k)
	return base64.RawURLEncoding.EncodeToString(text)
}

// listWindow is which piece of a list is asked for. After and Before come from a URL.
type listWindow struct {
	key      listKey
	given    bool
	backward bool
	limit    int
}

// newListWindow reads the keys of a page; Before wins over After. A key that listKey did not make is *Invalid.
func newListWindow(after, before string, limit int) (w listWindow, err error) {
	w.limit = limit
	if w.limit <= 0 || w.limit > PageSize {
		w.limit = PageSize
	}
	text := after
	if before != "" {
		text, w.backward = before, true
	}
	if text == "" {
		return w, nil
	}
	w.given = true
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(raw, &w.key) != nil || strings.ContainsRune(w.key.Key, 0) {
		return w, invalid("page", "This page of the list does not exist. Start again from the first.")
	}
	return w, nil
}

// cutList takes the surplus row off what a query of limit+1 rows found, puts it in the list's order, and names
// the neighbours.
func cutList[T any](w listWindow, rows []T, key func(T) listKey) (page []T, next, previous string) {
	more := len(rows) > w.limit
	if more {
		rows = rows[:w.limit]
	}
	if w.backward {
		slices.Reverse(rows)
	}
	if len(rows) == 0 {
		return rows, "", ""
	}
	if more || w.backward {
		next = key(rows[len(rows)-1]).String()
	}
	if more && w.backward || w.given && !w.backward {
		previous = key(rows[0]).String()
	}
	return rows, next, previous
}

// cleanSearch makes what was typed fit for a query.
func cleanSearch(text string) string {
	text = cleanLine(text)
	if runes := []rune(text); len(runes) > 200 {
		return string(runes[:200])
	}
	return text
}
