"""What the answers rest on: turn by turn what was computed, with inputs and results, and what was cited."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.widget import Widget
from textual.widgets import Input

from tui.bridge import Bridge
from tui.claims import Source
from tui.evidence_view import TurnEntries, as_markdown, evidence_of, matching
from tui.plaintext import shorten
from tui.record import Record
from tui.screens.sheet import Sheet
from tui.widgets.evidence import EntryFold, EvidenceList
from tui.widgets.fold import FoldTitle
from tui.widgets.text import PlainText

EMPTY = (
    "Nothing was computed or cited yet. Say what a model should do, or press Ctrl+R there to have "
    "a recommendation."
)
ABOUT = "Enter opens a line: inputs and result, or the passage with the cited line marked."


class EvidenceScreen(Sheet[None]):
    """Everything of this sitting, oldest first."""

    heading = "Evidence"
    help_topic = "Evidence"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "Copy", tooltip="Copy the line in focus with all that it opens to"),
        Binding("e", "export", "Export", tooltip="Write all of it to a Markdown file in the current folder"),
        Binding("slash", "search", "Search", key_display="/"),
        Binding("escape,q", "back", "Back"),
    ]

    def __init__(self, record: Record, bridge: Bridge, at: int | None = None) -> None:
        """What it shows.

        Args:
            record: of the sitting.
            bridge: looks passages up.
            at: place of the turn to begin with; None for the last one.
        """
        super().__init__()
        self._turns = evidence_of(record)
        self._bridge = bridge
        self._at = at

    def about(self) -> str:
        return ABOUT if self._turns else EMPTY

    def parts(self) -> Iterable[Widget]:
        yield EvidenceList()
        search = Input(placeholder="Search inputs, results and sources", compact=True, id="search")
        search.display = False
        yield search

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(EvidenceList).mount_all(self._widgets(self._turns, ""))
        self.call_after_refresh(self._go_to, self._at)

    def _widgets(self, turns: list[TurnEntries], word: str) -> list[Widget]:
        made: list[Widget] = []
        for turn in turns:
            made.append(PlainText(turn.heading, classes=f"turn turn-{turn.place}"))
            if turn.note:
                made.append(PlainText(turn.note, classes="note"))
            made.extend(EntryFold(entry, self._passage, word) for entry in turn.calls)
            if turn.sources:
                made.append(PlainText("Cited", classes="cited-title"))
            made.extend(EntryFold(entry, self._passage, word) for entry in turn.sources)
        return made

    def _go_to(self, place: int | None) -> None:
        """Focus the first line of a turn, of the nearest one before it where that computed nothing."""
        shown = [turn.place for turn in self._turns]
        if not shown:
            return
        wanted = max((one for one in shown if place is None or one <= place), default=shown[0])
        entries = self.query_one(EvidenceList)
        heading = entries.query_one(f".turn-{wanted}")
        after = entries.children[entries.children.index(heading) :]
        first = next(child for child in after if isinstance(child, EntryFold))
        first.query_one(FoldTitle).focus(scroll_visible=False)
        entries.scroll_to_widget(heading, top=True, animate=False)

    async def _passage(self, source: Source) -> Mapping[str, Any] | None:
        return await self._bridge.passage(source.locator, source.quote)

    def action_copy(self) -> None:
        """Copy the entry in focus."""
        around = self.focused.ancestors if self.focused is not None else []
        entry = next((one for one in around if isinstance(one, EntryFold)), None)
        if entry is None:
            self.tell("Go to a line with the arrows first", "warning")
            return
        self.app.copy_to_clipboard(entry.entry.plain())
        self.tell(f"Copied {shorten(entry.entry.title, 60)}")

    @work(exit_on_error=False)
    async def action_export(self) -> None:
        """Write everything to a file."""
        if not self._turns:
            self.tell("There is nothing to write yet", "warning")
            return
        path = Path.cwd() / f"llm-advisor-evidence-{datetime.now().astimezone():%Y%m%d-%H%M%S}.md"
        try:
            await asyncio.to_thread(lambda: path.write_text(as_markdown(self._turns), "utf-8"))
        except OSError as error:
            self.tell(f"{path} cannot be written: {error.strerror or 'it failed'}", "error")
        else:
            self.tell(f"Wrote {path}")

    def action_search(self) -> None:
        """Show only what holds a word."""
        search = self.query_one("#search", Input)
        search.display = True
        search.focus()

    def action_back(self) -> None:
        """Leave the search, then the screen."""
        search = self.query_one("#search", Input)
        if search.display:
            search.display = False
            search.value = ""
            self.query_one(EvidenceList).action_step(1)
        else:
            self.dismiss()

    @on(Input.Submitted, "#search")
    def _searched(self) -> None:
        try:
            self.query(FoldTitle).first().focus()
        except NoMatches:  # nothing holds it
            return

    @on(Input.Changed, "#search")
    @work(exclusive=True, group="search", exit_on_error=False)
    async def _search(self, event: Input.Changed) -> None:
        word = event.value.strip()
        found = await asyncio.to_thread(matching, self._turns, word)
        entries = self.query_one(EvidenceList)
        async with self.batch():
            await entries.remove_children()
            await entries.mount_all(self._widgets(found, word))
        count = sum(len(turn.calls) + len(turn.sources) for turn in found)
        told = f"{count} {'line holds' if count == 1 else 'lines hold'} \u201c{word}\u201d"
        self.show_about(told if word else self.about())
