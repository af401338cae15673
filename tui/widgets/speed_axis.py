"""Speeds of several options on one axis: an estimate is an interval, a measurement a sign of its own."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.glyphs import Glyphs
from tui.pictures.chart import even_ticks
from tui.pictures.speed import SpeedRow
from tui.widgets.text import crop, pad, styled

NAME_CELLS = 30
FIGURE_CELLS = 14
LEAST_AXIS = 16


def draw_speeds(
    rows: Sequence[SpeedRow], wanted: float | None, selected: int, width: int, signs: Glyphs
) -> Content:
    """A line for each option, then the axis and what the signs mean."""
    ends = [row.alone[2] for row in rows if row.measured and row.alone is not None]
    top = max([row.high or row.mid or 0.0 for row in rows] + ends + [wanted or 0.0, 1.0])
    names = [f"{row.rank} {row.model} {row.quant}".strip() for row in rows]
    wide = min(NAME_CELLS, max(map(len, names)), max(12, width - FIGURE_CELLS - LEAST_AXIS - 4))
    axis = max(LEAST_AXIS, width - wide - FIGURE_CELLS - 4)
    lines = []
    for row, name in zip(rows, names, strict=True):
        chosen = row.rank == selected + 1
        lines.append(
            styled(
                (f"{signs.pointer if chosen else ' '} ", "$accent"),
                (pad(crop(name, wide, signs.ellipsis), wide), "bold" if chosen else ""),
                " ",
            )
            + _span(row, wanted, top, axis, signs)
            + styled(f" {_figures(row)}")
        )
    lead = " " * (wide + 3)
    lines.append(styled((lead + _scale(top, axis), "$foreground-muted")))
    lines.append(styled((_legend(rows, wanted, signs), "$foreground-muted")))
    return Content("\n").join(lines)


def _cell(value: float, top: float, axis: int) -> int:
    return min(axis - 1, max(0, round(value / top * (axis - 1))))


def _span(row: SpeedRow, wanted: float | None, top: float, axis: int, signs: Glyphs) -> Content:
    low_end, span, middle, high_end, measured, least = signs.interval
    cells, styles = [" "] * axis, [""] * axis
    if wanted is not None:
        at = _cell(wanted, top, axis)
        cells[at], styles[at] = least, "$warning"
    if row.mid is not None:
        at = _cell(row.mid, top, axis)
        ends = _ends(row)
        if ends is not None:
            first, last = _cell(ends[0], top, axis), _cell(ends[1], top, axis)
            for cell in range(first, last + 1):
                cells[cell], styles[cell] = span, "$primary"
            cells[first], cells[last] = low_end, high_end
        cells[at], styles[at] = measured if row.measured else middle, "bold $primary"
    return styled(*zip(cells, styles, strict=True))


def _ends(row: SpeedRow) -> tuple[float, float] | None:
    """The estimate's interval; a measurement stands before what was estimated for it."""
    if row.measured:
        return (row.alone[0], row.alone[2]) if row.alone is not None else None
    return (row.low, row.high) if row.low is not None and row.high is not None else None


def _figures(row: SpeedRow) -> str:
    if row.mid is None:
        return "unknown"
    if row.measured and row.alone is not None:
        return f"{row.mid:.0f} est. {row.alone[1]:.0f}"
    if row.measured or row.low is None or row.high is None:
        return f"{row.mid:.0f}"
    return f"{row.mid:.0f} ({row.low:.0f}-{row.high:.0f})"


def _scale(top: float, axis: int) -> str:
    """Round figures under their cells."""
    line = [" "] * (axis + 12)
    free = 0
    for value, name in even_ticks(0, top, max(2, axis // 12)):
        at = _cell(value, top, axis)
        start = max(0, at - len(name) // 2)
        if start >= free:
            line[start : start + len(name)] = name
            free = start + len(name) + 1
    return "".join(line).rstrip() + " tok/s"


def _legend(rows: Sequence[SpeedRow], wanted: float | None, signs: Glyphs) -> str:
    low_end, span, middle, high_end, measured, least = signs.interval
    told = [f"{low_end}{span}{middle}{span}{high_end} estimate, low to high"]
    if any(row.measured for row in rows):
        told.append(f"{measured} measured here")
    if wanted is not None:
        told.append(f"{least} wanted at the least")
    return "   ".join(told)
