"""Markdown that may be long and may arrive in pieces, laid out block by block.

All of a Markdown widget is laid out anew with every piece that comes: after a few screens of text each piece
holds up typing for longer than one notices. What is complete is therefore laid out once and never touched
again; the block that still grows is one plain text below it.
"""

from __future__ import annotations

import asyncio
import re
import time
from functools import cache

from markdown_it import MarkdownIt
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Markdown, Static
from textual.widgets.markdown import MarkdownFence

from tui.glyphs import glyphs
from tui.widgets.composer import Composer
from tui.widgets.text import styled

WRITE_SECONDS = 0.2
"""Pieces that come within this time are drawn together: each drawing holds up typing."""
TYPING_SECONDS = 0.9
"""Somebody types until that long after a key: meanwhile only the last lines of the answer are drawn, in
place, for laying out a screen takes longer than one notices between a key and its letter."""
HELD_SECONDS = 30.0
"""After this time all is laid out even so."""
WINDOW = 6
"""Lines that are drawn while somebody types, or as many as stood there."""
PART = 700
"""Characters after which a part ends, at the next place where it can."""
_DEFINED = re.compile(r"^ {0,3}\[[^\]\n]+\]:", re.MULTILINE)
"""What a link elsewhere in the text may mean: such a text cannot be taken apart."""
_FENCE = re.compile(r"^ {0,3}(?:```+|~~~+)")
_HEADING = re.compile(r"^#{1,6} +")
_ITEM = re.compile(r"^( *)[-*+] ")
_INLINE = re.compile(r"\*\*(.+?)\*\*|`([^`]+)`")


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("gfm-like")  # what `Markdown` takes


def block_starts(text: str) -> list[int]:
    """Offsets of the characters at which the blocks of a Markdown text begin, but for the first."""
    if _DEFINED.search(text):
        return []
    offsets = [0]
    for line in text.split("\n"):  # the lines of the parser; `splitlines` knows more kinds
        offsets.append(offsets[-1] + len(line) + 1)
    tokens = _parser().parse(text)
    starts = {offsets[token.map[0]] for token in tokens if token.level == 0 and token.map}
    return sorted(start for start in starts if text[:start].strip())


def split_parts(text: str, least: int = PART) -> list[str]:
    """Markdown in parts that mean the same one by one.

    Args:
        text: Markdown.
        least: Characters that a part has at least; the last may have fewer.
    """
    cuts = [0]
    for start in block_starts(text) if len(text) > least else ():
        if start - cuts[-1] >= least:
            cuts.append(start)
    return [text[start:end] for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True)]


def complete(text: str) -> int:
    """How many characters of a text that grows are blocks which nothing that follows can change."""
    whole = text[: text.rfind("\n") + 1]  # the beginning of a line does not tell yet what it is
    return next(reversed(block_starts(whole)), 0)


def draft(text: str, last: int = 0) -> Content:
    """A block that still grows: no layout, but without the marks that go away when it is complete.

    Args:
        text: Markdown.
        last: Draw only so many lines, the last ones; 0 for all.
    """
    lines: list[Content] = []
    given = text.strip("\n").split("\n")
    first = max(0, len(given) - last) if last else 0
    fenced = sum(_FENCE.match(line) is not None for line in given[:first]) % 2 == 1
    for line in given[first:]:
        if _FENCE.match(line):
            fenced = not fenced
        elif fenced:
            lines.append(styled(f"  {line}"))
        elif heading := _HEADING.match(line):
            lines.append(styled((line[heading.end() :], "bold")))
        else:
            lines.append(_marked(_ITEM.sub(rf"\1{glyphs().bullet} ", line)))
    return Content("\n").join(lines)


def _marked(line: str) -> Content:
    parts: list[tuple[str, str]] = []
    end = 0
    for match in _INLINE.finditer(line):
        parts.append((line[end : match.start()], ""))
        parts.append((match[1], "bold") if match[1] else (match[2], "$text-warning"))
        end = match.end()
    return styled(*parts, (line[end:], ""))


class _Fence(MarkdownFence):
    """Code; where its language is not said, it is not guessed, which takes up to 80 ms."""

    @classmethod
    def highlight(cls, code: str, language: str, ansi: bool = False, dark: bool = False) -> Content:
        return super().highlight(code, language or "text", ansi=ansi, dark=dark)


class MarkdownPart(Markdown):
    """Some blocks, laid out once."""

    BLOCKS = {**Markdown.BLOCKS, "fence": _Fence, "code_block": _Fence}  # noqa: RUF012

    def __init__(self, text: str) -> None:
        super().__init__(text, open_links=False)
        self.text = text


class Growing(Static):
    """The block that is not complete."""

    def __init__(self) -> None:
        super().__init__(markup=False, classes="growing")
        self._lines = 0

    def show(self, text: str) -> None:
        """Draw it; the screen is laid out anew only where it takes another line."""
        drawn = draft(text) if text.strip() else Content("")
        self.display = bool(drawn.plain)
        width = self.container_size.width
        lines = drawn.get_height({}, width) if width else 0
        self.update(drawn, layout=not width or lines != self._lines)
        self._lines = lines

    def show_end(self, text: str) -> None:
        """Draw its last lines where the block stands, so that nothing needs to be laid out."""
        width = self.container_size.width
        if not width or not text.strip():
            self.show(text)
            return
        self.display = True
        lines = max(self._lines, WINDOW)
        drawn = draft(text, lines).wrap(width)[-lines:]
        blank = [Content("")] * (lines - len(drawn))
        self.update(Content("\n").join([*drawn, *blank]), layout=lines != self._lines)
        self._lines = lines


class FlowingMarkdown(Vertical):
    """Markdown in parts, below which the last block grows."""

    def __init__(self, text: str = "") -> None:
        super().__init__(classes="flowing")
        self._begun = split_parts(text) if text else []
        self._rest = ""
        """What is not laid out as Markdown yet."""
        self._held = False
        """Something came that is not drawn yet."""
        self._timed = False
        self._laid = 0.0
        """When all that had come was laid out, in seconds of the monotonic clock."""
        self._laying = asyncio.Lock()

    def compose(self) -> ComposeResult:
        for part in self._begun:
            yield MarkdownPart(part)
        yield Growing()

    def on_mount(self) -> None:
        self.query_one(Growing).display = False

    @property
    def text(self) -> str:
        """The Markdown."""
        return "".join(part.text for part in self.query(MarkdownPart)) + self._rest

    async def write(self, fragment: str) -> None:
        """Add a piece; the first is shown at once, the others a few times a second."""
        self._rest += fragment
        self._held = True
        if not self._timed:
            self._timed = True
            self.set_timer(WRITE_SECONDS, self._next)
            await self._show_held()

    def _is_typed_beside(self) -> bool:
        focused = self.screen.focused
        return isinstance(focused, Composer) and time.monotonic() - focused.typed_at < TYPING_SECONDS

    async def _next(self) -> None:
        self._timed = False
        if self._held:
            await self.write("")

    async def _show_held(self) -> None:
        async with self._laying:
            if not self._held:
                return
            if self._is_typed_beside() and time.monotonic() - self._laid < HELD_SECONDS:
                self.query_one(Growing).show_end(self._rest)
                return  # what is held is laid out once nobody types
            self._laid = time.monotonic()
            ended = complete(self._rest)
            done = split_parts(self._rest[:ended]) if ended else []
            self._held = len(done) > 1  # the others follow one by one, and a key may come between
            if done:
                self._rest = self._rest[len(done[0]) :]
                await self._lay_out(done[:1])
            else:
                self.query_one(Growing).show(self._rest)

    async def _lay_out(self, parts: list[str]) -> None:
        """Add complete parts and show what is left below them: in one drawing, so that nothing jumps."""
        growing = self.query_one(Growing)
        with self.app.batch_update():
            await self.mount_all([MarkdownPart(part) for part in parts], before=growing)
            growing.show(self._rest)

    async def settle(self, text: str) -> None:
        """Lay out what is not yet, and anew what is another text now.

        Args:
            text: All of the Markdown.
        """
        async with self._laying:
            self._held = False
            starts = {*block_starts(text), len(text)}
            end = 0
            stale: list[MarkdownPart] = []
            for part in self.query(MarkdownPart):
                following = end + len(part.text)
                same = text.startswith(part.text, end) and following in starts
                if stale or not same:
                    stale.append(part)
                else:
                    end = following
            self._rest = ""
            with self.app.batch_update():
                for part in stale:
                    await part.remove()
                await self._lay_out(split_parts(text[end:]) if text[end:] else [])
