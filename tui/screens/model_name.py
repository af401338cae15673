"""A line to type the name of a model into, with the names that fit below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Footer, Input, OptionList
from textual.widgets.option_list import Option

from tui.glyphs import glyphs
from tui.name_matches import suggestions
from tui.widgets.text import PlainText, styled

HINT = "A name, hub id, Ollama tag or API model. Up and Down choose, Enter takes, Esc goes back."


class ModelNameScreen(ModalScreen[str | None]):
    """Gives the name that was chosen or typed; Esc goes back without."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Back"),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("pageup", "move(-10)", show=False),
    ]
    AUTO_FOCUS = "Input"

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._names: Sequence[str] = ()
        self._shown: Sequence[str] = ()

    def compose(self) -> ComposeResult:
        with Vertical(id="sheet"):
            yield PlainText(self._title, classes="title")
            yield Input(placeholder="qwen3 8b", compact=True, select_on_focus=False)
            yield PlainText(HINT, classes="place")
            options = OptionList(markup=False, compact=True)
            options.can_focus = False
            yield options
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        self.set_class(glyphs().name == "ascii", "-ascii")
        self.query_one(Input).cursor_blink = False
        self._load()

    @work(thread=True, exit_on_error=False)
    def _load(self) -> None:
        from tools.commands.card import all_names

        self.app.call_from_thread(self._loaded, all_names())

    def _loaded(self, names: Sequence[str]) -> None:
        self._names = names
        if self.is_mounted:
            self._suggest()

    def on_input_changed(self) -> None:
        """Something was typed."""
        self._suggest()

    def _suggest(self) -> None:
        options = self.query_one(OptionList)
        self._shown = suggestions(self._names, self.query_one(Input).value)
        options.clear_options()
        options.add_options(Option(styled(name)) for name in self._shown)
        options.highlighted = 0 if self._shown else None

    def action_move(self, by: int) -> None:
        """Choose another suggestion."""
        options = self.query_one(OptionList)
        if self._shown:
            options.highlighted = max(0, min(len(self._shown) - 1, (options.highlighted or 0) + by))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The chosen suggestion; what was typed where nothing fits it."""
        chosen = self.query_one(OptionList).highlighted
        name = self._shown[chosen] if chosen is not None and self._shown else event.value.strip()
        self.dismiss(name or None)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A suggestion was clicked."""
        self.dismiss(self._shown[event.option_index])
