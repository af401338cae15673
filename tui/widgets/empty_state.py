"""What stands in an empty conversation: one sentence, two examples, two keys."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message as UIMessage
from textual.widgets import Static

from tui.glyphs import glyphs
from tui.widgets.found import Found
from tui.widgets.text import PlainText, styled

SENTENCE = (
    "Say what a language model should do for you and on which machine; "
    "a minute later you know which one to run."
)
EXAMPLES = (
    "A coding assistant on my RTX 3060 12GB, must be free for work",
    "Search over 50,000 support tickets in German, nothing may leave our server",
)


FIRST = (
    "Found here. Enter goes on in guided mode: built-in questions and answers, "
    "no language model needed; /setup shows more."
)


class Example(Static):
    """An example that goes into the composer when it is clicked."""

    class Chosen(UIMessage):
        """An example was clicked."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, text: str) -> None:
        super().__init__(styled((f"{glyphs().user} ", "$primary"), text), markup=False, classes="example")
        self.text = text

    def on_click(self) -> None:
        self.post_message(self.Chosen(self.text))


class EmptyState(Vertical):
    """Goes away with the first message."""

    def __init__(self, found: Found | None = None) -> None:
        """What stands in it.

        Args:
            found: what is found on this machine, at the very first start.
        """
        super().__init__(id="empty", classes="-first" if found is not None else "")
        self._found = found

    def compose(self) -> ComposeResult:
        yield PlainText(SENTENCE, classes="sentence")
        yield PlainText("For example", classes="for-example")
        for text in EXAMPLES:
            yield Example(text)
        yield Static(
            styled(
                ("Enter", "bold $accent"), " sends      ", ("F1", "bold $accent"), " explains everything else"
            ),
            markup=False,
            classes="two-keys",
        )
        if self._found is not None:
            yield PlainText(FIRST, classes="first-run")
            yield self._found
