# Everything a developer does with AutoCRM. `make` alone lists it.

MAKEFLAGS += --no-print-directory --no-builtin-rules
.NOTPARALLEL:
.DEFAULT_GOAL := help

# One line that changes when any generated file does, appears or goes.
generated_sum = find . -name '*_templ.go' -exec cksum {} + | sort | cksum

.PHONY: help
help: ## List the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## Run AutoCRM with demo data; installs PostgreSQL where there is none
	@.ci/setup postgresql
	@$(MAKE) serve

.PHONY: dev
dev: ## The same, built anew whenever a .go or .templ file changes
	@.ci/setup postgresql
	go tool templ generate --watch --open-browser=false --cmd="$(MAKE) serve"

# What run and dev start. exec: signals go to AutoCRM, with no shell between.
.PHONY: serve
serve: build
	@exec bin/autocrm serve --demo

.PHONY: build
build: ## Build bin/autocrm
	@echo "building bin/autocrm$$([ -e bin/autocrm ] || echo ', which takes some minutes the first time')"
	@go build -o bin/autocrm ./cmd/autocrm

.PHONY: generate
generate: ## Generate Go code from the templ files
	go tool templ generate

# Caddy is built first, once: the tests of two packages want it, and the first time takes a minute.
.PHONY: test
test: ## Run everything that must pass; installs PostgreSQL, Chromium and three proxies where missing
	@.ci/setup postgresql chromium nginx haproxy apache compiler
	@$(MAKE) lint
	@go -C deploy/deploytest/caddy tool -n caddy >/dev/null
	go test -race -vet=off -timeout=20m ./...

# vet with -race reads what the race build of the tests compiles anyway.
.PHONY: lint
lint: ## Check what needs no test: formatting, generated code, go.mod, vet
	@unformatted=$$(find . -name '*.go' -not -path './tmp/*' -exec "$$(go env GOROOT)/bin/gofmt" -l {} +); if [ -n "$$unformatted" ]; then \
		echo "not formatted, run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	@before=$$($(generated_sum)); go tool templ generate -log-level=warn || exit 1; \
	if [ "$$before" != "$$($(generated_sum))" ]; then \
		echo "the generated code was not current; it is now: commit the *_templ.go files"; exit 1; fi
	go mod tidy -diff
	go vet -race ./...

FUZZTIME = 1m

.PHONY: fuzz
fuzz: ## Fuzz every parser for a minute each, or for FUZZTIME=10m
	@.ci/setup postgresql
	@grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z]*\)(.*/\1/p' "$$file"); do \
			echo "$$target, $$(dirname "$$file")"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5s "$$(dirname "$$file")" || exit 1; \
		done; done

.PHONY: vuln
vuln: ## Ask vuln.go.dev whether anything that the program reaches has a known hole
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

.PHONY: bench
bench: ## Measure start, memory, pages at 10,000 tickets and 1,000 streams; takes two minutes
	@.ci/setup postgresql
	@go run ./bench

.PHONY: chaos
chaos: ## Break PostgreSQL, the network, the disk and nodes at full length; takes some minutes
	@.ci/setup postgresql nginx compiler
	AUTOCRM_CHAOS=long go test -race -count=1 -timeout=20m -v ./chaos

.PHONY: screenshots
screenshots: ## Make the pictures of docs/images anew from the demo data
	@.ci/setup postgresql chromium nginx
	@mkdir -p docs/images
	AUTOCRM_SCREENSHOTS="$(CURDIR)/docs/images" go test -count=1 -run '^TestScreenshots$$' ./browser

.PHONY: bench-live
bench-live: ## Measure 5,000 streams beside a bare loop that only writes; takes ten minutes
	@.ci/setup postgresql
	@go run ./bench live

.PHONY: bench-desk
bench-desk: ## Measure the desk at a million tickets; DESK_DATA=folder keeps them for the next time
	@.ci/setup postgresql
	@go run ./bench desk

.PHONY: clean
clean: ## Remove what was built; the data in .autocrm stays
	rm -rf bin
