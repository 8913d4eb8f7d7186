// Package autocrm_test holds the table of which package may import which.
package autocrm_test

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed lists what each package imports of ours. One that is missing may import nothing of ours; what starts
// with cmd or bench wires everything.
var allowed = map[string][]string{
	"autocrm/web":             {"autocrm/handlers", "autocrm/static", "autocrm/store", "autocrm/views", "autocrm/web/auth"},
	"autocrm/web/auth":        {"autocrm/store"},
	"autocrm/doctor":          {"autocrm/handlers", "autocrm/store", "autocrm/web/auth"},
	"autocrm/handlers":        {"autocrm/realtime", "autocrm/static", "autocrm/store", "autocrm/views", "autocrm/views/ui"},
	"autocrm/views":           {"autocrm/static", "autocrm/store", "autocrm/views/markdown", "autocrm/views/ui"},
	"autocrm/views/ui":        {"autocrm/static"},
	"autocrm/realtime":        {"autocrm/store"},
	"autocrm/store/storetest": {"autocrm/migrations", "autocrm/postgres", "autocrm/store"},
}

func TestImportsRunOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&pkg); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(pkg.ImportPath, "autocrm/cmd/") || pkg.ImportPath == "autocrm/bench" {
			continue
		}
		for _, imported := range pkg.Imports {
			if strings.HasPrefix(imported, "autocrm/") && !slices.Contains(allowed[pkg.ImportPath], imported) {
				t.Errorf("%s imports %s", pkg.ImportPath, imported)
			}
		}
	}
}
