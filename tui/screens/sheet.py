"""A sheet over the conversation: a title, what it is about, its parts, a line for messages, and the keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Footer

from tui.glyphs import glyphs
from tui.widgets.text import PlainText, styled

T = TypeVar("T")
STYLES = {"information": "bold $success", "warning": "bold $warning", "error": "bold $error"}


class Sheet(ModalScreen[T]):
    """Base of the larger sheets; Esc goes back from each."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Back")]
    heading: ClassVar[str] = ""
    help_topic: ClassVar[str] = ""
    """The section of the help on this sheet."""

    def about(self) -> str:
        """One sentence under the title."""
        return ""

    def parts(self) -> Iterable[Widget]:
        """What stands in it."""
        return ()

    def compose(self) -> ComposeResult:
        with Vertical(id="sheet"):
            yield PlainText(self.heading, classes="title")
            yield PlainText(self.about(), classes="place", id="about")
            yield from self.parts()
            yield PlainText("", id="told")
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.set_class(glyphs().name == "ascii", "-ascii")
        self.query_one("#told").display = False

    def tell(self, text: str, kind: str = "information") -> None:
        """Say what was done, or why not; an empty text takes the line away."""
        line = self.query_one("#told", PlainText)
        line.display = bool(text)
        line.update(styled((text, STYLES[kind])))

    def show_about(self, text: str) -> None:
        """Other words under the title."""
        self.query_one("#about", PlainText).show(text)
