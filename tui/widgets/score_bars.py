"""The parts of each option's score as bars: what adds and what takes away have different signs."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.glyphs import Glyphs
from tui.pictures.score import Part, Scored
from tui.widgets.text import crop, pad, styled

NAME_CELLS = 10
POINTS_CELLS = 6
DETAIL_CELLS = 10
WIDEST = 60


def draw_scores(options: Sequence[Scored], selected: int, width: int, signs: Glyphs) -> Content:
    """A group of bars for each option, all on one scale."""
    scale = max([abs(part.points) for one in options for part in one.parts] + [1.0])
    room = width - NAME_CELLS - POINTS_CELLS - DETAIL_CELLS - 7
    axis = min(WIDEST, max(8, room))
    groups = [_group(one, one.rank == selected + 1, scale, axis, signs, width) for one in options]
    return Content("\n").join(groups)


def _group(one: Scored, chosen: bool, scale: float, axis: int, signs: Glyphs, width: int) -> Content:
    total = "not scored" if one.total is None else f"{one.total:.1f} points"
    title = crop(f"{one.rank} {one.model}", width - len(total) - 4, signs.ellipsis)
    lines = [
        styled((f"{signs.pointer if chosen else ' '} ", "$accent"), (title, "bold"), f"  {total}"),
        *(_line(part, scale, axis, signs, width) for part in one.parts),
    ]
    return Content("\n").join(lines)


def _line(part: Part, scale: float, axis: int, signs: Glyphs, width: int) -> Content:
    gains = part.points >= 0
    filled = round(abs(part.points) / scale * axis)
    if part.points and not filled:
        filled = 1
    sign, style = (signs.gain, "$primary") if gains else (signs.loss, "$error")
    detail = part.detail or part.inputs
    left = max(0, width - NAME_CELLS - axis - POINTS_CELLS - 7)
    return styled(
        "    ",
        pad(crop(part.name, NAME_CELLS, signs.ellipsis), NAME_CELLS),
        " ",
        (pad(sign * filled, axis), style),
        (f"{part.points:+{POINTS_CELLS}.1f}", "bold"),
        (f"  {crop(detail, left, signs.ellipsis)}", "$foreground-muted"),
    )
