"""Markdown that may be long and may arrive in pieces, laid out in parts.

All of a Markdown widget is laid out anew with every piece that comes: after a few screens of text each piece
holds up typing for longer than one notices. What is complete therefore stays in parts of its own.
"""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Markdown
from textual.widgets.markdown import MarkdownStream

WRITE_SECONDS = 0.2
"""Pieces that come within this time are laid out together: each layout holds up typing."""
PART = 700
"""Characters after which a part ends, at the next place where it can."""
FENCES = ("```", "~~~")
CONTINUES = (" ", "\t", "-", "*", "+", "|", ">", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
"""Beginnings of lines that may go on with what stands before a blank line."""


def split_parts(text: str, least: int = PART) -> list[str]:
    """Markdown in parts that mean the same one by one: each ends before a block that begins anew.

    Args:
        text: Markdown.
        least: Characters that a part has at least; the last may have fewer.
    """
    parts: list[str] = []
    part, fenced, blank = "", False, False
    for line in text.splitlines(keepends=True):
        begins = blank and not fenced and line.strip() and not line.startswith(CONTINUES)
        if begins and len(part) >= least:
            parts.append(part)
            part = ""
        if line.lstrip().startswith(FENCES):
            fenced = not fenced
        part += line
        blank = not line.strip()
    return [*parts, part]


class FlowingMarkdown(Vertical):
    """Markdown in parts, of which only the last changes."""

    def __init__(self, text: str = "") -> None:
        super().__init__(classes="flowing")
        self._parts = split_parts(text)
        self._stream: MarkdownStream | None = None
        self._held = ""
        self._timed = False

    def compose(self) -> ComposeResult:
        for part in self._parts:
            yield Markdown(part, open_links=False)

    @property
    def text(self) -> str:
        """The Markdown."""
        return "".join(self._parts)

    async def write(self, fragment: str) -> None:
        """Add a piece; the first is shown at once, the others a few times a second."""
        self._held += fragment
        if not self._timed:
            self._timed = True
            self.set_timer(WRITE_SECONDS, self._next)
            await self._show_held()

    async def _next(self) -> None:
        self._timed = False
        if self._held:
            await self.write("")

    async def _show_held(self) -> None:
        fragment, self._held = self._held, ""
        if not fragment:
            return  # a stream that was started but never fed cannot be stopped: it raises CancelledError
        last = self._parts[-1] + fragment
        ended = split_parts(last)
        if len(ended) > 1 and len(ended[-1]) > len(FENCES[0]):
            self._parts[-1] = last
            await self.settle(self.text)
            return
        self._parts[-1] = last
        if self._stream is None:
            self._stream = Markdown.get_stream(self.query(Markdown).last())
        await self._stream.write(fragment)

    async def settle(self, text: str) -> None:
        """Lay out once more what changed: tables and fences that grew are not right before.

        Args:
            text: All of the Markdown.
        """
        self._held = ""
        streamed = self._stream is not None
        if self._stream is not None:
            await self._stream.stop()
            self._stream = None
        shown = list(self.query(Markdown))
        parts = split_parts(text)
        for place, part in enumerate(parts[: len(shown)]):
            if shown[place].source != part or (streamed and place == len(shown) - 1):
                await shown[place].update(part)
        for extra in shown[len(parts) :]:
            await extra.remove()
        if len(parts) > len(shown):
            await self.mount_all([Markdown(part, open_links=False) for part in parts[len(shown) :]])
        self._parts = parts
