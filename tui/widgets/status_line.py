"""One line between conversation and composer: what is being done and for how long, or a short message."""

from __future__ import annotations

import math
import time

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from tui.glyphs import glyphs
from tui.plaintext import shorten
from tui.widgets.text import styled

FLASH_SECONDS = 4.0
TICK_SECONDS = 0.1
IDLE = "Enter sends, Ctrl+J adds a line"
FLASH_STYLES = {"information": "$success", "warning": "$warning", "error": "$error"}


class StatusLine(Static):
    """A sign of life."""

    def __init__(self) -> None:
        super().__init__("", markup=False, id="status")
        self._step: str | None = None
        self._started = 0.0
        self._flash: tuple[str, str] | None = None
        self._flash_until = 0.0
        self._ticks: Timer | None = None
        self._frame = 0
        self._queued = 0
        self._cost = ""

    def on_mount(self) -> None:
        self._ticks = self.set_interval(TICK_SECONDS, self._tick, pause=True)
        self._draw()

    def begin(self, step: str) -> None:
        """Something started; drawn at once."""
        if self._flash_until == math.inf:
            self._flash = None
        self._step, self._started, self._frame = step, time.monotonic(), 0
        self._run()

    def step(self, step: str) -> None:
        """The running thing is at another step."""
        if self._step is not None:
            self._step = step
            self._draw()

    def end(self) -> None:
        """Nothing runs any more."""
        self._step = None
        self._draw()

    def queued(self, count: int) -> None:
        """How many inputs wait for the running turn."""
        self._queued = count
        self._draw()

    def cost(self, text: str) -> None:
        """What the conversation cost so far; stays in sight."""
        self._cost = text
        self._draw()

    def flash(self, text: str, kind: str = "information", *, stays: bool = False) -> None:
        """A message that goes away by itself, or stays until the next turn begins."""
        self._flash = (text, FLASH_STYLES[kind])
        self._flash_until = math.inf if stays else time.monotonic() + FLASH_SECONDS
        self._run()

    def _run(self) -> None:
        if self._ticks is not None:
            self._ticks.resume()
        self._draw()

    def _tick(self) -> None:
        self._frame += 1
        if self._flash is not None and time.monotonic() >= self._flash_until:
            self._flash = None
        still = self._flash is None or self._flash_until == math.inf
        if self._step is None and still and self._ticks is not None:
            self._ticks.pause()
        self._draw()

    def _draw(self) -> None:
        if self._flash is not None:
            text, style = self._flash
            self.update(styled((shorten(text, 160), f"bold {style}")), layout=False)
        elif self._step is not None:
            self.update(self._life(), layout=False)
        else:
            text = f"{self._cost}  {glyphs().separator}  {IDLE}" if self._cost else IDLE
            self.update(styled((text, "$foreground-muted")), layout=False)

    def _life(self) -> Content:
        frames = glyphs().spinner
        sign = frames[0] if self.app.animation_level == "none" else frames[self._frame % len(frames)]
        seconds = time.monotonic() - self._started
        shown = f"{seconds:.0f} s" if self.app.animation_level != "none" else ""
        waiting = f"  {self._queued} waiting" if self._queued else ""
        return styled(
            (f"{sign} ", "$primary"),
            shorten(self._step, 100),
            (f"  {shown}{waiting}  Esc stops", "$foreground-muted"),
        )
