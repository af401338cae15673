"""A recommendation as text, for the command line and the plain chat."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tui.recommendation_text import REJECTED_SHOWN, option_lines, recommendation_lines


def candidate(rank: int, source: str) -> dict[str, Any]:
    return {
        "rank": rank,
        "model": f"Model-{rank}",
        "kind": "local",
        "quant": "Q4_K_M",
        "engine": "ollama",
        "context": 8192,
        "memory": {"total_bytes": 5 << 30, "available_bytes": 8 << 30, "formula": f"sum of {rank}"},
        "speed": {"tokens_per_second": {"low": 10, "mid": 12, "high": 15}, "basis": "bandwidth"},
        "license": {"id": "mit", "commercial_use": "yes", "note": None},
        "why": [{"text": f"Reason {rank}.", "evidence": [{"kind": "benchmark", "source": source}]}],
        "caveats": ["Mind this."],
        "commands": [{"label": "Run", "shell": "ollama run m\nollama ps"}],
    }


@pytest.fixture
def document() -> dict[str, Any]:
    return {
        "needs": {"context": {"value": 8192, "source": "user", "quote": "8k"}},
        "assumptions": [{"slot": "min_speed", "value": 12.0, "why": "reading speed"}],
        "candidates": [candidate(1, "Board A"), candidate(2, "Board B")],
        "rejected": [{"model": f"Big-{n}", "reason": "too large", "constraint": "memory"} for n in range(9)],
        "would_change": [{"if": "you had 24 GB", "then": "Model-2 would lead"}],
    }


def test_the_best_is_told_at_length_and_the_others_in_the_table(document: dict[str, Any]) -> None:
    lines = recommendation_lines(document)
    text = "\n".join(lines)
    assert "Model-2" in text
    assert "Reason 1. [1]" in text
    assert "Reason 2." not in text
    assert "[1] benchmark: Board A" in text
    assert "Board B" not in text
    assert "    ollama run m\n    ollama ps" in text
    assert "min speed: at least 12 tok/s (reading speed)" in text
    assert "If you had 24 GB: Model-2 would lead" in text


def test_long_lists_of_exclusions_are_cut_and_counted(document: dict[str, Any]) -> None:
    text = "\n".join(recommendation_lines(document))
    assert text.count("too large") == REJECTED_SHOWN
    assert "and 4 more" in text
    assert "\n".join(recommendation_lines(document, why=True)).count("too large") == 9


def test_why_tells_all_candidates_with_their_formulas(document: dict[str, Any]) -> None:
    text = "\n".join(recommendation_lines(document, why=True))
    assert "Reason 2." in text
    assert "sum of 1" in text
    assert "sum of 2" in text


def test_lines_for_reading_aloud_have_no_table(document: dict[str, Any]) -> None:
    text = "\n".join(recommendation_lines(document, tables=False))
    assert "quant" not in text
    assert "  - speed: 10-15 tok/s (estimate)" in text
    assert "2. Model-2: Q4_K_M, 5.0 of 8.0 GiB, 10-15 tok/s (estimate)" in text
    assert "Reason 2." not in text


def test_one_option_is_told_with_its_own_sources(document: dict[str, Any]) -> None:
    lines, sources = option_lines(document, 2)
    text = "\n".join(lines)
    assert "Reason 2. [1]" in text
    assert "[1] benchmark: Board B" in text
    assert "Reason 1." not in text
    assert [source.source for source in sources] == ["Board B"]
    assert option_lines(document, 3) == ([], ())


def test_nothing_is_no_candidate_but_its_reasons(document: dict[str, Any]) -> None:
    text = "\n".join(recommendation_lines({**document, "candidates": []}))
    assert "Recommendation" not in text
    assert "too large" in text


def test_no_empty_lines_at_the_start_or_twice(document: dict[str, Any]) -> None:
    for tables in (True, False):
        lines = recommendation_lines(document, tables=tables)
        assert lines[0]
        assert all(a or b for a, b in pairwise(lines))


def test_a_document_of_unknowns_is_shown_as_unknown() -> None:
    text = "\n".join(recommendation_lines({"candidates": [{"rank": 1, "model": "M", "kind": "local"}]}))
    assert "unknown" in text
    assert "None" not in text
