"""Needs as rows of the panel."""

from __future__ import annotations

from tui.needs_view import read_needs, value_words


def test_a_name_reads_as_words_and_a_sentence_stays_as_it_is_typed() -> None:
    assert value_words("features", ("tool_calling",)) == "tool calling"
    why = "macOS lets the GPU wire 36.0 GiB (sysctl iogpu.wired_limit_mb raises it)"
    (row,) = read_needs({}, [{"slot": "hardware", "value": why, "why": "it was not said"}])
    assert row.value == why
