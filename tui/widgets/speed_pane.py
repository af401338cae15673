"""Speed of the options on one axis, and of one option by users or by context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.glyphs import glyphs
from tui.pictures.speed import (
    By,
    CurvePoint,
    SpeedRow,
    curve_chart,
    curve_table,
    curve_words,
    speed_rows,
    speed_table,
    speed_words,
    wanted_speed,
)
from tui.widgets.picture_pane import Drawing, PicturePane, Words
from tui.widgets.speed_axis import draw_speeds

NONE = "There is no recommendation yet, so there are no options to compare."
HOW = "o names a model, h a machine; or go back with Esc and ask for a recommendation (Ctrl+R)."


class SpeedPane(PicturePane):
    """Intervals first, the curve of the chosen option under them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "by", "Users or context"),
    ]

    def __init__(self) -> None:
        super().__init__(id="picture-speed")
        self._rows: Sequence[SpeedRow] = ()
        self._curves: dict[By, Sequence[CurvePoint]] = {}
        self._by: By = "context"
        self._name = ""

    def compose(self) -> ComposeResult:
        yield Words(id="speed-words")
        yield Drawing(id="speed-axis")
        yield Words(id="curve-words")

    def show(self, raw: Mapping[str, Any], selected: int) -> None:
        """Draw the options of a recommendation."""
        rows = self._rows = speed_rows(raw)
        wanted = wanted_speed(raw)
        words = self.query_one("#speed-words", Words)
        words.show([(speed_words(rows, wanted), "")] if rows else [(NONE, ""), (HOW, "$foreground-muted")])
        drawing = self.query_one("#speed-axis", Drawing)
        drawing.display = any(row.mid is not None for row in rows)
        drawing.draw(lambda width: draw_speeds(rows, wanted[0], selected, width, glyphs()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No other curve where there are not two."""
        return len(self._curves) > 1 if action == "by" else super().check_action(action, parameters)

    async def show_curves(self, name: str, curves: dict[By, Sequence[CurvePoint]]) -> None:
        """Draw the curves of one option; none where its speed is not known."""
        self._name, self._curves = name, {by: points for by, points in curves.items() if points}
        if self._by not in self._curves:
            self._by = next(iter(self._curves), "context")
        self.refresh_bindings()
        await self._draw()

    async def action_by(self) -> None:
        """By users instead of by context, and back."""
        other: By = "users" if self._by == "context" else "context"
        if other in self._curves:
            self._by = other
            await self._draw()

    async def _draw(self) -> None:
        from tui.widgets.plot import ChartPlot

        points = self._curves.get(self._by)
        for old in self.query(ChartPlot):
            old.display = bool(points)
        words = self.query_one("#curve-words", Words)
        if not points:
            # Where no option's speed is known, the line above has said so already.
            told = self._name and (not self._rows or any(row.mid is not None for row in self._rows))
            words.show([(f"How its speed changes is not known for {self._name}.", "")] if told else [])
            return
        if not self.query(ChartPlot):
            await self.mount(ChartPlot(id="speed-plot"), before=words)
        self.query_one(ChartPlot).show(curve_chart(points, self._by, glyphs()))
        words.show([(f"{self._name}: {curve_words(points, self._by, glyphs())}", "")])

    def table(self) -> tuple[tuple[str, ...], ...]:
        return speed_table(self._rows) if self._rows else self._curve()

    def _curve(self) -> tuple[tuple[str, ...], ...]:
        points = self._curves.get(self._by)
        return curve_table(points, self._by) if points else ()
