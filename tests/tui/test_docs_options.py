"""The pages on `evaluate`, `bench` and the kept review name every option that the commands' help lists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tui.cli_help import Program
from tools.commands.plan_review import OWN

DOCS = Path(__file__).resolve().parents[2] / "docs"
COMMON = {"--json", "--offline", "--why", "--stdin", "--help"}
"""Of every command; docs/commands.md describes them."""


def _listed(program: Program, *command: str) -> set[str]:
    """The options that the help lists."""
    shown = program(*command, "--help").out
    return set(re.findall(r"(?m)^ +(?:-\w, )?(--[a-z][a-z-]*)", shown)) - COMMON


def _named(page: str) -> set[str]:
    return set(re.findall(r"--[a-z][a-z-]*", (DOCS / page).read_text(encoding="utf-8")))


@pytest.mark.parametrize(("command", "page"), [("evaluate", "evaluate.md"), ("bench", "measuring.md")])
def test_the_page_names_every_option_and_no_other(program: Program, command: str, page: str) -> None:
    options = _listed(program, command)
    assert len(options) > 10
    assert options - _named(page) == set()
    assert _named(page) - options - COMMON == set()


def test_the_page_of_the_kept_review_names_its_options(program: Program) -> None:
    wanted = {f"--{name.replace('_', '-')}" for name in OWN}
    assert wanted <= _listed(program, "plan", "migration")
    assert wanted - _named("migration-review.md") == set()
