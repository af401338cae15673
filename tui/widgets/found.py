"""What is found on this machine, line by line; each appears when it is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textual import work
from textual.content import Content
from textual.message import Message as UIMessage

from tui.glyphs import glyphs
from tui.setup_view import keys_words, ollama_words
from tui.widgets.text import Fitted, FittedText, hanging, styled

LOOKING = "looking"
NAMES = {"hardware": "Hardware", "ollama": "Ollama", "keys": "Keys"}


class Found(FittedText):
    """Three lines: hardware, Ollama, keys."""

    class Ollama(UIMessage):
        """What is known of the server now."""

        def __init__(self, found: Mapping[str, Any]) -> None:
            super().__init__()
            self.found = found

    def __init__(self, detect: Callable[[], str] | None, *, offline: bool, short: bool = False) -> None:
        """Prepare; nothing is looked for yet.

        Args:
            detect: gives this machine's hardware in words; None where it is told by `tell`.
            offline: Ollama is not looked for.
            short: say less of Ollama.
        """
        self._detect, self._offline, self._short = detect, offline, short
        waiting = LOOKING + glyphs().ellipsis
        self._told = dict.fromkeys(NAMES, waiting)
        super().__init__(self._build, classes="found")

    def look(self) -> None:
        """Look for everything, in threads; not before the first frame is drawn."""
        self._look_for_ollama()
        self._look_for_keys()
        if self._detect is not None:
            self._look_for_hardware(self._detect)

    def tell(self, name: str, text: str) -> None:
        """One of the lines is known."""
        self._told[name] = text
        if self.is_attached:
            self.update(Fitted(self._build))

    @work(thread=True, exit_on_error=False)
    def _look_for_hardware(self, detect: Callable[[], str]) -> None:
        self.app.call_from_thread(self.tell, "hardware", detect())

    @work(thread=True, exit_on_error=False)
    def _look_for_ollama(self) -> None:
        from tools.commands.setup import look_for_ollama

        self.app.call_from_thread(self._ollama, look_for_ollama(offline=self._offline))

    @work(thread=True, exit_on_error=False)
    def _look_for_keys(self) -> None:
        from tools.commands.setup import look_for_keys

        self.app.call_from_thread(self._keys, look_for_keys())

    def _ollama(self, found: Mapping[str, Any]) -> None:
        self.tell("ollama", ollama_words(found, short=self._short))
        self.post_message(self.Ollama(found))

    def _keys(self, found: Sequence[Mapping[str, Any]]) -> None:
        self.tell("keys", keys_words(found))

    def _build(self, width: int) -> Content:
        rows = [
            (styled((f"{NAMES[name]:<10}", "$foreground-muted")), styled(text))
            for name, text in self._told.items()
        ]
        return hanging(rows)(width)
