"""Ctrl+L: the end of the log file, by level, followed, searched, saved."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from tui.log_view import LEVEL_WORDS, LEVELS, LogRecord, chosen, read_records, tail
from tui.screens.sheet import Sheet
from tui.widgets.text import PlainText, styled

FOLLOW_SECONDS = 1.0
NO_FILE = "There is no log file: the state folder cannot be written."
EMPTY = "Nothing was logged. Problems show up here with their details."
COLORS = {"WARNING": "$warning", "ERROR": "$error", "CRITICAL": "bold $error"}


class LogScreen(Sheet[None]):
    """What was logged; nothing of it goes anywhere."""

    heading = "Log"
    help_topic = "Log"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "level", "Level", tooltip="Everything, warnings and errors, errors only"),
        Binding("f", "follow", "Follow", tooltip="Show what is written as it comes"),
        Binding("slash", "search", "Search", key_display="/"),
        Binding("c", "copy", "Copy", tooltip="What is shown"),
        Binding("e", "export", "Export", tooltip="What is shown, into a file of the current folder"),
        Binding("escape,q", "back", "Back"),
    ]

    def __init__(self, path: Path | None) -> None:
        super().__init__()
        self._path = path
        self._records: list[LogRecord] = []
        self._level = LEVELS[0]
        self._timer: Timer | None = None
        self._follows = False

    def about(self) -> str:
        return str(self._path or NO_FILE)

    def parts(self) -> Iterable[Widget]:
        search = Input(placeholder="Search the log", compact=True, id="search")
        search.display = False
        yield search
        yield VerticalScroll(PlainText("", id="records"))

    def on_mount(self) -> None:
        super().on_mount()
        self._timer = self.set_interval(FOLLOW_SECONDS, self._load, pause=True)
        self.query_one(VerticalScroll).focus()
        self._load()

    @work(exit_on_error=False, exclusive=True, group="load")
    async def _load(self) -> None:
        records = read_records(await asyncio.to_thread(tail, self._path))
        if records != self._records or not records:
            self._records = records
            self._show()

    def _shown(self) -> list[LogRecord]:
        return chosen(self._records, self._level, self.query_one("#search", Input).value.strip())

    def _show(self) -> None:
        shown = self._shown()
        parts = [(f"{one.text}\n", COLORS.get(one.level, "")) for one in shown]
        nothing = "Nothing in the log is like that." if self._records else EMPTY
        self.query_one("#records", PlainText).update(styled(*parts) if parts else styled(nothing))
        self.query_one(VerticalScroll).scroll_end(animate=False)

    def _text(self) -> str:
        return "\n".join(one.text for one in self._shown())

    def action_level(self) -> None:
        """Show from the next level on."""
        self._level = LEVELS[(LEVELS.index(self._level) + 1) % len(LEVELS)]
        self._show()
        self.tell(f"Showing {LEVEL_WORDS[self._level]}")

    def action_follow(self) -> None:
        """Follow the file, or stop that."""
        self._follows = not self._follows
        if self._timer is not None:
            self._timer.resume() if self._follows else self._timer.pause()
        self.tell("Following what is written" if self._follows else "Not following any more")

    def action_search(self) -> None:
        """Type what to search for."""
        search = self.query_one("#search", Input)
        search.display = True
        search.focus()

    @on(Input.Changed, "#search")
    def _typed(self) -> None:
        self._show()

    @on(Input.Submitted, "#search")
    def _entered(self) -> None:
        self.query_one(VerticalScroll).focus()

    def action_back(self) -> None:
        """Leave the search, then the screen."""
        search = self.query_one("#search", Input)
        if not search.display:
            self.dismiss()
            return
        search.display = False
        search.value = ""
        self.query_one(VerticalScroll).focus()

    def action_copy(self) -> None:
        """Copy what is shown."""
        self.app.copy_to_clipboard(self._text())
        self.tell("Copied what is shown")

    @work(exit_on_error=False)
    async def action_export(self) -> None:
        """Write what is shown into a file."""
        path = Path.cwd() / f"llm-advisor-log-{datetime.now().astimezone():%Y%m%d-%H%M%S}.txt"
        text = self._text() + "\n"
        try:
            await asyncio.to_thread(lambda: path.write_text(text, "utf-8"))
        except OSError as error:
            self.tell(f"{path} cannot be written: {error.strerror or 'it failed'}", "error")
        else:
            self.tell(f"Wrote {path}")
