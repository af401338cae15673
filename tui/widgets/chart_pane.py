"""Panes that are one chart with words: quality against memory, and cost over months."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tui.pictures.chart import Chart
from tui.widgets.picture_pane import PicturePane, Words


class ChartPane(PicturePane):
    """A chart, its sentences, and its table."""

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._table: tuple[tuple[str, ...], ...] = ()

    def compose(self) -> ComposeResult:
        yield Words()

    def tell(self, *lines: str) -> None:
        """Say what is missing, or what is being done."""
        for plot in self.query(".plot"):
            plot.display = False
        self._table = ()
        self.query_one(Words).show([(line, "") for line in lines])

    async def show(self, chart: Chart, words: Sequence[str], table: tuple[tuple[str, ...], ...]) -> None:
        """Draw a chart with what is to be seen in it."""
        from tui.widgets.plot import ChartPlot

        if not self.query(ChartPlot):
            await self.mount(ChartPlot(), before=self.query_one(Words))
        plot = self.query_one(ChartPlot)
        plot.add_class("plot")
        plot.display = True
        plot.show(chart)
        self._table = table
        self.query_one(Words).show([(line, "") for line in words])

    def table(self) -> tuple[tuple[str, ...], ...]:
        return self._table


class CostPane(ChartPane):
    """Cost has two keys of its own; the screen does what they ask, in a thread."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t", "screen.volume", "Tokens a day"),
        Binding("b", "screen.buy", "Buy or own"),
    ]
