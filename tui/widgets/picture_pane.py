"""What the panes of the pictures have in common: a place for the picture, its words, and a table to copy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.css.styles import RulesMap
from textual.message import Message
from textual.widgets import Static

from tui.widgets.text import Fitted, hanging, styled

Lines = Sequence[tuple[str, str]]
"""Texts with their styles."""
NO_RULES: RulesMap = {}


class Drawing(Static):
    """Text that is laid out for the width it gets; other text of the same height moves nothing around it."""

    def __init__(self, *, id: str | None = None, classes: str = "drawing") -> None:
        super().__init__("", markup=False, id=id, classes=classes)
        self._fitted: Fitted | None = None

    def draw(self, build: Callable[[int], Content]) -> None:
        """Show another picture. Laying out the whole screen costs more than all the rest."""
        fitted, width = Fitted(build), self.content_size.width
        rows = None if self._fitted is None or not width else _rows(self._fitted, width)
        self._fitted = fitted
        self.update(fitted, layout=rows is None or rows != _rows(fitted, width))


def _rows(fitted: Fitted, width: int) -> int:
    return fitted.get_height(NO_RULES, width)


class Words(Drawing):
    """Sentences beside a picture, each on lines of its own."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="words")

    def show(self, lines: Lines) -> None:
        """Other sentences; empty ones are left out."""
        self.draw(hanging([(Content(""), styled((text, style))) for text, style in lines if text]))


class PicturePane(VerticalScroll, can_focus=True):
    """One picture."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "other(-1)", show=False),
        Binding("right", "other(1)", show=False),
    ]

    class Other(Message):
        """Somebody wants the picture beside this one."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def action_other(self, by: int) -> None:
        """The arrows go from picture to picture where the picture has no use of them."""
        self.post_message(self.Other(by))

    def table(self) -> tuple[tuple[str, ...], ...]:
        """The figures of the picture as rows, the first one its head; empty where there are none."""
        return ()
