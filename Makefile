# Everything that is done with this tree. Each step leaves a stamp, so a second `make` is fast.
# The environment is made by .ci/bootstrap; VENV=DIR puts it elsewhere, PYTHON=... chooses its interpreter.

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
export PIP_CONSTRAINT := $(CURDIR)/.ci/constraints.txt
INSTALLS := pyproject.toml .ci/rooms.py .ci/bootstrap .ci/constraints.txt

.DEFAULT_GOAL := help
.PHONY: help install demo test test-clients compat test-long test-all-pythons crash fuzz s3-tests bench bench-peers gen lint system-deps lock clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.made: .ci/bootstrap
	@sh .ci/bootstrap $(VENV)
	@$(PIP) install 'pip>=25.1'
	@touch $@

# What a user has, what the demo's jobs add, what a developer adds. Editable: a change in the tree is there at once.
$(VENV)/.installed: $(VENV)/.made $(INSTALLS)
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.demo: $(VENV)/.installed
	@$(PIP) install --editable '.[demo]'
	@touch $@

$(VENV)/.developed: $(VENV)/.demo
	@$(PIP) install --group dev
	@touch $@

install: $(VENV)/.installed  ## the environment .venv with `cumulo` in it

demo: $(VENV)/.demo  ## the whole path, from bucket to isolated job to bucket (INPUT=folder KEEP=1 SHORT=1)
	@$(BIN)/python examples/demo/run.py $(if $(INPUT),--input "$(INPUT)") $(if $(KEEP),--keep) $(if $(SHORT),--short)

test: $(VENV)/.developed $(VENV)/compat/.installed  ## every test under 5 s, in random order (the README's use `aws`)
	@$(BIN)/pytest

test-clients: $(VENV)/.developed  ## the Go and TypeScript clients' examples against a real server (needs go and node)
	@$(BIN)/pytest -m long tests/clients

# AWS's clients live in environments of their own, at the versions of their lists: they pin botocore, or are old.
$(VENV)/compat/.installed: tests/compat/requirements.txt
$(VENV)/compat-2022/.installed: tests/compat/requirements-2022.txt
$(VENV)/compat/.installed $(VENV)/compat-2022/.installed: .ci/bootstrap
	@sh .ci/bootstrap $(@D)
	@PIP_CONSTRAINT= $(@D)/bin/python -m pip --quiet --disable-pip-version-check install -r $(filter %.txt,$^)
	@touch $@

compat: $(VENV)/.developed $(VENV)/compat/.installed $(VENV)/compat-2022/.installed  ## AWS's clients against a real server (needs go, node and what `make system-deps` brings)
	@$(BIN)/pytest -m "long or not long" tests/compat

test-long: $(VENV)/.developed $(VENV)/compat/.installed $(VENV)/compat-2022/.installed  ## the tests marked `long`
	@$(BIN)/pytest -m long

test-all-pythons:  ## `make test` with each of Python 3.11, 3.12 and 3.13 that is installed
	@sh .ci/all-pythons test

CYCLES ?= 50
crash: $(VENV)/.developed  ## kill -9 under load, restart, compare with what was acknowledged (CYCLES=50)
	@$(BIN)/python -m tests.crash.engine_loop --cycles $(CYCLES)
	@$(BIN)/python -m tests.crash.server_loop --cycles $(CYCLES)

# The suite is nobody's dependency: it is run from a checkout, in an environment of its own.
SUITE ?=
$(VENV)/s3-suite/.installed: .ci/bootstrap $(SUITE)/requirements.txt
	@sh .ci/bootstrap $(@D)
	@PIP_CONSTRAINT= $(@D)/bin/python -m pip --quiet --disable-pip-version-check install -r $(SUITE)/requirements.txt
	@touch $@

s3-tests: $(VENV)/.developed $(if $(SUITE),$(VENV)/s3-suite/.installed)  ## a checkout of ceph/s3-tests against a real server (SUITE=folder, SELECT=expression of -k)
	@[ -n "$(SUITE)" ] || { echo "s3-tests wants a checkout of https://github.com/ceph/s3-tests: make s3-tests SUITE=folder"; exit 2; }
	@$(BIN)/python .ci/s3_suite.py $(SUITE) --python $(VENV)/s3-suite/bin/python $(if $(SELECT),--select "$(SELECT)",--least 600)

# atheris has wheels for some Pythons only, and is wanted by nothing else.
SECONDS ?= 60
fuzz: $(VENV)/.developed  ## every parser under atheris, for some time in all (SECONDS=60)
	@$(BIN)/python -c 'import atheris' 2>/dev/null || PIP_CONSTRAINT= $(PIP) install --only-binary :all: atheris || \
	  { echo "fuzzing needs atheris, which has no wheel for $$($(BIN)/python --version) here: try VENV=... PYTHON=python3.11"; exit 1; }
	@$(BIN)/python fuzz/run.py --seconds $(SECONDS)

bench: $(VENV)/.developed  ## every script of bench/, each number beside its floor and its target
	@missed=; for script in bench/*.py; do echo "== $$script"; $(BIN)/python $$script || missed="$$missed $$script"; done; \
	  [ -z "$$missed" ] || { echo "a target was missed in:$$missed"; exit 1; }

# Never fails the build, either: what cannot be had is named, and left out of the comparison.
PEER_PACKAGES := rabbitmq-server redis-server nats-server
bench-peers: $(VENV)/.developed  ## the brokers that bench/queue_peers.py holds ours against, and their Python clients
	@sh .ci/system-deps $(PEER_PACKAGES)
	@$(BIN)/python bench/queue_peers.py --peers || echo "bench-peers: the brokers' Python clients are not to be had here"

# Other languages' clients are remade where their toolchains are.
GENERATED := python $(if $(shell command -v go),go) $(if $(shell command -v npm),typescript)
gen: $(VENV)/.developed  ## remake every committed file that is made from another
	@PYTHON=$(BIN)/python bash .ci/gen $(GENERATED)
	@$(BIN)/python .ci/aws_models.py
	@$(BIN)/python .ci/sync_twin.py
	@$(BIN)/python .ci/reference.py

lint: $(VENV)/.developed  ## ruff, mypy --strict, import contracts, buf
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/mypy .ci tests
	@MYPYPATH=fuzz $(BIN)/mypy fuzz
	@MYPYPATH=examples/demo $(BIN)/mypy examples
	@MYPYPATH=bench $(BIN)/mypy bench
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/buf lint protos

lock: $(VENV)/.made  ## remake .ci/constraints.txt, the versions that are tested (then `make gen`)
	@$(PIP) install uv
	@$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --all-extras --group dev \
	  --no-emit-index-url --no-annotate --no-header pyproject.toml --output-file .ci/constraints.txt

# Never fails the build: where a package cannot be had, the part that wants it says so itself when it runs.
SYSTEM_PACKAGES := bubblewrap python3-venv curl rclone restic s3cmd wrk
system-deps:  ## Debian packages that isolation, the environment, `compat` and `bench` want (needs root or sudo)
	@sh .ci/system-deps $(SYSTEM_PACKAGES)

clean:  ## remove what the targets above made
	@rm -rf .venv .links .make dist build demo-out .pytest_cache .mypy_cache .ruff_cache .hypothesis .fuzz
	@find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
