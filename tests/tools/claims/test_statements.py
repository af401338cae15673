"""How many wrong statements the check finds, and how often it calls a right one wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from knowledge.claims.extract import guide_claims
from knowledge.corpus import parse_guide
from tools.claims.check import check_all
from tools.claims.types import Finding

STATEMENTS = yaml.safe_load((Path(__file__).parent / "statements.yaml").read_text(encoding="utf-8"))
RECALL = 0.9
FALSE_ALARMS = 0.03


def found_in(text: str) -> list[Finding]:
    """What is listed of a guide that holds only this text."""
    guide = parse_guide("notes.md", f"# Notes\n\n{text}\n")
    return [finding for finding in check_all(guide_claims(guide)) if finding.contradicts]


@pytest.fixture(scope="module")
def results() -> list[tuple[dict[str, Any], list[str]]]:
    """Each statement with the figures that were called wrong."""
    return [(row, [f.claim.figure_words for f in found_in(row["text"])]) for row in STATEMENTS]


def test_the_set_is_large_enough() -> None:
    wrong = [row for row in STATEMENTS if row.get("wrong")]
    assert len(STATEMENTS) >= 150
    assert len(wrong) >= 60
    assert len(STATEMENTS) - len(wrong) >= 60


def test_wrong_statements_are_found(results: list[tuple[dict[str, Any], list[str]]]) -> None:
    wanted = [
        (row["text"], figure, figure in said) for row, said in results for figure in row.get("wrong", [])
    ]
    missed = [(text, figure) for text, figure, found in wanted if not found]
    assert 1 - len(missed) / len(wanted) >= RECALL, missed


def test_right_statements_are_left_alone(results: list[tuple[dict[str, Any], list[str]]]) -> None:
    alarms = [
        (row["text"], figure)
        for row, said in results
        for figure in said
        if figure not in row.get("wrong", [])
    ]
    assert len(alarms) / len(results) <= FALSE_ALARMS, alarms
