"""The saved conversations as rows to show, and which of them hold what is searched for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from textual.content import Content

from tui.glyphs import glyphs
from tui.plaintext import clean, local_time
from tui.widgets.text import crop, styled


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation."""

    name: str
    changed: str
    """By the clock on the wall, to the minute."""
    counts: str
    first: str
    """The first words of the person."""
    recommended: str
    problem: str
    """Why it cannot be read; empty where it can."""
    is_open: bool
    """It is the one on the screen."""

    def holds(self, word: str) -> bool:
        """Whether a word occurs in what is shown of it."""
        text = " ".join((self.name, self.changed, self.counts, self.first, self.recommended, self.problem))
        return word.lower() in text.lower()


def read_sessions(entries: Iterable[Mapping[str, Any]], current: str) -> list[Row]:
    """Rows of what `sessions list` gives, in its order.

    Args:
        entries: the conversations.
        current: name of the one on the screen.
    """
    return [_row(entry, current) for entry in entries]


def _row(entry: Mapping[str, Any], current: str) -> Row:
    name = clean(entry.get("name") or "", one_line=True)
    said = entry.get("said")
    counts = f"{said} {'message' if said == 1 else 'messages'}" if isinstance(said, int) else ""
    if branches := entry.get("branches"):
        counts += f", branches: {clean(', '.join(branches), one_line=True)}"
    return Row(
        name,
        local_time(str(entry.get("changed") or "")),
        counts,
        clean(entry.get("first") or "", one_line=True),
        ", ".join(clean(model, one_line=True) for model in entry.get("recommended") or ()),
        clean(entry.get("problem") or "", one_line=True),
        name == current,
    )


def row_lines(row: Row) -> Callable[[int], Content]:
    """The lines of a row for a width; each is cut and none wraps."""

    def build(width: int) -> Content:
        signs = glyphs()
        dot = f" {signs.separator} "
        here = f" {signs.best} open here" if row.is_open else ""
        name = crop(row.name, max(8, width - len(here)), signs.ellipsis)
        lines = [styled((name, "bold"), (here, "$accent"))]
        about = dot.join(part for part in (row.changed, row.counts) if part)
        lines.append(styled((crop(f"  {about}", width, signs.ellipsis), "$foreground-muted")))
        if row.first:
            lines.append(styled(crop(f"  \u201c{row.first}\u201d", width, signs.ellipsis)))
        if row.recommended:
            shown = crop(f"  recommended: {row.recommended}", width, signs.ellipsis)
            lines.append(styled((shown, "$foreground-muted")))
        if row.problem:
            lines.append(styled((crop(f"  {row.problem}", width, signs.ellipsis), "$warning")))
        return Content("\n").join(lines)

    return build
