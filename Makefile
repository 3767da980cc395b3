.DEFAULT_GOAL := help
.PHONY: help setup up demo test chaos unit check audit fmt gas campaign bench fuzz mutants clean

help:   ## what there is (this list)
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

setup:  ## install what the project needs, where it may
	@scripts/setup.sh

up:     ## the whole market on this machine, until Ctrl-C
	@PARTS=frontend scripts/with_engine.sh draas up

demo:   ## the main job on this machine, and an audit of every balance
	@scripts/with_engine.sh python -m cli.demo

test:   ## every check and every test
	@scripts/test.sh

chaos:  ## the market in a storm of kills and reorganisations, and an audit (SCHEDULERS=2: two, on PostgreSQL)
	@scripts/chaos.sh $(if $(SEED),--seed $(SEED)) $(if $(SCHEDULERS),--schedulers $(SCHEDULERS))

unit:   ## the fast tests
	@scripts/setup.sh python && .venv/bin/python -m pytest -q tests/unit

check:  ## formatting, lint, types, import laws
	@scripts/check.sh

audit:  ## solhint and Slither over the contracts
	@scripts/audit.sh

fmt:    ## format Python and Solidity
	@scripts/fmt.sh

gas:    ## what each step costs on-chain, and the least it could
	@scripts/gas.sh

campaign: ## the laws of the money under a million random calls, or more
	@scripts/campaign.sh

bench:  ## how fast it is, next to what was promised
	@scripts/bench.sh

fuzz:   ## anything, sent to the API of a real scheduler
	@scripts/fuzz_api.sh

mutants: ## a million damaged inputs, through every parser of what strangers send
	@scripts/fuzz_parsers.sh

clean:  ## remove all that was installed or built here, and our containers
	@scripts/clean.sh
