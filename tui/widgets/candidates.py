"""The options of an answer side by side: a table where there is room, short cards where there is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content

from tui.answer import Candidate
from tui.glyphs import Glyphs, glyphs
from tui.widgets.text import Fitted, FittedText, clickable, crop, hanging, pad, styled

GAP = 2
ENOUGH_NAME = 30


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, how it reads, and when it is given up for room (highest first; 0 is kept)."""

    title: str
    read: Callable[[Candidate], str]
    give_up: int
    right: bool = False
    spoken: str = ""
    """Put before the value where there is no title over it."""


COLUMNS = (
    Column("Model", lambda one: one.model, 0),
    Column("Quant", lambda one: one.quant, 0),
    Column("Engine", lambda one: one.engine, 3),
    Column("Context", lambda one: one.context, 1, right=True),
    Column("Memory", lambda one: one.memory, 0, right=True),
    Column("RAM", lambda one: one.host_memory, 5, right=True, spoken="RAM "),
    Column("tok/s", lambda one: one.speed.removesuffix(" tok/s").removeprefix("unknown"), 0, right=True),
    Column("Cost", lambda one: one.cost, 0, right=True),
    Column("License", lambda one: one.license, 2),
    Column("Quality", lambda one: one.quality if one.quality != "unknown" else "", 4, spoken="quality "),
)


def lay_out(candidates: Sequence[Candidate], width: int, selected: int, signs: Glyphs) -> Content:
    """The table for `width` cells; what has no column stands in the second line of each option.

    Below the width at which a table makes sense, short cards.
    """
    columns = [column for column in COLUMNS if any(column.read(one) for one in candidates)]
    beside: list[Column] = []
    lead = cell_len(signs.pointer) + 3
    while _needed(columns, candidates) + lead > width:
        droppable = [column for column in columns if column.give_up]
        if not droppable:
            return _cards(candidates, width, selected, signs)
        beside.insert(0, max(droppable, key=lambda column: column.give_up))
        columns.remove(beside[0])
    return _table(columns, beside, candidates, width, selected, signs)


def _column_width(column: Column, candidates: Sequence[Candidate]) -> int:
    return max(cell_len(column.title), *(cell_len(column.read(one)) for one in candidates))


def _needed(columns: Sequence[Column], candidates: Sequence[Candidate]) -> int:
    widths = [_column_width(column, candidates) for column in columns]
    return min(widths[0], ENOUGH_NAME) + sum(widths[1:]) + GAP * (len(columns) - 1)


def _table(
    columns: Sequence[Column],
    beside: Sequence[Column],
    candidates: Sequence[Candidate],
    width: int,
    selected: int,
    signs: Glyphs,
) -> Content:
    widths = [_column_width(column, candidates) for column in columns]
    lead = cell_len(signs.pointer) + 3
    widths[0] = min(widths[0], width - lead - sum(widths[1:]) - GAP * (len(columns) - 1))

    def row(fields: Sequence[str]) -> str:
        padded = (
            pad(crop(field, room, signs.ellipsis), room, right=column.right)
            for field, column, room in zip(fields, columns, widths, strict=True)
        )
        return (" " * GAP).join(padded).rstrip()

    lines = [styled((" " * lead + row([column.title for column in columns]), "$foreground-muted"))]
    for index, one in enumerate(candidates):
        text = row([column.read(one) for column in columns])
        lines.append(_row(index, one, text, index == selected, signs))
        rest = sorted(beside, key=COLUMNS.index)
        aside = [column.spoken + column.read(one) for column in rest if column.read(one)]
        lines.extend(_aside(parts, lead, width, signs) for parts in (aside, [one.trade_off]) if parts)
    return Content("\n").join(lines)


def _aside(parts: Sequence[str], lead: int, width: int, signs: Glyphs) -> Content:
    text = styled((f" {signs.separator} ".join(parts), "$foreground-muted"))
    return hanging([(Content(" " * lead), text)])(width)


def _row(index: int, one: Candidate, text: str, selected: bool, signs: Glyphs) -> Content:
    mark = f"{signs.pointer} " if selected else " " * (cell_len(signs.pointer) + 1)
    line = styled((mark, "bold $primary"), (f"{one.rank} ", "$accent"), (text, "bold" if selected else ""))
    return line.stylize(clickable(f"choose({index})"))


def _figures(one: Candidate) -> tuple[str, ...]:
    host = f"RAM {one.host_memory}" if one.host_memory else ""
    return (one.memory, host, one.speed.removeprefix("unknown"), one.cost, one.license)


def _cards(candidates: Sequence[Candidate], width: int, selected: int, signs: Glyphs) -> Content:
    lines: list[Content] = []
    lead = " " * (cell_len(signs.pointer) + 3)
    dot = f" {signs.separator} "
    for index, one in enumerate(candidates):
        room = width - cell_len(lead)
        lines.append(_row(index, one, crop(one.model, room, signs.ellipsis), index == selected, signs))
        for fields in ((one.quant, one.engine, one.context), _figures(one)):
            shown = _joined([field for field in fields if field], room, dot)
            lines.extend(styled(lead + crop(line, room, signs.ellipsis)) for line in shown)
        lines.append(_aside([one.trade_off], len(lead), width, signs))
    return Content("\n").join(lines)


def _joined(fields: Sequence[str], room: int, between: str) -> list[str]:
    """The fields in as few lines as they need; a line breaks between two of them, never in a figure."""
    lines: list[str] = []
    for field in fields:
        longer = f"{lines[-1]}{between}{field}" if lines else ""
        if longer and cell_len(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(field)
    return lines


class CandidateTable(FittedText):
    """The options; `selected` is the one whose details stand below. Clicks go to the block around it."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._candidates = candidates
        self._selected = 0
        super().__init__(self._build, classes="candidates")

    def choose(self, index: int) -> None:
        """Mark another option as the one shown."""
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
