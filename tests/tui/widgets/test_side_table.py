"""The comparison drawn at several widths."""

from __future__ import annotations

import pytest

from tests.tui.fake_facts import ENTRIES, document
from tui.glyphs import ASCII, UNICODE
from tui.side_by_side import SideBySide, read_side_by_side
from tui.widgets.side_table import Drawn, Place, draw

VIEW: SideBySide = read_side_by_side(document(list(ENTRIES.values())))


def drawn(width: int, place: Place | None = None) -> Drawn:
    return draw(VIEW, VIEW.rows, width, place or Place(), UNICODE)


@pytest.mark.parametrize("width", [30, 54, 76, 116, 196])
def test_no_line_is_wider_than_the_screen_and_the_first_column_stays(width: int) -> None:
    for column in range(len(VIEW.names)):
        table = drawn(width, Place(0, column))
        lines = [*table.head.plain.splitlines(), *table.body.plain.splitlines()]
        assert max(map(len, lines)) <= width
        assert table.first <= column < table.first + table.count
        assert all(any(row.label.split()[0] in line for line in lines) for row in VIEW.rows)


def test_as_many_models_as_have_room() -> None:
    assert [drawn(width).count for width in (30, 54, 76, 196)] == [1, 2, 3, 5]


def test_the_best_is_marked_with_a_sign_in_both_sets() -> None:
    for signs in (UNICODE, ASCII):
        body = draw(VIEW, VIEW.rows, 196, Place(), signs).body.plain
        line = next(line for line in body.splitlines() if "commercial use" in line)
        assert f"{signs.best} yes" in line
        assert f"{signs.best} no" not in line


def test_nothing_is_lost_by_wrapping() -> None:
    body = drawn(54).body.plain
    assert "structured" in body
    assert "output" in body


def test_offsets_lead_to_the_rows() -> None:
    table = drawn(76)
    lines = table.body.plain.split("\n")
    for place, row in enumerate(VIEW.rows):
        assert row.label.split()[0] in lines[table.offsets[place]]
