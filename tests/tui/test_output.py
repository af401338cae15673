"""Tables, wrapping, JSON lines."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui import output


@pytest.fixture
def columns(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("COLUMNS", "80")
    return monkeypatch


@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=60), st.integers()), min_size=1, max_size=6))
def test_a_table_never_passes_the_width_and_holds_no_control_characters(
    rows: list[tuple[str, str, int]],
) -> None:
    os.environ["COLUMNS"] = "80"
    for line in output.table(rows, ["one", "two", "n"], right=[2]):
        assert output.cells(line) <= 80 + 2
        assert "\x1b" not in line
        assert "\n" not in line


def test_numbers_are_aligned_to_the_right(columns: pytest.MonkeyPatch) -> None:
    assert output.table([["a", "1.00 GiB"], ["bb", "12.00 GiB"]], right=[1]) == [
        "  a    1.00 GiB",
        "  bb  12.00 GiB",
    ]


def test_wide_characters_take_two_cells(columns: pytest.MonkeyPatch) -> None:
    assert output.cells("日本") == 4
    assert output.table([["日本", "x"], ["abcd", "y"]]) == ["  日本  x", "  abcd  y"]


def test_a_row_is_one_line_where_a_program_reads_it(columns: pytest.MonkeyPatch) -> None:
    rows = [["a", "word " * 30, "word " * 30]]
    assert len(output.table(rows)) > 1
    columns.delenv("COLUMNS")
    assert len(output.table(rows)) == 1


def test_an_empty_table_is_nothing() -> None:
    assert output.table([], ["head"]) == []


@pytest.mark.parametrize(("size", "text"), [(None, "unknown"), (0, "0.00 GiB"), (5 << 30, "5.00 GiB")])
def test_sizes(size: int | None, text: str) -> None:
    assert output.size(size) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "unknown"), (True, "yes"), (False, "no"), (1.5, "1.5"), ("x", "x")]
)
def test_known(value: object, text: str) -> None:
    assert output.known(value) == text


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none())))
def test_a_json_document_is_one_line_of_utf8(document: dict[str, object]) -> None:
    text = output.dumps(document)
    assert "\n" not in text
    assert json.loads(text.encode("utf-8")) is not None


def test_half_a_surrogate_pair_does_not_break_the_output() -> None:
    assert output.dumps({"a": "x\ud800"}) == '{"a": "x?"}'


def test_not_a_number_is_never_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        output.dumps({"a": float("nan")})


def test_no_color_and_no_terminal_mean_plain_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class FakeTerminal:
        def isatty(self) -> bool:
            return True

    terminal = FakeTerminal()
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert output.bold("x", terminal) == "\x1b[1mx\x1b[0m"  # type: ignore[arg-type]
    assert output.bold("x") == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert output.bold("x", terminal) == "x"  # type: ignore[arg-type]


def test_long_text_is_wrapped_with_a_hanging_indent(columns: pytest.MonkeyPatch) -> None:
    lines = output.bullets(["word " * 40])
    assert len(lines) > 1
    assert lines[0].startswith("  - word")
    assert all(line.startswith("    word") for line in lines[1:])
    assert all(len(line) <= 80 for line in lines)


def test_an_error_is_a_sentence_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    output.write_error({"code": "x", "message": "It \x1b[31mfailed.", "hint": ""})
    assert capsys.readouterr().err == "Error: It failed.\n"
