"""Draws a chart with plotext. Import it in a thread first: the library takes a while to load."""

from __future__ import annotations

from rich.text import Text
from textual.color import Color
from textual_plotext import PlotextPlot

from tui.glyphs import ASCII, glyphs
from tui.pictures.chart import Chart, Series

_BOX = str.maketrans(
    {
        "─": "-",
        "│": "|",
        **dict.fromkeys("┌┐└┘├┤┬┴┼", "+"),
    }
)
"""The library's frame, for a screen in ASCII."""
LEAST_HEIGHT = 6


class ChartPlot(PlotextPlot):
    """One chart; shows another state by `show`."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._chart: Chart | None = None

    def on_mount(self) -> None:
        """The colors are those of the app's theme, read whenever it is drawn."""
        self.app.theme_changed_signal.subscribe(self, lambda _: self.refresh())

    def show(self, chart: Chart) -> None:
        """Draw another chart."""
        self._chart = chart
        self.refresh()

    def render(self) -> Text:
        width, height = self.size
        if self._chart is None or width < 20 or height < LEAST_HEIGHT:
            return Text("")
        drawn = self._build(self._chart, width, height)
        if glyphs() is ASCII:
            drawn = drawn.translate(_BOX)
        text = Text.from_ansi(drawn, no_wrap=True, end="")
        return Text(text.plain, no_wrap=True, end="") if self.app.no_color else text

    def _build(self, chart: Chart, width: int, height: int) -> str:
        plot = self.plt
        plot.clear_figure()
        plot.plotsize(width, height)
        plot._set_size(width, height)
        for color, paint in (("background", plot.canvas_color), ("background", plot.axes_color)):
            paint(self._rgb(color))
        plot.ticks_color(self._rgb("foreground"))
        for x in chart.limits:
            plot.vline(x, self._rgb("warning"))
        for series in chart.series:
            self._add(series)
        plot.xlim(*chart.x_range)
        plot.ylim(*chart.y_range)
        plot.xticks([at for at, _ in chart.x_ticks], [name for _, name in chart.x_ticks])
        plot.yticks([at for at, _ in chart.y_ticks], [name for _, name in chart.y_ticks])
        plot.xlabel(chart.x_title)
        plot.title(chart.y_title)
        return str(plot.build())

    def _add(self, series: Series) -> None:
        xs, ys = [x for x, _ in series.points], [y for _, y in series.points]
        paint = self.plt.plot if series.line else self.plt.scatter
        paint(xs, ys, marker=series.sign, color=self._rgb(series.color))

    def _rgb(self, name: str) -> tuple[int, int, int]:
        return Color.parse(self.app.theme_variables[name]).rgb
