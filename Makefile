# Everything a person or a pipeline does with this tree. `make help` lists it.
# ARGS passes options on: make demo ARGS="--keep /some/folder", make test ARGS="format lint".

SHELL  := /bin/bash
PYTHON ?= python3
ARGS   ?=
SECONDS ?= 60
MINUTES ?= 10
SEED   ?=
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCK   := $(BIN)/pip-compile --quiet --extra dev --allow-unsafe --strip-extras --no-annotate --no-header \
          --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --resolver backtracking

.PHONY: help test coverage demo bench flame micro fuzz soak reliability lock words docs fmt clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 13

test: $(STAMP) ## every gate: format, lint, types, import contracts, words, docs, tests
	@.ci/prepare \
	    'command -v sshd' openssh-server 'tests marked needs_sshd (a real OpenSSH server)' \
	    'command -v systemd-analyze' systemd 'tests marked needs_systemd (unit files)' \
	    'command -v lftp' lftp 'the lftp client in tests/interop' \
	    'command -v proftpd' proftpd-mod-crypto 'the ProFTPD server in tests/interop' \
	    'command -v strace' strace 'tests marked needs_strace (faults in the system calls of real daemons)' \
	    'command -v clamd' clamav-daemon 'the virus scanner in tests/unit/scanning and tests/unit/stages'
	@PATH="$$PATH:/usr/sbin:/sbin" $(BIN)/python .ci/gates.py $(ARGS)

# To count lines doubles the processor time of a test, so it is not part of every run. What tests/e2e and the like try again as
# a whole, with daemons, is measured here where it is tried in parts.
coverage: $(STAMP) ## branch coverage of the tests that start no daemon, and its floor
	@PATH="$$PATH:/usr/sbin:/sbin" $(BIN)/pytest -n auto --dist worksteal --cov --cov-report= --cov-fail-under=0 \
	    tests/unit tests/contract tests/property
	@$(BIN)/coverage report --skip-covered

demo: $(STAMP) ## a province of seven nodes on loopback; ARGS="--keep DIR" leaves it to be toured
	@$(BIN)/caseferry demo $(ARGS)

bench: $(STAMP) ## this project and its peers side by side; ARGS="--quick": under three minutes; ARGS="--only small": one of them
	@.ci/prepare \
	    'command -v sshd' openssh-server 'the bare sftp put and every peer' \
	    'command -v gpg && command -v gpg-agent' gnupg 'the peer gpg' \
	    'command -v age' age 'the peer age' \
	    'command -v nncp-file' nncp 'the peer NNCP' \
	    'command -v zstd' zstd 'the peers gpg, age and NNCP'
	@PATH="$$PATH:/usr/sbin:/sbin" $(BIN)/python -m benchmarks $(ARGS)

# py-spy is not in the lock: only this target needs it, and it must be allowed to look into other processes.
flame: $(STAMP) ## draw where the processor time of two daemons goes, into docs/flames; ARGS="--size 1024": of one large export
	@test -x $(BIN)/py-spy || $(PIP) install 'py-spy>=0.4,<1'
	@$(BIN)/python -m benchmarks.flame $(ARGS)

micro: $(STAMP) ## the hot paths one by one; ARGS="-k ledger": only these
	@$(BIN)/pytest -q benchmarks/micro $(ARGS)

# atheris is not in the lock: 35 MB that only this target needs, and not built for every Python and machine.
fuzz: $(STAMP) ## every parser under fire, SECONDS=60 for each; ARGS="zip xml": only these; else property tests too
	@$(BIN)/python -c 'import atheris' 2>/dev/null || $(PIP) install 'atheris>=3,<4'
	@$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(ARGS)
	@test -n '$(ARGS)' || HYPOTHESIS_PROFILE=fuzz $(BIN)/pytest -n auto --timeout 3600 tests/property

soak: $(STAMP) ## four nodes under random faults for MINUTES=10 (SEED=...), then the slow matrices; ARGS="-k kill": only these
	@test -n '$(ARGS)' || $(BIN)/python -m tests.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))
	@$(BIN)/pytest -n auto --timeout 3600 -m soak $(ARGS)

reliability: $(STAMP) ## the whole kill-anywhere matrix; writes its table into docs/reliability.md; ARGS="--stride 4" thins it out
	@.ci/prepare 'command -v strace' strace 'faults in the system calls of real daemons'
	@$(BIN)/python -m tests.fault $(ARGS)

lock: $(STAMP) ## resolve pyproject.toml anew into requirements.lock
	@{ echo '# Made by `make lock` from pyproject.toml; `make test` installs exactly these versions.'; \
	   $(LOCK) --upgrade --output-file - pyproject.toml; } > requirements.lock.new
	@mv requirements.lock.new requirements.lock

words: $(STAMP) ## bring the catalogue up to date: extract, merge, compile; names what is untranslated
	@$(BIN)/python -m tests.support.catalogue make

docs: $(STAMP) ## write the generated pages of docs/ anew
	@$(BIN)/python -m tests.support.pages make

fmt: $(STAMP) ## format, and mend what the linter can mend
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --fix .

clean: ## remove everything that is made
	rm -rf $(VENV) build *.egg-info .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .fuzz .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The lock names every version; the project itself is then added without asking an index for anything.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "make: $(PYTHON) is older than 3.11; name a newer one: make PYTHON=python3.12 ..."; exit 1; }
	@.ci/prepare '$(PYTHON) -c "import ensurepip, venv"' python3-venv 'everything'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "make: installing the locked dependencies into $(VENV)"
	@$(PIP) install --requirement requirements.lock
	@PYTHONWARNINGS=ignore $(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@
