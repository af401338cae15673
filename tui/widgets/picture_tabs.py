"""The names of the pictures in one line; a click or a digit chooses one."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui.glyphs import glyphs
from tui.widgets.text import clickable, styled


class PictureTabs(Static):
    """One line of names, the shown one marked by a sign."""

    class Chosen(Message):
        """Somebody clicked a name."""

        def __init__(self, place: int) -> None:
            super().__init__()
            self.place = place

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__("", markup=False, id="picture-tabs")
        self._names = names

    def show(self, place: int) -> None:
        """Mark another one."""
        parts = []
        for index, name in enumerate(self._names):
            sign = glyphs().pointer if index == place else " "
            style = "bold $primary" if index == place else "$foreground-muted"
            label = styled((f"{sign}{index + 1} {name}", style))
            parts.append(label.stylize(clickable(f"choose({index})")))
        self.update(Content("  ").join(parts), layout=False)

    def action_choose(self, place: int) -> None:
        """A click."""
        self.post_message(self.Chosen(place))
