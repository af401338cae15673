"""A picture with two axes, before anything draws it: points, lines, limits and words."""

from __future__ import annotations

import math
from dataclasses import dataclass

Ticks = tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Series:
    """Points with one sign, or a line through them."""

    points: tuple[tuple[float, float], ...]
    sign: str
    color: str
    """A color of the theme by name; the sign alone tells what it is."""
    line: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn; later series lie over earlier ones."""

    series: tuple[Series, ...]
    x_title: str
    y_title: str
    x_ticks: Ticks
    y_ticks: Ticks
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    limits: tuple[float, ...] = ()
    """Upright lines at these x."""


def even_ticks(low: float, high: float, count: int, unit: str = "") -> Ticks:
    """About `count` round figures from `low` to `high`."""
    span = max(high - low, 1e-9)
    step = 10 ** math.floor(math.log10(span / max(count, 1)))
    step *= next(factor for factor in (1, 2, 5, 10, 20) if span / (step * factor) <= count)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple((place * step, f"{unit}{place * step:,.10g}") for place in range(first, last + 1))


def table(rows: tuple[tuple[str, ...], ...]) -> str:
    """Rows as aligned text; the first column to the left, the others to the right."""
    wide = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(wide[0]), *(cell.rjust(wide[i]) for i, cell in enumerate(row[1:], start=1))]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
