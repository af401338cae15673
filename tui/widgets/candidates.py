"""The options of an answer side by side: a table where there is room, short cards where there is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from tui.answer import Candidate
from tui.glyphs import Glyphs, glyphs
from tui.widgets.text import FittedText, clickable, crop, pad, styled

GAP = 2
NARROWEST_NAME = 18


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, how it reads, and when it is given up for room (highest first; 0 is kept)."""

    title: str
    read: Callable[[Candidate], str]
    give_up: int
    right: bool = False


COLUMNS = (
    Column("Model", lambda one: one.model, 0),
    Column("Quant", lambda one: one.quant, 0),
    Column("Engine", lambda one: one.engine, 3),
    Column("Context", lambda one: one.context, 1, right=True),
    Column("Memory", lambda one: one.memory, 0, right=True),
    Column("Speed", lambda one: one.speed, 0, right=True),
    Column("License", lambda one: one.license, 2),
    Column("Quality", lambda one: one.quality, 4),
)


def lay_out(candidates: Sequence[Candidate], width: int, selected: int, signs: Glyphs) -> Content:
    """The table for `width` cells; cards below the width at which a table makes sense."""
    columns = [column for column in COLUMNS if any(column.read(one) for one in candidates)]
    lead = cell_len(signs.pointer) + 3
    while columns and _needed(columns, candidates) + lead > width:
        droppable = [column for column in columns if column.give_up]
        if not droppable:
            return _cards(candidates, width, selected, signs)
        columns.remove(max(droppable, key=lambda column: column.give_up))
    dropped = [column for column in COLUMNS if column not in columns]
    if sum(1 for column in dropped if any(column.read(one) for one in candidates)) > 2:
        return _cards(candidates, width, selected, signs)
    return _table(columns, candidates, width, selected, signs)


def _column_width(column: Column, candidates: Sequence[Candidate]) -> int:
    return max(cell_len(column.title), *(cell_len(column.read(one)) for one in candidates))


def _needed(columns: Sequence[Column], candidates: Sequence[Candidate]) -> int:
    widths = [_column_width(column, candidates) for column in columns]
    return min(widths[0], NARROWEST_NAME) + sum(widths[1:]) + GAP * (len(columns) - 1)


def _table(
    columns: Sequence[Column], candidates: Sequence[Candidate], width: int, selected: int, signs: Glyphs
) -> Content:
    widths = [_column_width(column, candidates) for column in columns]
    lead = cell_len(signs.pointer) + 3
    widths[0] = max(NARROWEST_NAME, min(widths[0], width - lead - sum(widths[1:]) - GAP * (len(columns) - 1)))

    def row(read: Callable[[Column], str]) -> str:
        fields = (
            pad(crop(read(column), room, signs.ellipsis), room, right=column.right)
            for column, room in zip(columns, widths, strict=True)
        )
        return (" " * GAP).join(fields).rstrip()

    lines = [styled((" " * lead + row(lambda column: column.title), "$text-muted"))]
    for index, one in enumerate(candidates):
        text = row(lambda column, one=one: column.read(one))  # type: ignore[misc]
        lines.append(_row(index, one, text, index == selected, signs))
    return Content("\n").join(lines)


def _row(index: int, one: Candidate, text: str, selected: bool, signs: Glyphs) -> Content:
    mark = f"{signs.pointer} " if selected else " " * (cell_len(signs.pointer) + 1)
    line = styled((mark, "bold $primary"), (f"{one.rank} ", "$accent"), (text, "bold" if selected else ""))
    return line.stylize(clickable(f"choose({index})"))


def _cards(candidates: Sequence[Candidate], width: int, selected: int, signs: Glyphs) -> Content:
    lines: list[Content] = []
    lead = " " * (cell_len(signs.pointer) + 3)
    dot = f" {signs.separator} "
    for index, one in enumerate(candidates):
        room = width - cell_len(lead)
        lines.append(_row(index, one, crop(one.model, room, signs.ellipsis), index == selected, signs))
        for fields in ((one.quant, one.engine, one.context), (one.memory, one.speed), (one.license, one.quality)):
            shown = dot.join(field for field in fields if field)
            if shown:
                lines.append(styled((lead + crop(shown, room, signs.ellipsis), "$text-muted")))
    return Content("\n").join(lines)


class CandidateTable(FittedText):
    """The options; `selected` is the one whose details stand below. Clicks go to the block around it."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._candidates = candidates
        self._selected = 0
        super().__init__(self._build, classes="candidates")

    def choose(self, index: int) -> None:
        """Mark another option as the one shown."""
        from tui.widgets.text import Fitted

        self._selected = index
        self.update(Fitted(self._build))

    def action_choose(self, index: int) -> None:
        """A row was clicked."""
        block = self.parent
        while block is not None and not hasattr(block, "choose_candidate"):
            block = block.parent
        if block is not None:
            block.choose_candidate(index)

    def _build(self, width: int) -> Content:
        return lay_out(self._candidates, width, self._selected, glyphs())
