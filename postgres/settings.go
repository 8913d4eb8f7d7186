package postgres

import "strings"

// port never leaves the machine: it is a part of the socket's file name.
const port = "5432"

// settings are the postmaster's arguments. They stand here and not in the
// cluster's postgresql.conf so that an old cluster gets them with a new binary.
// Whoever wants to tune a server wants one of their own, and DATABASE_URL.
func settings(data, socketDir string, durable bool) []string {
	pairs := []string{
		"listen_addresses=",
		`unix_socket_directories="` + socketDir + `"`,
		"unix_socket_permissions=0700",
		"port=" + port,
		"cluster_name=autocrm",
		"timezone=UTC",
		"log_timezone=UTC",
		"lc_messages=C", // reason() and saw() read the log

		// A small machine that also runs AutoCRM.
		"max_connections=100",
		"shared_buffers=128MB",
		"huge_pages=off",
		"jit=off",
		"work_mem=8MB",
		"maintenance_work_mem=64MB",
		"max_wal_size=512MB",
		"checkpoint_timeout=15min",
		"random_page_cost=1.1",
		// Parallel workers talk through /dev/shm, which containers keep at 64 MB.
		"max_parallel_workers_per_gather=0",
		"max_parallel_maintenance_workers=0",

		"logging_collector=off",
		"log_destination=stderr",
		"log_line_prefix=%m [%p] ",
		"log_checkpoints=off",
	}
	if !durable {
		pairs = append(pairs,
			"fsync=off",
			"synchronous_commit=off",
			"full_page_writes=off",
			"wal_level=minimal",
			"max_wal_senders=0",
			// Test packages side by side, each test with a pool of its own.
			"max_connections=300",
		)
	}
	args := []string{"-D", data}
	for _, pair := range pairs {
		args = append(args, "-c", pair)
	}
	return args
}

// environment is what PostgreSQL's programs see of ours. AutoCRM's own
// variables hold secrets, and the server may run as another user; PG…
// variables are meant for another server.
func environment(environ []string) []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		switch name {
		case "PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH":
			env = append(env, pair)
		}
	}
	return env
}
