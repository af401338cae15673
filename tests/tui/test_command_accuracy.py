"""`accuracy` for people."""

from __future__ import annotations

from tools.commands.accuracy import AccuracyQuery, accuracy
from tui.command_accuracy import accuracy_lines


def test_tables_are_printed_with_their_notes() -> None:
    text = "\n".join(accuracy_lines(accuracy(AccuracyQuery(part="speed")), False))
    for words in ("Devices that the fit never saw", "median factor", "Apple M2 and newer", "Worst rows"):
        assert words in text


def test_unknown_figures_are_dashes() -> None:
    table = {"title": "T", "columns": ["a", "b"], "rows": [[None, 1.234]], "note": ""}
    assert "-  1.23" in "\n".join(accuracy_lines({"parts": {"x": [table]}}, False))
