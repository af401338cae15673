"""Names that fit what is typed."""

from __future__ import annotations

import pytest

from tui.name_matches import MOST, suggestions

NAMES = ["Qwen/Qwen3-8B", "Qwen/Qwen3-8B-Base", "google/gemma-3-12b-it", "gpt-4.1-mini", "BAAI/bge-m3"]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("qwen3 8b", "Qwen/Qwen3-8B"),
        ("gemma3 12", "google/gemma-3-12b-it"),
        ("4.1", "gpt-4.1-mini"),
        ("bgm3", "BAAI/bge-m3"),
        ("QWEN/QWEN3-8B-B", "Qwen/Qwen3-8B-Base"),
    ],
)
def test_the_first_suggestion(typed: str, first: str) -> None:
    assert suggestions(NAMES, typed)[0] == first


def test_nothing_typed_and_nothing_fitting_give_nothing() -> None:
    assert suggestions(NAMES, " ") == []
    assert suggestions(NAMES, "zzz") == []


def test_signs_of_patterns_are_letters() -> None:
    assert suggestions(NAMES, "[(*") == []


def test_a_long_list_is_cut() -> None:
    assert len(suggestions([f"org/model-{number}" for number in range(200)], "model")) == MOST
