"""Ctrl+L: the end of the log file."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer

from tui.widgets.text import PlainText

TAIL_BYTES = 64_000


class LogScreen(ModalScreen[None]):
    """What was logged; nothing of it goes anywhere."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,ctrl+l", "dismiss", "Back"),
        Binding("c", "copy", "Copy"),
    ]

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self._path = path
        self._text = tail(path)

    def compose(self) -> ComposeResult:
        with Vertical(id="sheet"):
            yield PlainText("Log", classes="title")
            yield PlainText(
                str(self._path)
                if self._path
                else "There is no log file: the state folder cannot be written.",
                classes="place",
            )
            with VerticalScroll():
                yield PlainText(self._text or "Nothing was logged.")
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        scroll = self.query_one(VerticalScroll)
        scroll.focus()
        scroll.scroll_end(animate=False)

    def action_copy(self) -> None:
        """Copy what is shown."""
        self.app.copy_to_clipboard(self._text)
        self.query_one(".place", PlainText).show("Copied")


def tail(path: Path | None) -> str:
    """The end of a file; empty where it cannot be read."""
    if path is None:
        return ""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
