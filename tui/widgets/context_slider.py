"""A slider for the context on a logarithmic scale, with the limits marked: keys belong to who holds it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tui.glyphs import Glyphs, glyphs
from tui.plaintext import rough_tokens, tokens
from tui.widgets.text import styled

GRAIN = 256
"""Contexts are multiples of this, except at the ends."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What a slider shows, in tokens."""

    least: int
    most: int
    value: int
    fits: int | None
    """The last that fits; 0 where none does, None where that is not known."""


def cell_of(context: int, scale: Scale, width: int) -> int:
    """The cell of a context on a track of some cells."""
    if width < 2 or scale.most <= scale.least:
        return 0
    share = math.log(max(context, scale.least) / scale.least) / math.log(scale.most / scale.least)
    return min(width - 1, max(0, round(share * (width - 1))))


def context_at(cell: int, scale: Scale, width: int) -> int:
    """The context of a cell; the ends and the last that fits are met exactly."""
    if cell <= 0 or width < 2:
        return scale.least
    if cell >= width - 1:
        return scale.most
    if scale.fits and scale.least <= scale.fits <= scale.most and cell == cell_of(scale.fits, scale, width):
        return scale.fits
    exact = scale.least * math.pow(scale.most / scale.least, cell / (width - 1))
    return min(scale.most, max(scale.least, round(exact / GRAIN) * GRAIN))


def draw_track(scale: Scale, width: int, signs: Glyphs) -> Content:
    """The track and, under it, its ends and the mark of what fits."""
    done, handle, fits, beyond, mark = signs.slider
    at = cell_of(scale.value, scale, width)
    limit = width if scale.fits is None else -1 if scale.fits <= 0 else cell_of(scale.fits, scale, width)
    parts: list[tuple[str, str]] = []
    for cell in range(width):
        if cell == at:
            parts.append((handle, "bold $accent"))
        elif cell == limit and limit < width - 1:
            parts.append((mark, "bold $warning"))
        elif cell < at:
            parts.append((done, "$primary"))
        elif cell > limit:
            parts.append((beyond, "$foreground-disabled"))
        else:
            parts.append((fits, "$foreground-muted"))
    return styled(*parts) + "\n" + styled((_labels(scale, width, limit), "$foreground-muted"))


def _labels(scale: Scale, width: int, limit: int) -> str:
    """The least on the left, the model's limit on the right, what fits under its mark where it has room."""
    left, right = tokens(scale.least), f"{tokens(scale.most)} model's limit"
    line = left.ljust(max(0, width - len(right))) + right
    if scale.fits is None or limit >= width - 1:
        return line[:width]
    words = "nothing fits" if scale.fits <= 0 else f"{rough_tokens(scale.fits)} fits"
    start = min(max(len(left) + 2, limit - len(words) // 2), width - len(right) - len(words) - 2)
    if start < len(left) + 2:
        return line[:width]
    return (line[:start] + words + line[start + len(words) :])[:width]


class ContextSlider(Widget):
    """The slider; a click or a drag asks for another context."""

    class Asked(Message):
        """Somebody pointed at a context."""

        def __init__(self, context: int) -> None:
            super().__init__()
            self.context = context

    def __init__(self) -> None:
        super().__init__(id="context-slider")
        self._scale: Scale | None = None
        self._dragging = False

    def show(self, scale: Scale) -> None:
        """Draw another state."""
        if scale != self._scale:
            self._scale = scale
            self.refresh()

    def render(self) -> Content:
        width = self.size.width
        return draw_track(self._scale, width, glyphs()) if self._scale and width else Content("")

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._dragging = True
        self.capture_mouse()
        self._point(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragging:
            self._point(event.x)

    def on_mouse_up(self) -> None:
        self._dragging = False
        self.release_mouse()

    def _point(self, x: int) -> None:
        if self._scale is not None:
            self.post_message(self.Asked(context_at(x, self._scale, self.size.width)))
