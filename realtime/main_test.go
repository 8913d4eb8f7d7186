package realtime

import (
	"testing"

	"autocrm/store/storetest"
)

func TestMain(m *testing.M) { storetest.Main(m) }
