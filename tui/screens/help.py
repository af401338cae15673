"""F1: what has the focus is explained first, with its keys; then everything else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget

from tui.help_rows import help_rows
from tui.key_table import KeyRow, actions_table
from tui.screens.sheet import Sheet
from tui.widgets.text import FittedText, PlainText, hanging, styled

KEY_CELLS = 24
ABOUT = "Up, Down and Page Down scroll."


class HelpScreen(Sheet[None]):
    """The help, with the part on what had the focus first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,f1", "dismiss", "Back")]
    heading = "Help"

    def __init__(self, topic: str = "", keys: Sequence[KeyRow] = ()) -> None:
        """What comes first.

        Args:
            topic: section on what had the focus.
            keys: the keys that count there.
        """
        super().__init__()
        self._topic, self._keys = topic, keys

    def about(self) -> str:
        return ABOUT

    def parts(self) -> Iterable[Widget]:
        first, rest = split_help(self._topic)
        parts: list[Widget] = []
        if first:
            parts.append(_prose(first))
        if self._keys:
            parts += [PlainText("Keys here", classes="section"), _table(self._keys)]
        parts += [
            _prose(rest),
            PlainText("Everything that can be done in the conversation", classes="section"),
            _table(actions_table()),
        ]
        yield VerticalScroll(*parts)

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(VerticalScroll).focus()


def help_text(topic: str = "") -> str:
    """The help file; the section called `topic` is moved to the top."""
    return "\n\n".join(part for part in split_help(topic) if part)


def split_help(topic: str = "") -> tuple[str, str]:
    """The section called `topic` (empty where there is none), and the rest of the help file."""
    text = files("tui").joinpath("help.md").read_text(encoding="utf-8")
    sections = text.split("\n## ")
    first = [part for part in sections[1:] if part.split("\n", 1)[0].strip() == topic]
    rest = [part for part in sections[1:] if part not in first]
    return "\n".join(f"## {part}" for part in first), "\n## ".join([sections[0], *rest])


def _prose(markdown: str) -> FittedText:
    return FittedText(hanging(help_rows(markdown)), classes="prose")


def _table(rows: Sequence[KeyRow]) -> FittedText:
    wide = min(KEY_CELLS, max(len(keys) for keys, _ in rows))
    lines = [
        (styled((f"{keys:<{wide}}  ", "bold $accent")), styled(words))
        if len(keys) <= wide
        else (styled((f"{keys}  ", "bold $accent")), styled(words))
        for keys, words in rows
    ]
    return FittedText(hanging(lines), classes="keys-table")
