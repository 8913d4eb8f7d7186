package migrations

import (
	"strconv"
	"strings"
)

// Versions lists the numbers of the migrations that a current database has.
func Versions() (versions []int64) {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // they are embedded
	}
	for _, entry := range entries {
		number, _, _ := strings.Cut(entry.Name(), "_")
		if version, err := strconv.ParseInt(number, 10, 64); err == nil {
			versions = append(versions, version)
		}
	}
	return versions
}
