"""`guides show` as a person sees it."""

from __future__ import annotations

import pytest

from tests.tui.cli_help import Program

LOCATOR = "quantization.md#KV cache types f16, q8_0, q4_0:107-107"


def test_the_command_marks_without_color(program: Program) -> None:
    outcome = program("guides", "show", LOCATOR)
    assert outcome.status == 0
    lines = outcome.out.split("\n")
    assert max(map(len, lines)) <= 80
    marked = [line for line in lines if line.startswith(("\u25b6", ">"))]
    assert len(marked) == 1
    assert marked[0][2:].startswith("107  The KV cache")
    assert any(line.startswith("  105  ###") for line in lines)


def test_the_command_tells_what_is_unknown(program: Program) -> None:
    outcome = program("guides", "show", "quantisation.md")
    assert outcome.status == 1
    assert "quantization.md" in outcome.err
    outcome = program("guides", "show", "quantisation.md", "--json")
    assert outcome.document["error"]["code"] == "unknown_name"


def test_ascii_terminals_get_an_ascii_mark(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_ADVISOR_ASCII", "1")
    assert "\n> 107  The KV" in program("guides", "show", LOCATOR).out
