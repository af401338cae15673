"""Lines above the composer: what waits for the running answer, and the commands that what is typed begins."""

from __future__ import annotations

from collections.abc import Sequence

from tui.actions import Action
from tui.glyphs import glyphs
from tui.plaintext import clean
from tui.turns import Input
from tui.widgets.text import Fitted, FittedText, crop, styled

MOST = 3
MOST_COMMANDS = 6


class Above(FittedText):
    """Dim lines, each cut to the width; gone while there are none."""

    def __init__(self, id: str) -> None:
        super().__init__(lambda width: styled(""), id=id)
        self.lines: list[str] = []
        self.display = False

    def show_lines(self, lines: Sequence[str]) -> None:
        """Show these lines; the same ones again cost nothing, since it is asked with every key."""
        cleaned = [clean(line, one_line=True) for line in lines]
        if cleaned == self.lines:
            return
        self.lines = cleaned
        self.display = bool(self.lines)
        dots = glyphs().ellipsis
        self.update(
            Fitted(
                lambda width: styled(
                    ("\n".join(crop(line, width, dots) for line in self.lines), "$foreground-muted")
                )
            )
        )


def waiting_lines(waiting: Sequence[Input]) -> list[str]:
    """What waits, the next one first."""
    shown = [f"waits {glyphs().separator} {given.words}" for given in waiting if given.kind != "open"]
    if not shown:
        return []
    rest = len(shown) - MOST
    lines = shown if rest <= 1 else [*shown[: MOST - 1], f"and {rest + 1} more"]
    return [*lines[:-1], f"{lines[-1]} (Up takes the last one back)"]


def command_lines(found: Sequence[Action]) -> list[str]:
    """The commands that can be meant; Tab completes the first."""
    lines = [f"{' '.join((one.typed, one.takes)).strip()}: {one.title}. {one.help}" for one in found]
    if len(lines) > MOST_COMMANDS:
        lines = [*lines[: MOST_COMMANDS - 1], f"and {len(lines) - MOST_COMMANDS + 1} more: type on"]
    return [f"{lines[0]} (Tab)", *lines[1:]] if lines else []
