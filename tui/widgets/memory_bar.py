"""Memory of a device as a bar with a legend in words. Signs differ by part, so that color is never needed."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from tui.answer import Bar
from tui.glyphs import Glyphs, glyphs
from tui.plaintext import gib
from tui.widgets.text import FittedText, styled

STYLES = ("$primary", "$secondary", "$accent", "$warning", "$foreground-disabled")
WIDEST = 64


def cells(parts: Sequence[int], width: int) -> list[int]:
    """Cells for each part of a bar: they add up to `width`, and what is not nothing gets at least one."""
    total = sum(parts)
    if total <= 0 or width <= 0:
        return [0 for _ in parts]
    exact = [part * width / total for part in parts]
    given = [max(1, int(share)) if part > 0 else 0 for part, share in zip(parts, exact, strict=True)]
    while sum(given) > width:  # many slivers in a narrow bar: take from the widest
        given[given.index(max(given))] -= 1
    by_remainder = sorted(range(len(parts)), key=lambda index: exact[index] - given[index], reverse=True)
    place = 0
    while sum(given) < width:
        index = by_remainder[place % len(by_remainder)]
        if parts[index] > 0:
            given[index] += 1
        place += 1
    return given


def draw_bar(bar: Bar, width: int, signs: Glyphs) -> Content:
    """Title, bar and legend of one device."""
    lines = _drawn(bar, width, signs)
    if len(lines) > 1:
        lines.extend(_legend(bar, width, signs))
    return Content("\n").join(lines)


def _drawn(bar: Bar, width: int, signs: Glyphs) -> list[Content]:
    """Title and bar, without the legend."""
    free = bar.free
    lines = [_title(bar)]
    if bar.available is None and len(bar.parts) == 1:
        return lines  # one part of an unknown whole is no picture
    amounts = [amount for _, amount in bar.parts] + [max(0, free or 0)]
    shares = cells(amounts, min(width, WIDEST))
    kinds = [*range(len(bar.parts)), -1]  # what is free has the last sign, however many parts there are
    lines.append(
        styled(
            *(
                (signs.bar[kind] * share, STYLES[kind])
                for kind, share in zip(kinds, shares, strict=True)
                if share
            )
        )
    )
    if bar.available is not None and bar.used > bar.available:
        lines.append(_edge(bar, min(width, WIDEST), signs))
    return lines


def draw_bars(bars: Sequence[Bar], width: int, signs: Glyphs) -> Content:
    """Several devices: a title and a bar for each, and one legend with sums."""
    if len(bars) == 1:
        return draw_bar(bars[0], width, signs)
    lines = [line for bar in bars for line in _drawn(bar, width, signs)]
    divided = [bar for bar in bars if len(bar.parts) > 1]
    named = [name for name, _ in divided[0].parts] if divided else []
    parts = tuple((name, sum(dict(bar.parts).get(name, 0) for bar in divided)) for name in named)
    free = [bar.free for bar in divided if bar.free is not None]
    used = sum(amount for _, amount in parts)
    whole = Bar("", parts, used + sum(max(0, left) for left in free) if len(free) == len(divided) else None)
    return Content("\n").join([*lines, *_legend(whole, width, signs)])


def _edge(bar: Bar, width: int, signs: Glyphs) -> Content:
    """Under a bar that is too long: where the memory of the device ends."""
    at = min(width - 1, (bar.available or 0) * width // bar.used)
    words = f"room ends at {gib(bar.available)}"
    if at + 2 + len(words) <= width:
        return styled(" " * at, (signs.slider[-1], "bold $warning"), f" {words}")
    return styled(" " * max(0, at - len(words) - 1), f"{words} ", (signs.slider[-1], "bold $warning"))


def _title(bar: Bar) -> Content:
    if bar.available is None:
        figures = f"  {gib(bar.used)}"
    elif bar.used > bar.available:
        figures = (
            f"  {gib(bar.used)} needed, {gib(bar.available)} there: over by {gib(bar.used - bar.available)}"
        )
    else:
        figures = f"  {gib(bar.used)} of {gib(bar.available)}"
    return styled((bar.device, "bold"), figures)


def _legend(bar: Bar, width: int, signs: Glyphs) -> list[Content]:
    entries = [
        (signs.bar[index], STYLES[index], word, gib(amount))
        for index, (word, amount) in enumerate(bar.parts)
        if amount
    ]
    if bar.free is not None and bar.free >= 0:
        entries.append((signs.bar[-1], STYLES[-1], "free", gib(bar.free)))
    lines: list[Content] = []
    used = width + 1
    for sign, style, word, figure in entries:
        length = len(word) + len(figure) + 6
        entry = styled((f"{sign} ", style), f"{word} ", (figure, "bold"))
        if used + length > width:
            lines.append(entry)
            used = length
        else:
            lines[-1] = lines[-1] + "   " + entry
            used += length
    return lines


class MemoryBars(FittedText):
    """One bar for each device of a candidate."""

    def __init__(self, bars: Sequence[Bar]) -> None:
        super().__init__(
            lambda width: Content("\n\n").join(draw_bar(bar, width, glyphs()) for bar in bars), classes="bars"
        )
