"""The set-up: what was found on this machine, and who may word the answers; guided comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.plaintext import clean
from tui.screens.sheet import Sheet
from tui.setup_view import GUIDED, options_of
from tui.widgets.found import Found
from tui.widgets.text import PlainText, styled

ABOUT = (
    "What was found on this machine. Enter begins in guided mode: built-in questions and answers, "
    "which need none of it."
)
WHO = "Who words the answers"
HARDWARE = ("hardware", "Reckon with other hardware than this machine's")


@dataclass(frozen=True, slots=True)
class SetUp:
    """What was chosen."""

    model: str = ""
    """`guided`, `auto` or a LiteLLM model."""
    edit_hardware: bool = False


class SetUpList(OptionList):
    """Who may word the answers, and the line for other hardware."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "select", "Choose")]


class FirstRunScreen(Sheet[SetUp | None]):
    """Gives a choice; Esc goes back without."""

    heading = "Set-up"
    help_topic = "Set-up"
    AUTO_FOCUS = "SetUpList"

    def __init__(self, detect: Callable[[], str] | None = None, *, offline: bool = False) -> None:
        """What is looked for.

        Args:
            detect: gives this machine's hardware in words.
            offline: Ollama is not looked for.
        """
        super().__init__()
        self._detect, self._offline = detect, offline
        self._options = [GUIDED, HARDWARE]

    def about(self) -> str:
        return ABOUT

    def parts(self) -> Iterable[Widget]:
        found = Found(self._detect, offline=self._offline)
        if self._detect is None:
            found.tell("hardware", "not looked for")
        yield found
        yield PlainText(WHO, classes="section")
        yield SetUpList(*map(_option, self._options), markup=False, compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(Found).look()

    def on_found_ollama(self, event: Found.Ollama) -> None:
        """Its models can be chosen; what is highlighted stays."""
        rows = self.query_one(SetUpList)
        at = self._options[rows.highlighted or 0]
        self._options = [*options_of(event.found), HARDWARE]
        rows.clear_options()
        rows.add_options(map(_option, self._options))
        rows.highlighted = self._options.index(at)

    @on(OptionList.OptionSelected)
    def _chosen(self, event: OptionList.OptionSelected) -> None:
        name = self._options[event.option_index][0]
        self.dismiss(SetUp(edit_hardware=True) if name == HARDWARE[0] else SetUp(model=name))


def _option(named: tuple[str, str]) -> Option:
    return Option(styled(clean(named[1], one_line=True)))
