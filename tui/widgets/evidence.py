"""Entries of the evidence on the screen: one line each, which opens to its inputs and result, or passage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widget import Widget

from tui.claims import Source
from tui.evidence_view import Entry, found_lines
from tui.glyphs import glyphs
from tui.plaintext import clean
from tui.widgets.fold import Fold, FoldTitle
from tui.widgets.passage import passage_head, passage_lines
from tui.widgets.text import FittedText, PlainText, hanging, styled

PAGE = 200
"""Lines of a result that are shown at once; they take some 15 ms."""
Passages = Callable[[Source], Awaitable[Mapping[str, Any] | None]]


class EvidenceList(VerticalScroll, can_focus=False):
    """Arrows go from line to line, and scroll within what is open."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "step(1)", "Next line", show=False),
        Binding("up", "step(-1)", "Line before", show=False),
    ]

    def action_step(self, by: int) -> None:
        """Go to the next line, unless what is open at this one reaches out of view."""
        titles = list(self.query(FoldTitle))
        focused = next((title for title in titles if title.has_focus), None)
        if focused is None:
            for title in titles[:1]:
                self.screen.set_focus(title)
            return
        fold = focused.parent
        if isinstance(fold, Fold) and fold.opened:
            below = fold.region.bottom > self.region.bottom
            above = fold.region.y < self.region.y
            if (by > 0 and below) or (by < 0 and above):
                self.scroll_relative(y=3 * by, animate=False)
                return
        place = titles.index(focused) + by
        if 0 <= place < len(titles):
            self.screen.set_focus(titles[place])  # at once, so that a fast key goes on from there
        elif by < 0:
            self.scroll_home(animate=False)


class EntryFold(Fold):
    """One entry."""

    def __init__(self, entry: Entry, passages: Passages, word: str = "") -> None:
        """What it shows.

        Args:
            entry: the calculation or source.
            passages: looks a guide passage up.
            word: what was searched for; its lines are marked.
        """
        self.entry = entry
        self._passages, self._word = passages, word
        title = styled(
            (entry.title, "bold" if entry.call else ""),
            (f"  {entry.detail}" if entry.detail else "", "$foreground-muted"),
            (f"  {entry.took}" if entry.took else "", "$accent"),
        )
        super().__init__(title, self._parts, classes="entry")

    def _parts(self) -> list[Widget]:
        source = self.entry.source
        if source is not None and source.kind == "guide" and source.locator:
            return [GuidePassage(source, self._passages, self.entry)]
        return section_widgets(self.entry, self._word)


class GuidePassage(Vertical):
    """A passage that is looked up when it is shown."""

    def __init__(self, source: Source, passages: Passages, entry: Entry) -> None:
        super().__init__(classes="guide-passage")
        self._source, self._passages, self._entry = source, passages, entry

    def compose(self) -> ComposeResult:
        yield PlainText("looking it up" + glyphs().ellipsis, classes="looking")

    def on_mount(self) -> None:
        self._look_up()

    @work(exit_on_error=False)
    async def _look_up(self) -> None:
        passage = await self._passages(self._source)
        found = section_widgets(self._entry, "")
        if passage is not None:
            guide = PlainText(clean(passage.get("guide") or "", one_line=True), classes="guide")
            found = [guide, *passage_head(passage), *passage_lines(passage)]
        await self.query(".looking").remove()
        await self.mount(*found)


def section_widgets(entry: Entry, word: str) -> list[Widget]:
    """Headings with their lines; after a search those that hold the word, which have a sign."""
    parts: list[Widget] = []
    for name, lines in entry.sections:
        shown = found_lines(lines, word) if word else lines
        if name and shown:
            parts.append(PlainText(name, classes="section"))
        parts.extend(_pages(shown, word))
    return parts


def _pages(lines: Sequence[str], word: str) -> list[Widget]:
    """Lines, the first of them at once: more would hold up the screen."""
    parts: list[Widget] = [FittedText(hanging([_line(text, word) for text in lines[:PAGE]]))]
    rest = lines[PAGE:]
    if rest:
        title = styled((f"{len(rest):,} more {'line' if len(rest) == 1 else 'lines'}", "$foreground-muted"))
        parts.append(Fold(title, lambda: _pages(rest, word), classes="rest"))
    return parts


def _line(text: str, word: str) -> tuple[Content, Content]:
    body = text.lstrip(" ")
    lead = " " * (len(text) - len(body))
    if word and word.lower() in text.lower():
        return styled((f"{glyphs().cited} {lead}", "bold $accent")), styled((body, "bold"))
    return styled(("  " if word else "") + lead), styled(body)
