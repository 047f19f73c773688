# Everything a newcomer types. Each target makes its own environment first; nothing is installed by hand.
#   make demo    a month of a small MSP, patched on the lab      make lab    the lab, up, to play with
#   make test    the tests, but for those of whole months        make months  these
#   make bench   the measurements
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
LINK := .ansible/collections/ansible_collections/msp/patching
STAMP := $(VENV)/.made
REQUIREMENTS := requirements.txt requirements-postgresql.txt requirements-s3.txt lab/requirements.txt tests/requirements.txt

# What tools leave in a home folder would change what is tested: a stale copy of the collection in
# ~/.ansible shadows the checkout, and a proxy must not stand between us and the loopback.
# Each of the many runs would compile all of Ansible anew where Python may not keep what it compiled.
unexport PYTHONDONTWRITEBYTECODE
export ANSIBLE_HOME := $(CURDIR)/.ansible
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
export NO_PROXY := 127.0.0.1,localhost
export no_proxy := 127.0.0.1,localhost
# Who became root by `su` does not look into sbin, where PostgreSQL's tests find useradd
export PATH := $(BIN):$(PATH):/usr/sbin:/sbin
export PYTHONPATH := $(CURDIR)
# Libraries that are here for a tool of the tests and on no control node: Ansible does not find them
lint-yaml lint-ansible unit unit-quick integration months molecule: export PYTHONPATH := $(CURDIR)/tests/absent:$(CURDIR)

# the bundles of the newest Ansible do not have the collection awx.awx
HAS_AWX := python -c "import sys; from tests.unit.collection.commands import HAS_AWX; sys.exit(not HAS_AWX)"

.PHONY: help
help: ## What there is to type
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: environment
environment: $(STAMP) $(LINK) ## The Python environment in .venv (made by the other targets when needed)

$(STAMP): $(REQUIREMENTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: $(PYTHON) is $$($(PYTHON) -V): Python 3.11 or newer is needed (make PYTHON=python3.12 …)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "make: $(PYTHON) cannot make environments: on Debian, apt-get install python3-venv" >&2; exit 1; }
	@echo "making the environment in $(VENV) (about a minute, once)"
	@$(PYTHON) -m venv --clear $(VENV)
	@# that of Debian 12 takes twice as long; where no newer one can be had it does as well
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip || true
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile $(REQUIREMENTS:%=-r %)
	@touch $@

$(LINK):
	@mkdir -p $(@D)
	@ln -sfn ../../../.. $@

.PHONY: demo
demo: environment ## A month of patching at a small MSP, on the lab, to watch: some three minutes
	@python -m lab.demo

.PHONY: lab
lab: environment ## The lab, up until Ctrl-C: prints its URLs, credentials and an inventory to play with
	@python -m lab up --fleet lab/fleets/demo.yml

# Where several run side by side, each says in each of its lines who it is
SIDE_BY_SIDE := $(MAKE) --no-print-directory NAMED=yes -j
SAYS = $(if $(NAMED),2>&1 | sed -u 's/^/$@: /')

.PHONY: lint lint-python lint-yaml lint-ansible
lint: environment ## ruff, mypy strict, yamllint, changelog, ansible-lint, documentation
	@+$(SIDE_BY_SIDE) lint-ansible lint-python lint-yaml

lint-python:
	@ruff check --quiet . $(SAYS)
	@{ ruff format --check --quiet . || { ruff format --check .; exit 1; }; } $(SAYS)
	@mypy -p ansible_collections.msp.patching.plugins -p lab -p tests $(SAYS)

lint-yaml:
	@yamllint --strict . $(SAYS)
	@antsibull-changelog lint $(SAYS)

lint-ansible:
	@# the inventory of the checkout needs an Automate server, which a syntax check has no use for
	@$(HAS_AWX) && config=.ansible-lint-all || config=.ansible-lint; \
	  ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=false ansible-lint -c $$config --profile production --offline -q $(SAYS)
	@antsibull-docs lint-collection-docs --plugin-docs . $(SAYS)

.PHONY: pre-commit
pre-commit: environment ## Has git look at each commit, with the hooks of .pre-commit-config.yaml
	@pre-commit install

.PHONY: unit unit-quick
unit: environment ## The pure core by tables and properties, the lab, the consistency of the collection; some of it waits for a disk
	@pytest tests/unit -q -n 3 --dist worksteal $(SAYS)

unit-quick:
	@pytest tests/unit -q -n 3 --dist worksteal -m 'not slow' $(SAYS)

.PHONY: integration
integration: environment ## Plugins, roles and playbooks on the lab; they wait for it more than they compute
	@pytest tests/integration -q -n 5 --dist loadfile --no-loadscope-reorder --durations 12 -m 'not month' $(SAYS)

.PHONY: months
months: environment ## Two whole months on the lab, beside each other: the demonstration's, and one in which chance breaks things
	@pytest tests/integration -q -n 2 --dist loadfile -m month

.PHONY: browser
browser: environment ## The report's page in a real browser, where a Chromium is there
	@tests/browser.sh

.PHONY: molecule
molecule: environment ## Molecule's scenarios on the lab, two at a time; the log of one that fails is shown
	@mkdir -p build
	@printf '%s\n' $(patsubst molecule/%/molecule.yml,%,$(wildcard molecule/*/molecule.yml)) | xargs -P 2 -I {} bash -c '\
	  if [ {} = awx_setup ] && ! $(HAS_AWX); then echo "molecule: {} NOT TESTED: this bundle of Ansible has no collection awx.awx"; \
	  elif MOLECULE_COMMAND_BORDERS=false molecule test -s {} > build/molecule-{}.log 2>&1; then echo "molecule: {} passed"; \
	  else cat build/molecule-{}.log; echo "molecule: {} FAILED"; exit 1; fi'

.PHONY: sanity
sanity: environment ## ansible-test's sanity tests, on a copy of the tree in which faults are planted for it to find
	@python -m tests.gates.sanity

.PHONY: importer
importer: environment ## The built collection as Galaxy reads it on upload: no error, no warning
	@python -m tests.gates.importer

.PHONY: matrix
matrix: environment ## A few tests on the other end of the supported versions, where a Python for it is there
	@tests/matrix.sh

.PHONY: test-quick
test-quick: environment ## While one writes: linters of Python and YAML and nine in ten unit tests, in about a minute
	@+$(SIDE_BY_SIDE) unit-quick lint-yaml lint-python

.PHONY: test
test: environments ## Every test but those of whole months: lint and unit first, then two lanes that wait for labs and one that has the processors they leave
	@+$(SIDE_BY_SIDE) unit lint-ansible lint-yaml lint-python
	@+$(SIDE_BY_SIDE) integration scenarios gates

# Two gates have environments of their own: made beside the first, for making one leaves a processor idle
.PHONY: environments environment-importer environment-matrix
environments:
	@+$(MAKE) --silent --no-print-directory -j environment environment-importer environment-matrix

environment-importer environment-matrix: export PATH := $(subst $(BIN):,,$(PATH))
environment-importer:
	@$(PYTHON) -m tests.gates.importer environment

environment-matrix:
	@PYTHON=$(PYTHON) tests/matrix.sh environment

.PHONY: scenarios gates
scenarios: environment
	@for one in molecule matrix; do $(MAKE) --no-print-directory $$one || exit 1; done

gates: environment
	@nice -n 10 $(MAKE) --no-print-directory sanity
	@# Galaxy's importer gives its linter three minutes, which on a slow machine it needs its share of the processors for
	@$(MAKE) --no-print-directory importer
	@nice -n 10 $(MAKE) --no-print-directory browser

.PHONY: bench bench-quick
bench: environment ## What it costs, as ratios measured in one run: some twenty minutes
	@python -m tests.bench

bench-quick: environment ## Less of it, in three minutes
	@python -m tests.bench --quick

SITE := build/docsite
.PHONY: docsite
docsite: environment ## Guides and reference as a web site in build/docsite/build/html; fetches nothing
	@rm -rf $(SITE) && mkdir -p $(SITE)/rst/docs && chmod go-w $(SITE)/rst
	@antsibull-docs sphinx-init --use-current --lenient --index-rst-source docs/docsite/index.rst --sphinx-theme alabaster \
	  --project msp.patching --title msp.patching --dest-dir $(SITE) msp.patching > $(SITE).log
	@cat docs/docsite/conf_more.py >> $(SITE)/conf.py
	@cp README.md CONTRIBUTING.md $(SITE)/rst/ && cp docs/*.md $(SITE)/rst/docs/
	@antsibull-docs --config-file $(SITE)/antsibull-docs.cfg collection --use-current --dest-dir $(SITE)/rst msp.patching
	@sphinx-build -M html $(SITE)/rst $(SITE)/build -c $(SITE) -q -W --keep-going
	@echo "$(SITE)/build/html/index.html"

.PHONY: clean
clean: ## Remove what these targets made
	@rm -rf $(VENV) .venv-* .ansible .lab* build .pytest_cache .mypy_cache .ruff_cache .hypothesis
