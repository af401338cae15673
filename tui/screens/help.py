"""F1: the help file."""

from __future__ import annotations

from importlib.resources import files
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer, Markdown

from tui.widgets.text import PlainText


class HelpScreen(ModalScreen[None]):
    """The help, with the part on what had the focus first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,f1", "dismiss", "Back")]

    def __init__(self, topic: str = "") -> None:
        super().__init__()
        self._topic = topic

    def compose(self) -> ComposeResult:
        with Vertical(id="sheet"):
            yield PlainText("Help", classes="title")
            with VerticalScroll():
                yield Markdown(help_text(self._topic), open_links=False)
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.query_one(VerticalScroll).focus()


def help_text(topic: str = "") -> str:
    """The help file; the section called `topic` is moved to the top."""
    text = files("tui").joinpath("help.md").read_text(encoding="utf-8")
    sections = text.split("\n## ")
    first = [part for part in sections[1:] if part.split("\n", 1)[0].strip() == topic]
    rest = [part for part in sections[1:] if part not in first]
    return "\n## ".join([sections[0], *first, *rest])
