"""The themes, each shown as it is pointed at; Esc brings back the one before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.screens.sheet import Sheet
from tui.themes import DARK, LIGHT
from tui.widgets.text import styled

ABOUT = "Up and Down show a theme at once, Enter takes it, Esc brings back the one before."
PREVIEW_SECONDS = 0.1
"""A whole screen is drawn anew for a theme; who runs down the list waits for none of them."""


class ThemeList(OptionList):
    """Their names."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Take it")]


class ThemesScreen(Sheet[None]):
    """Choose one; the application remembers it."""

    heading = "Theme"
    help_topic = "Settings"
    AUTO_FOCUS = "ThemeList"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "back", "Back")]

    def __init__(self, shown: str, available: Iterable[str]) -> None:
        """What there is.

        Args:
            shown: name of the theme that is used now.
            available: names of all themes.
        """
        super().__init__()
        own = (DARK.name, LIGHT.name)
        self._names = [*own, *sorted(set(available) - set(own))]
        self._before = shown
        self._timer: Timer | None = None

    def about(self) -> str:
        return ABOUT

    def parts(self) -> Iterable[Widget]:
        yield ThemeList(*(Option(styled(name)) for name in self._names), markup=False, compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(ThemeList).highlighted = self._names.index(self._before)

    @on(OptionList.OptionHighlighted)
    def _pointed(self, event: OptionList.OptionHighlighted) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PREVIEW_SECONDS, lambda: self._show(event.option_index))

    def _show(self, place: int) -> None:
        self.app.theme = self._names[place]

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        self._show(event.option_index)
        self.dismiss()

    def action_back(self) -> None:
        """Leave it as it was."""
        self.app.theme = self._before
        self.dismiss()
