package store_test

import (
	"testing"

	"autocrm/store"
	"autocrm/store/storetest"
)

func TestPersonExists(t *testing.T) {
	db := storetest.New(t)
	a := db.Person(t, store.Agent, "ana@example.com")
	t.Logf("%s", a.Claims)
}
