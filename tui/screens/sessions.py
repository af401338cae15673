"""The saved conversations: open one, go on in a copy, rename, export, delete, or begin a new one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from knowledge.errors import AdvisorError
from tui.plaintext import shorten
from tui.screens.sheet import Sheet
from tui.sessions_view import Row, read_sessions, row_lines
from tui.widgets.text import Fitted

T = TypeVar("T")
LOOKING = "Reading what is saved"
EMPTY = "No conversation is saved yet. What you say is saved as you go; Esc goes back to it."
ABOUT = "The one that changed last stands first. n begins a new one; what is on the screen is saved."
NO_MATCH = "No conversation holds that. Esc shows all of them."
OPEN_HERE = "This one is open on the screen; open another one first."
FILTER, RENAME = "Search names, words and models", "Its new name, then Enter"


@dataclass(frozen=True, slots=True)
class Opening:
    """What to go on with."""

    name: str
    """Empty for a new conversation."""
    copy: bool = False
    """Go on in a copy of it."""


class SessionList(OptionList):
    """The conversations."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Open"),
        Binding("r", "screen.rename", "Rename"),
        Binding("e", "screen.export", "Export", tooltip="As Markdown into the current folder"),
        Binding("delete", "screen.delete", "Delete", key_display="Del", tooltip="For good, after a yes"),
        Binding("n", "screen.new", "New", show=False, tooltip="A new conversation; this one is saved"),
    ]


class SessionsScreen(Sheet[Opening | None]):
    """Gives what to go on with; Esc goes back without."""

    heading = "Conversations"
    help_topic = "Conversations"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Search", key_display="/"),
        Binding("escape,q", "back", "Back"),
    ]
    AUTO_FOCUS = "SessionList"

    def __init__(self, current: str = "", *, offline: bool = False) -> None:
        """What is marked.

        Args:
            current: name of the conversation on the screen.
            offline: no database on another machine is asked.
        """
        super().__init__()
        self._current, self._offline = current, offline
        self._rows: list[Row] = []
        self._shown: list[Row] = []
        self._renaming: Row | None = None

    def about(self) -> str:
        return LOOKING

    def parts(self) -> Iterable[Widget]:
        field = Input(compact=True, id="field", select_on_focus=False)
        field.display = False
        yield field
        yield SessionList(markup=False, compact=True)

    def on_mount(self) -> None:
        super().on_mount()
        self._load()

    @work(exit_on_error=False, exclusive=True, group="load")
    async def _load(self) -> None:
        from agent.sessions import SessionsQuery, list_sessions

        document = await self._asked(lambda: list_sessions(SessionsQuery(), offline=self._offline))
        if document is not None:
            self._rows = read_sessions(document["sessions"], self._current)
            self._fill()

    async def _asked(self, question: Callable[[], T]) -> T | None:
        """What a thread finds; None where it failed, which is told."""
        try:
            return await asyncio.to_thread(question)
        except AdvisorError as error:
            self.tell(f"{error.message} {error.hint}".strip(), "error")
            return None

    def _fill(self) -> None:
        word = self.query_one("#field", Input).value.strip() if self._renaming is None else ""
        rows = self.query_one(SessionList)
        at = self._row.name if self._row else ""
        self._shown = [row for row in self._rows if row.holds(word)]
        rows.clear_options()
        rows.add_options(Option(Fitted(row_lines(row))) for row in self._shown)
        if self._shown:
            places = [place for place, row in enumerate(self._shown) if row.name == at]
            rows.highlighted = places[0] if places else 0
        self.show_about(ABOUT if self._shown else NO_MATCH if self._rows else EMPTY)

    @property
    def _row(self) -> Row | None:
        at = self.query_one(SessionList).highlighted
        return self._shown[at] if at is not None and at < len(self._shown) else None

    def _closed_row(self) -> Row | None:
        """The conversation in focus, where it may be changed; says so where it may not."""
        row = self._row
        if row is not None and row.is_open:
            self.tell(OPEN_HERE, "warning")
            return None
        return row

    @on(OptionList.OptionSelected)
    def _chosen(self) -> None:
        self._open()

    @work(exit_on_error=False, exclusive=True, group="open")
    async def _open(self) -> None:
        row = self._row
        if row is None:
            return
        if row.is_open:
            self.dismiss(None)
            return
        reason = await asyncio.to_thread(_busy, row.name)
        if not reason:
            self.dismiss(Opening(row.name))
            return
        from tui.screens.choose import ChooseScreen

        options = (("back", "Back to the list"), ("copy", "Go on in a copy of it"))
        if await self.app.push_screen_wait(ChooseScreen("Open elsewhere", reason, options)) == "copy":
            self.dismiss(Opening(row.name, copy=True))

    def action_new(self) -> None:
        """Begin another conversation."""
        self.dismiss(Opening(""))

    @work(exit_on_error=False, group="change")
    async def action_export(self) -> None:
        """Write the conversation in focus as Markdown."""
        row = self._row
        if row is None:
            return
        path = await self._asked(lambda: _export(row.name, self._offline))
        if path is not None:
            self.tell(f"Wrote {path}")

    @work(exit_on_error=False, group="change")
    async def action_delete(self) -> None:
        """Delete the conversation in focus, after a yes."""
        row = self._closed_row()
        if row is None:
            return
        from tui.screens.choose import ChooseScreen

        text = f"\u201c{row.name}\u201d ({row.counts or 'it cannot be read'}) is deleted for good."
        options = (("no", "No, keep it"), ("yes", f"Yes, delete {shorten(row.name, 40)}"))
        if await self.app.push_screen_wait(ChooseScreen("Delete a conversation", text, options)) != "yes":
            self.tell("It is kept")
            return
        if await self._asked(lambda: _delete(row.name, self._offline)) is not None:
            self._rows = [one for one in self._rows if one.name != row.name]
            self._fill()
            self.tell(f"Deleted \u201c{row.name}\u201d")

    def action_rename(self) -> None:
        """Type a new name for the conversation in focus."""
        row = self._closed_row()
        if row is None:
            return
        self._renaming = row
        self._ask_for(row.name, RENAME)

    def action_filter(self) -> None:
        """Type what to search for."""
        self._renaming = None
        self._ask_for(self.query_one("#field", Input).value, FILTER)

    def _ask_for(self, text: str, words: str) -> None:
        field = self.query_one("#field", Input)
        field.placeholder = words
        field.value = text
        field.cursor_position = len(text)
        field.display = True
        field.focus()
        self.tell(words if text else "")

    def action_back(self) -> None:
        """Leave the field, then the screen."""
        field = self.query_one("#field", Input)
        if field.display:
            self._close_field()
            self._fill()
        else:
            self.dismiss(None)

    def _close_field(self) -> None:
        field = self.query_one("#field", Input)
        self._renaming = None
        field.display = False
        field.value = ""
        self.tell("")
        self.query_one(SessionList).focus()

    @on(Input.Changed, "#field")
    def _typed(self) -> None:
        if self._renaming is None:
            self._fill()

    @on(Input.Submitted, "#field")
    def _entered(self, event: Input.Submitted) -> None:
        if self._renaming is not None:
            self._rename(self._renaming, event.value)
        else:
            self._open()

    @work(exit_on_error=False, group="change")
    async def _rename(self, row: Row, name: str) -> None:
        if name.strip() == row.name:
            self._close_field()
            return
        document = await self._asked(lambda: _renamed(row.name, name, self._offline))
        if document is None:  # the field stays, to correct it
            return
        self._close_field()
        self._load()
        self.tell(f"\u201c{row.name}\u201d is now \u201c{document['name']}\u201d")

    def on_key(self, event: events.Key) -> None:
        """Typing searches, unless the key means something in the list; arrows move in it from the field."""
        rows, field = self.query_one(SessionList), self.query_one("#field", Input)
        if field.has_focus and event.key in ("up", "down"):
            rows.action_cursor_up() if event.key == "up" else rows.action_cursor_down()
            event.stop()
        elif rows.has_focus and event.is_printable and event.character and not event.character.isspace():
            if event.key in self.active_bindings:
                return
            self.action_filter()
            field.insert_text_at_cursor(event.character)
            event.stop()


def _busy(name: str) -> str:
    """Who else has a conversation open; empty where nobody has. Call it in a thread."""
    from agent.lock import SessionBusyError
    from agent.saved import held
    from knowledge.home import home

    try:
        with held(home(), name):
            return ""
    except SessionBusyError as error:
        return error.message


def _export(name: str, offline: bool) -> str:
    from agent.sessions import SessionQuery, show_session
    from tui.export.files import write_export

    document = show_session(SessionQuery(name=name), offline=offline)
    return str(write_export(document, "markdown").absolute())


def _delete(name: str, offline: bool) -> dict[str, Any]:
    from agent.sessions import SessionDelete, delete_session

    return delete_session(SessionDelete(name=name, yes=True), offline=offline)


def _renamed(name: str, new: str, offline: bool) -> dict[str, Any]:
    from agent.sessions import SessionRename, checked_name, rename_session

    return rename_session(SessionRename(name=name, new_name=checked_name(new)), offline=offline)
