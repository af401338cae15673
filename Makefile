# make chat: set up and open the advisor.   make test: set up and run every check.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := pyproject.toml constraints.txt scripts/setup_venv.py $(wildcard knowledge/guides/*.md)

.PHONY: chat setup test check format lint types imports tests bench accuracy quality catalog clean constraints pictures docs

chat: .venv/.ready
	@$(BIN)/llm-advisor

setup: .venv/.ready

.venv/.ready: $(SOURCES)
	@$(PYTHON) scripts/setup_venv.py
	@touch $@

# With the tools of the tests; nothing of what a person needs is missing then.
.venv/.ready-dev: $(SOURCES)
	@$(PYTHON) scripts/setup_venv.py --dev
	@touch .venv/.ready $@

test: .venv/.ready-dev check

check: format lint types imports tests

format:
	@$(BIN)/ruff format --check .

lint:
	@$(BIN)/ruff check .

types:
	@$(BIN)/mypy

imports:
	@$(BIN)/lint-imports

tests:
	@$(BIN)/pytest

bench: .venv/.ready-dev
	@$(BIN)/python -m bench.run

# The error reports, and docs/accuracy.md with them.
accuracy: .venv/.ready-dev
	@$(BIN)/python -m bench.accuracy

# How well quality predicts what it has not seen, and docs/quality.md with it.
quality: .venv/.ready-dev
	@$(BIN)/python -m bench.quality

# The bundled catalog from a folder of sourced tables (make catalog FACTS=folder), and docs/catalog.md, its validation
# report; without FACTS the report alone.
catalog: .venv/.ready-dev
	@$(BIN)/python -m scripts.build_catalog $(FACTS)

# Pictures of the README: a real conversation, held by the real program; and the layers.
pictures: .venv/.ready-dev
	@$(BIN)/python scripts/pictures.py
	@$(BIN)/python scripts/layers.py

# docs/commands.md, the man page and the table of shell completion, from the commands' own help; and the sessions
# and outputs of docs/user-guide.md.
docs: .venv/.ready-dev
	@$(BIN)/python scripts/command_docs.py
	@$(BIN)/python scripts/user_guide.py

# After changing a range in pyproject.toml: install it, then write the versions down.
constraints: .venv/.ready-dev
	@echo "# Exact versions that the tests run with; written by 'make constraints'." > constraints.txt
	@$(BIN)/python -m pip freeze --exclude-editable | grep -v " @ " | sed 's/+cpu$$//' >> constraints.txt

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
