package main

import (
	"strings"
	"testing"

	"autocrm/store/storetest"
)

// TestNodesStartTogether: of nodes that start at the same moment on an empty database one makes the schema while
// the others wait; and a node of before an upgrade still starts after it.
func TestNodesStartTogether(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	name := db.Owner.Config().ConnConfig.Database
	db.Exec(t, `CREATE DATABASE `+name+`_empty`)
	t.Cleanup(func() { db.Exec(t, `DROP DATABASE `+name+`_empty WITH (FORCE)`) })
	empty := *db
	empty.URL, empty.OwnerURL = strings.Replace(db.URL, name, name+"_empty", 1), strings.Replace(db.OwnerURL, name, name+"_empty", 1)
	var nodes []*program
	for range 3 {
		nodes = append(nodes, start(t, onDatabase(t, &empty, "SECRET_KEY=the same for all nodes"), "serve"))
	}
	migrated := 0
	for _, node := range nodes {
		t.Logf("ready after %d ms", node.ready().Milliseconds())
		migrated += strings.Count(node.said.String(), "migrations")
		if strings.Contains(node.said.String(), "SECRET_KEY") {
			t.Error("nodes with the same key take it for another")
		}
	}
	if migrated != 1 {
		t.Errorf("%d nodes migrated", migrated)
	}

	db.Exec(t, `INSERT INTO migrations.applied (version_id, is_applied) VALUES (99999, true)`)
	before := start(t, onDatabase(t, db), "serve")
	t.Logf("ready %d ms after a start on a newer schema", before.ready().Milliseconds())
}
