"""Several models in one line."""

from __future__ import annotations

import pytest

from tools.commands.benchmarks import id_of
from tools.commands.several import models_in

QWEN, GEMMA = "Qwen/Qwen3-8B", "google/gemma-3-12b-it"


@pytest.mark.parametrize(
    "line",
    [
        "qwen3-8b, gemma-3-12b",
        "qwen3-8b gemma-3-12b",
        "qwen3 8b, gemma 3 12b",
        "qwen3 8b gemma 3 12b",
        "Qwen3-8B vs. gemma 3 12b",
        "qwen3-8b;gemma-3-12b, qwen3 8b",
    ],
)
def test_names_with_commas_spaces_and_words_between(line: str) -> None:
    found = models_in(line)
    assert [id_of(model) for model in found.models] == [QWEN, GEMMA]
    assert found.problems == ()


def test_an_unknown_name_does_not_keep_the_others_back() -> None:
    found = models_in("qwen3-8b, gemma-99-12z, gpt-4.1-mini")
    assert [id_of(model) for model in found.models] == [QWEN, "gpt-4.1-mini"]
    ((sentence, hint),) = found.problems
    assert "gemma-99-12z" in sentence
    assert hint


def test_nothing_names_nothing() -> None:
    assert models_in(" , ").models == ()
    assert models_in(" , ").problems == ()
