"""Markdown as plain lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.markdown_lines import inline, plain_lines


@pytest.mark.parametrize(
    ("markdown", "lines"),
    [
        ("# Title", ["Title"]),
        ("**bold** and *soft* and `code`", ["bold and soft and code"]),
        ("2 * 3 * 4 and snake_case_name", ["2 * 3 * 4 and snake_case_name"]),
        ("- one\n2. two", ["  - one", "  2. two"]),
        ("[text](file.md#a)", ["text (file.md#a)"]),
        ("[file.md](file.md)", ["file.md"]),
        ("```sh\nollama run *x*\n```\nafter", ["    ollama run *x*", "after"]),
        (
            "| model | memory |\n|---|--:|\n| A | 5 GiB |\n| B | |",
            ["  - model: A; memory: 5 GiB", "  - model: B"],
        ),
        ("[/unclosed [b]", ["[/unclosed [b]"]),
    ],
)
def test_marks_are_gone_and_words_stay(markdown: str, lines: list[str]) -> None:
    assert plain_lines(markdown) == lines


@given(st.text(max_size=300))
def test_any_text_becomes_lines_without_controls(text: str) -> None:
    for line in plain_lines(text):
        assert "\n" not in line
        assert "\x1b" not in line


def test_inline_leaves_lone_marks_alone() -> None:
    assert inline("5 ** 2 and a*b") == "5 ** 2 and a*b"
