"""What the panes of the pictures have in common: a place for the picture, its words, and a table to copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui.widgets.text import Fitted, FittedText, hanging, styled

Lines = Sequence[tuple[str, str]]
"""Texts with their styles."""


class Words(Static):
    """Sentences under a picture, each on lines of its own."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("", markup=False, id=id, classes="words")

    def show(self, lines: Lines) -> None:
        """Other sentences; empty ones are left out."""
        rows = [(Content(""), styled((text, style))) for text, style in lines if text]
        self.update(Fitted(hanging(rows)))


class Drawing(FittedText):
    """A picture of text that is laid out for the width it gets."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(lambda _: Content(""), id=id, classes="drawing")


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
