# Footfall. `make run` starts everything, `make test` proves everything; both install what they need.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export CARGO_TARGET_DIR ?= $(CURDIR)/target
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD := 1

COMPONENT := edge/spin/dist/edge.wasm
POLICY_COMPONENT := edge/spin/dist/edge-policy.wasm
BINARY := $(CARGO_TARGET_DIR)/release/footfall
export FOOTFALL_BIN ?= $(BINARY)
export FOOTFALL_EDGE_COMPONENT ?= $(CURDIR)/$(COMPONENT)
NPM_CI := npm ci --no-audit --no-fund --loglevel=error

.PHONY: help run test bench fuzz build client tracker component edge-cloudflare edge-cloudflare-testing binary setup-build setup-worker setup-test FORCE

help: ## What can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | column -ts $$'\t'

run: build ## Build what is missing and start origin, edge and demo shop until Ctrl-C
	@exec $(BINARY) dev

test: build client edge-cloudflare edge-cloudflare-testing setup-test tests/browser/node_modules tests/runner-jco/node_modules ## Prove everything: formats, lints, unit, property, store, contract, end to end
	@scripts/test.sh

bench: build edge-cloudflare ## Measure, as ratios and percentiles from one run
	@scripts/bench.sh

build: component component-policy policy-example binary ## The components, the example policy and the release binary

tracker: edge/tracker/dist/t.js ## The browser snippet

component: $(COMPONENT) ## The edge component that spin.toml names

component-policy: $(POLICY_COMPONENT) ## The edge component that takes a shop's own policy

binary: setup-build ## The binary `footfall` with the embedded edge host
	@echo "· building the footfall binary (a first build takes some minutes)"
	@cargo build --release -p footfall --features edge-host

.PHONY: edge-spin image
# Recursive, so that nobody looks for a container tool who wants no image.
CONTAINER ?= $(shell command -v podman docker | head -n 1)
IMAGE ?= footfall

edge-spin: component ## The edge for Spin: build it and say how to run it
	@command -v spin >/dev/null && spin --version || echo "· spin is not installed here; version 4 is at https://spinframework.dev"
	@echo "· run it, as docs/deploy/spin.md tells: SPIN_VARIABLE_EDGE_KEYS=… SPIN_VARIABLE_ORIGIN_URL=https://origin.example spin up"

image: ## The container image of origin and edge, with podman or docker
	@if [[ -z "$(CONTAINER)" ]]; then echo "make image needs podman or docker, or CONTAINER=… that builds like them" >&2; exit 1; fi
	@$(CONTAINER) build --file Containerfile --tag $(IMAGE) .

edge/tracker/node_modules: edge/tracker/package-lock.json
	@cd edge/tracker && $(NPM_CI) && touch node_modules

edge/tracker/dist/t.js: edge/tracker/node_modules $(wildcard edge/tracker/src/*) edge/tracker/build.mjs
	@echo "· building the tracker"
	@cd edge/tracker && npm run --silent build

tests/browser/node_modules: tests/browser/package-lock.json
	@cd tests/browser && $(NPM_CI) && touch node_modules

tests/runner-jco/node_modules: tests/runner-jco/package-lock.json
	@cd tests/runner-jco && $(NPM_CI) && touch node_modules

clients/typescript/node_modules: clients/typescript/package-lock.json
	@cd clients/typescript && $(NPM_CI) && touch node_modules

client: binary clients/typescript/node_modules ## The TypeScript client, typed from the OpenAPI document
	@echo "· building the TypeScript client"
	@$(BINARY) openapi > clients/typescript/openapi.json
	@cd clients/typescript && npm run --silent generate >/dev/null && npm run --silent typecheck && npm run --silent build -- --log-level=error

edge/spin/node_modules: edge/spin/package-lock.json
	@cd edge/spin && $(NPM_CI) && touch node_modules

# Cargo knows best what has changed; the copy is renewed only when the component did.
define build-component
@cargo build -p footfall-edge-spin --target wasm32-wasip2 --profile release-wasm $(1)
@built="$(CARGO_TARGET_DIR)/wasm32-wasip2/release-wasm/footfall_edge_spin.wasm"; \
if [[ ! -f $@ || $$built -nt $@ ]]; then mkdir -p $(@D); node scripts/shrink-component.mjs "$$built" $@; fi
endef

$(COMPONENT): setup-build edge/tracker/dist/t.js edge/spin/node_modules FORCE
	@echo "· building the edge component"
	$(call build-component,)

# The same file of cargo's, so one after the other.
$(POLICY_COMPONENT): $(COMPONENT)
	@echo "· building the edge component that takes a shop's own policy"
	$(call build-component,--features policy)

policy-example: setup-build ## The example of a shop's own policy, in wit/examples
	@echo "· building the example policy"
	@cd wit/examples/no-pressure && cargo build --quiet --release --target wasm32-wasip2 --locked --target-dir "$(CARGO_TARGET_DIR)/policy-example"

edge/cloudflare/node_modules: edge/cloudflare/package-lock.json
	@cd edge/cloudflare && $(NPM_CI) && touch node_modules

edge-cloudflare: setup-worker edge/tracker/dist/t.js edge/cloudflare/node_modules ## The Cloudflare Worker that wrangler.toml names
	@echo "· building the Worker"
	@edge/cloudflare/build.sh build

# The Worker with the routes of its tests; never deployed.
edge-cloudflare-testing: setup-worker edge/tracker/dist/t.js edge/cloudflare/node_modules
	@edge/cloudflare/build.sh build-testing

setup-build:
	@scripts/setup-build.sh

setup-worker: setup-build
	@scripts/setup-worker.sh

setup-test:
	@scripts/setup-test.sh

FORCE:

FUZZ_SECONDS ?= 60
fuzz: edge/tracker/dist/t.js ## Fuzz each boundary for FUZZ_SECONDS (stable Rust; needs cargo-fuzz)
	@command -v cargo-fuzz >/dev/null || cargo install --quiet --locked cargo-fuzz
	@for target in edge_request woocommerce_payload keys_and_signatures; do \
	  echo "· fuzzing $$target"; \
	  RUSTC_BOOTSTRAP=1 cargo fuzz run $$target --sanitizer none -- -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -verbosity=0 || exit 1; \
	done
