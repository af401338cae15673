"""Draws models side by side: the first column stays, as many models as have room stand beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.geometry import Region
from textual.widgets import Static

from tui.glyphs import Glyphs, glyphs
from tui.side_by_side import Row, SideBySide
from tui.widgets.text import clickable, pad, styled

GAP = 2
LEAST, MOST = 17, 46
"""Cells of a column for one model."""
LABELS = (15, 26)
"""Cells of the first column on a narrow and on a wide screen."""
WIDE = 100
Lines = list[Content]


@dataclass(frozen=True, slots=True)
class Place:
    """Which cell has the focus."""

    row: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Drawn:
    """The table for one width."""

    head: Content
    body: Content
    offsets: tuple[int, ...]
    """First line of each row in the body; one more for the end."""
    first: int
    """First model that is shown."""
    count: int
    """How many are."""


@dataclass(frozen=True, slots=True)
class Room:
    """How the width is shared out."""

    label: int
    column: int
    count: int

    @classmethod
    def of(cls, width: int, columns: int) -> Room:
        """The most models of at least `LEAST` cells each, and no wider than `MOST`."""
        label = LABELS[width >= WIDE]
        count = max(1, min(columns, (width - label) // (LEAST + GAP)))
        return cls(label, min(MOST, max(8, (width - label) // count - GAP)), count)


def draw(view: SideBySide, rows: Sequence[Row], width: int, at: Place, signs: Glyphs) -> Drawn:
    """The table for `width` cells with one cell in focus."""
    room = Room.of(width, len(view.names))
    page = at.column // room.count * room.count
    first = max(0, min(page, len(view.names) - room.count))
    shown = range(first, min(first + room.count, len(view.names)))
    body: Lines = []
    offsets = []
    group = ""
    for place, row in enumerate(rows):
        if row.group != group:
            group = row.group
            body += [*([Content("")] if body else []), styled((group, "bold $primary"))]
        offsets.append(len(body))
        body += _row(row, place, shown, room, at, signs)
    return Drawn(
        _head(view, shown, room, at, signs),
        Content("\n").join(body),
        (*offsets, len(body)),
        first,
        room.count,
    )


def _head(view: SideBySide, shown: range, room: Room, at: Place, signs: Glyphs) -> Content:
    cells = [[Content(" " * room.label)]]
    for place in shown:
        chosen = place == at.column
        lead = styled((f"{signs.pointer} " if chosen else "  ", "bold $primary"))
        style = "bold $primary underline" if chosen else "bold"
        lines = []
        for number, piece in enumerate(broken(view.names[place], room.column - 2)):
            part = styled((piece, style)).stylize(clickable(f"screen.go({at.row}, {place})"))
            lines.append((Content("  ") if number else lead) + part)
        cells.append(lines)
    return Content("\n").join(_beside(cells, room))


def broken(name: str, width: int) -> list[str]:
    """A name in pieces of at most `width` cells, broken after a sign where there is one."""
    pieces = [""]
    parts = re.findall(r"[^-/_ ]+[-/_ ]?|[-/_ ]", name)
    short = (part[at : at + width] for part in parts for at in range(0, len(part), max(1, width)))
    for part in short:
        if cell_len(pieces[-1] + part) <= width:
            pieces[-1] += part
        else:
            pieces.append(part)
    return [piece for piece in pieces if piece] or [""]


def _row(row: Row, place: int, shown: range, room: Room, at: Place, signs: Glyphs) -> Lines:
    focused = place == at.row
    pointer = (f"{signs.pointer} " if focused else "  ", "bold $primary")
    label = styled(pointer, (row.label, "bold" if focused else "$foreground-muted"))
    cells = [_wrapped(label.stylize(clickable(f"screen.go({place}, {at.column})")), room.label)]
    best = row.best
    for column in shown:
        cell = row.cells[column]
        lead = f"{signs.best} " if column in best else " " * (len(signs.best) + 1)
        style = "bold $success" if column in best else ""
        if focused and column == at.column:
            style = f"{style} underline".strip()
        text = styled((lead, "bold $success"), (cell.text, style))
        cells.append(_wrapped(text.stylize(clickable(f"screen.go({place}, {column})")), room.column))
    return _beside(cells, room)


def _wrapped(text: Content, width: int) -> Lines:
    """Lines of at most `width` cells; those after the first are indented like the first."""
    lines = text.wrap(width)
    if len(lines) < 2:
        return lines or [Content("")]
    lead = Content("  ")
    rest = text[len(lines[0].plain) :]
    stripped = len(rest.plain) - len(rest.plain.lstrip())
    return [lines[0], *(lead + line for line in rest[stripped:].wrap(max(4, width - 2)))]


def _beside(cells: Sequence[Lines], room: Room) -> Lines:
    """The lines of a row, its cells side by side."""
    made = []
    for number in range(max(map(len, cells))):
        line = Content("")
        for place, cell in enumerate(cells):
            wide = (room.column if place else room.label) + GAP
            part = cell[number] if number < len(cell) else Content("")
            line = line + part + pad("", wide - part.cell_length)
        made.append(line.rstrip())
    return made


class SideTable(Vertical):
    """The comparison; the head stays while the rows scroll. Clicks call the screen's `go(row, column)`."""

    def __init__(self) -> None:
        super().__init__(id="side")
        self._state: tuple[SideBySide, Sequence[Row], Place] | None = None
        self.drawn: Drawn | None = None
        """As it stands; None before there is anything."""

    def compose(self) -> ComposeResult:
        yield Static(markup=False, id="side-head")
        with VerticalScroll(id="side-scroll", can_focus=False):
            yield Static(markup=False, id="side-body")

    def show(self, view: SideBySide, rows: Sequence[Row], at: Place) -> None:
        """Draw this, and scroll to the row in focus."""
        self._state = (view, rows, at)
        self._draw()

    def on_resize(self, event: Resize) -> None:
        self._draw()

    def _draw(self) -> None:
        if self._state is None or self.size.width < 1:
            return
        view, rows, at = self._state
        self.drawn = draw(view, rows, self.size.width - 2, at, glyphs())  # two for the scroll bar
        self.query_one("#side-head", Static).update(self.drawn.head)
        self.query_one("#side-body", Static).update(self.drawn.body)
        self.call_after_refresh(self._reveal)

    def _reveal(self) -> None:
        if self.drawn is None or self._state is None or not self._state[1]:
            return
        at = self._state[2].row
        top, end = self.drawn.offsets[at], self.drawn.offsets[at + 1]
        top = 0 if at == 0 else top
        region = Region(0, top, 1, max(1, end - top))
        self.query_one("#side-scroll", VerticalScroll).scroll_to_region(region, animate=False, force=True)
