"""All sources of an answer in a list, for those beyond the ninth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, OptionList
from textual.widgets.option_list import Option

from tui.claims import Source
from tui.widgets.text import PlainText, styled


class SourceOptions(OptionList):
    """The sources."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Open")]


class SourcesScreen(ModalScreen[Source | None]):
    """Choose one; Esc goes back without."""

    help_topic = "Sources"

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "Back")]

    def __init__(self, sources: Sequence[Source]) -> None:
        super().__init__()
        self._sources = sources

    def compose(self) -> ComposeResult:
        with Vertical(id="sheet"):
            yield PlainText("Sources", classes="title")
            yield SourceOptions(
                *(
                    Option(styled((f"{source.number:>2}  ", "bold $accent"), source.label))
                    for source in self._sources
                ),
                markup=False,
                compact=True,
            )
            yield Footer(show_command_palette=False, compact=True)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._sources[event.option_index])
