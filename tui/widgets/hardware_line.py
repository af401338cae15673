"""The top line: the program, who words the answers, the conversation, and the hardware it reckons with."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.message import Message as UIMessage

from tui.glyphs import glyphs
from tui.plaintext import clean
from tui.widgets.text import Fitted, FittedText, crop, styled

MODES = {"guided": "guided, built in", "ollama": "Ollama", "api": "API model"}
ROOMY = 100
"""Columns from which the badge is told in full."""
BADGE = "[SIM]"
"""Before a machine that is not this one."""
UNKNOWN_HARDWARE = "hardware not known yet"


class HardwareLine(FittedText):
    """Drawn anew at each width; the hardware has the first claim to room."""

    class Chosen(UIMessage):
        """It was clicked: another machine is wanted."""

    def __init__(self, *, model: str, session: str | None) -> None:
        self._who = "loading" if model in ("", "auto") else model
        self._session, self._branch = session or "", ""
        self._hardware = self._origin = self._detected = ""
        self.simulated = False
        """The machine reckoned with is not this one."""
        super().__init__(self._build, id="top")
        self.tooltip = "A click changes the machine that is reckoned with"

    def ready(self, mode: str, model: str | None, session: str | None) -> None:
        """The session is open, or (without its name) goes on with another model."""
        self._who = model if model and model != "guided" else MODES.get(mode, mode)
        self._session = self._session if session is None else session
        self._redraw()

    def branch(self, name: str) -> None:
        """The branch in view; empty on the main line."""
        self._branch = name
        self._redraw()

    def hardware(self, text: str, origin: str) -> None:
        """The machine that is reckoned with, and where that came from."""
        self._hardware, self._origin = text, origin
        self._redraw()

    def simulate(self, simulated: bool) -> None:
        """Whether the machine reckoned with is another than this one."""
        self.simulated = simulated
        self._redraw()

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Chosen())

    def detected(self, text: str) -> None:
        """What this machine has; shown until there is other hardware to reckon with."""
        self._detected = text
        self._redraw()

    def _redraw(self) -> None:
        self.update(Fitted(self._build))

    def _build(self, width: int) -> Content:
        signs = glyphs()
        dot = f" {signs.separator} "
        text, source = self._hardware, self._origin
        if not text:
            text, source = (self._detected, "this machine") if self._detected else (UNKNOWN_HARDWARE, "")
        badge = f"{BADGE} " if self.simulated else ""
        if badge:
            source = f"{source}, not this machine" if width >= ROOMY else "not this machine"
        origin = f" ({source})" if source else ""
        machine = crop(clean(text, one_line=True), width - len(origin) - len(badge), signs.ellipsis)
        left_parts = [
            "llm-advisor",
            self._branch and f"branch {clean(self._branch)}",  # where one is, before who words it
            self._who,
            self._session,
        ]
        left = ""
        while left_parts:
            left = dot.join(part for part in left_parts if part)
            if len(left) + len(badge) + len(machine) + len(origin) + 3 <= width:
                break
            left_parts.pop()
        else:
            left = ""
        gap = " " * max(0, width - len(left) - len(badge) - len(machine) - len(origin))
        name, rest = left[:11], left[11:]
        return styled(
            (name, "bold $primary"),
            (rest, "$foreground-muted"),
            gap,
            (badge, "bold $warning"),
            machine,
            (origin, "$foreground-muted"),
        )
