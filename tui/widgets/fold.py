"""One line that opens to more."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget

from tui.glyphs import glyphs
from tui.widgets.text import Fitted, FittedText, hanging, styled


class FoldTitle(FittedText, can_focus=True):
    """The line; Enter, Space or a click opens and closes."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "fold", "Open or close")]

    def action_fold(self) -> None:
        """Open or close the fold around this line."""
        if isinstance(self.parent, Fold):
            self.parent.toggle()

    def on_click(self) -> None:
        self.action_fold()


class Fold(Vertical):
    """A title line; its body is made when it is first opened."""

    def __init__(
        self,
        title: Content,
        body: Callable[[], list[Widget]],
        *,
        classes: str | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(classes=classes, id=id)
        self._title = title
        self._body = body
        self.opened = False

    def compose(self) -> ComposeResult:
        yield FoldTitle(self._line)

    def toggle(self) -> None:
        """Open where closed, close where open."""
        self.opened = not self.opened
        self.query_one(FoldTitle).update(Fitted(self._line))
        held = self.query(".fold-body")
        if held:
            held.first().display = self.opened
        elif self.opened:
            self.mount(Vertical(*self._body(), classes="fold-body"))

    def _line(self, width: int) -> Content:
        signs = glyphs()
        mark = signs.unfolded if self.opened else signs.folded
        return hanging([(styled((f"{mark} ", "$foreground-muted")), self._title)])(width)
