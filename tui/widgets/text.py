"""Widgets for runtime text. None of them parses markup, and all of them drop control characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual
from textual.widgets import Static

from tui.plaintext import clean

Part = str | tuple[str, str | Style]


class PlainText(Static):
    """Text as it is, cleaned; brackets are brackets."""

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(Content(clean(text)), markup=False, id=id, classes=classes)

    def show(self, text: str) -> None:
        """Replace the text."""
        self.update(Content(clean(text)))


def styled(*parts: Part) -> Content:
    """Content from texts and `(text, style)` pairs; the texts are cleaned and never parsed."""
    return Content.assemble(
        *(clean(part) if isinstance(part, str) else (clean(part[0]), part[1]) for part in parts)
    )


def clickable(action: str) -> Style:
    """A style that runs an action of the widget when clicked."""
    return Style.from_meta({"@click": action})


class Fitted(Visual):
    """Content that is laid out anew for each width it is drawn at."""

    def __init__(self, build: Callable[[int], Content]) -> None:
        self._build = build
        self._cache: tuple[int, Content] | None = None

    def at(self, width: int) -> Content:
        """The content for `width` cells."""
        if self._cache is None or self._cache[0] != width:
            self._cache = (width, self._build(width))
        return self._cache[1]

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        return self.at(width).render_strips(width, height, style, options)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        return self.at(width).get_height(rules, width)


class FittedText(Static):
    """Shows a `Fitted`; selectable like other text."""

    def __init__(
        self, build: Callable[[int], Content], *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(Fitted(build), markup=False, id=id, classes=classes)


def hanging(rows: Sequence[tuple[Content, Content]]) -> Callable[[int], Content]:
    """Lays out rows of a prefix and a text that wraps under itself, not under the prefix."""

    def build(width: int) -> Content:
        lines: list[Content] = []
        for prefix, body in rows:
            lead = Content(" " * prefix.cell_length)
            wrapped = body.wrap(max(8, width - prefix.cell_length)) or [Content("")]
            lines.extend((lead if place else prefix) + line for place, line in enumerate(wrapped))
        return Content("\n").join(lines)

    return build


def crop(text: str, width: int, ellipsis: str) -> str:
    """Text of at most `width` cells."""
    if cell_len(text) <= width:
        return text
    room = max(0, width - cell_len(ellipsis))
    kept, used = [], 0
    for char in text:
        used += cell_len(char)
        if used > room:
            break
        kept.append(char)
    return ("".join(kept).rstrip() + ellipsis)[: max(width, 0)]


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Text filled with spaces to `width` cells."""
    gap = " " * max(0, width - cell_len(text))
    return gap + text if right else text + gap
