"""The settings: value, where it comes from, what it does; changed in place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from knowledge.errors import AdvisorError
from tui import themes
from tui.glyphs import asked_for
from tui.screens.sheet import Sheet
from tui.settings_view import NOT_SET, SIGNS, THEME, Row, about_row, look_rows, row_line, setting_row
from tui.widgets.text import Fitted, PlainText

ABOUT = "Enter changes one. The environment wins over settings.toml, that over the defaults."
SIGN_CHOICES = ("auto", "ascii", "unicode")


class SettingsList(OptionList):
    """The settings."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "Change"),
        Binding("delete", "screen.reset", "Default", key_display="Del", tooltip="Out of settings.toml"),
    ]


class SettingsScreen(Sheet[None]):
    """All settings."""

    heading = "Settings"
    help_topic = "Settings"
    AUTO_FOCUS = "SettingsList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "back", "Back"),
    ]

    def __init__(self, look: Path | None = None) -> None:
        """What is shown.

        Args:
            look: the file that keeps theme and signs; None where nothing is kept.
        """
        super().__init__()
        self._look = look
        self._rows: list[Row] = []
        self._editing: Row | None = None

    def about(self) -> str:
        return ABOUT

    def parts(self) -> Iterable[Widget]:
        yield SettingsList(markup=False, compact=True)
        field = Input(compact=True, id="field", select_on_focus=False)
        field.display = False
        yield field
        yield PlainText("", id="meaning")

    def on_mount(self) -> None:
        super().on_mount()
        self.app.theme_changed_signal.subscribe(self, lambda _: self._load())
        self._load()

    @work(exit_on_error=False, exclusive=True, group="load")
    async def _load(self) -> None:
        from knowledge import settings_file

        look = look_rows(self.app.theme, await asyncio.to_thread(themes.read_signs, self._look), asked_for())
        try:
            found = await asyncio.to_thread(settings_file.read_each)
            odd = await asyncio.to_thread(settings_file.unknown_keys)
        except AdvisorError as error:
            found, odd = [], []
            self.tell(f"{error.message} {error.hint}", "error")
        if odd:
            self.tell(f"settings.toml has keys that are no settings: {', '.join(odd)}. Remove them.", "error")
        self.show_about(f"{ABOUT}\n{settings_file.settings_path()}")
        self._rows = [*map(setting_row, found), *look]
        self._fill()

    def _fill(self) -> None:
        rows = self.query_one(SettingsList)
        at = rows.highlighted or 0
        wide = max(len(row.key) for row in self._rows)
        rows.clear_options()
        rows.add_options(Option(Fitted(row_line(row, wide))) for row in self._rows)
        rows.highlighted = min(at, len(self._rows) - 1)
        self._explain()

    @property
    def _row(self) -> Row | None:
        at = self.query_one(SettingsList).highlighted
        return self._rows[at] if at is not None and at < len(self._rows) else None

    @on(OptionList.OptionHighlighted)
    def _explain(self) -> None:
        row = self._row
        self.query_one("#meaning", PlainText).show(about_row(row) if row else "")

    @on(OptionList.OptionSelected)
    def _chosen(self) -> None:
        row = self._row
        if row is None:
            return
        if row.fixed:
            self.tell(row.fixed, "warning")
        elif row.key == THEME:
            self.app.action_change_theme()
        elif row.key == SIGNS:
            following = SIGN_CHOICES[(SIGN_CHOICES.index(row.value) + 1) % len(SIGN_CHOICES)]
            self._keep(lambda: themes.keep_signs(self._look, following), f"signs: {following}, {row.when}")
        else:
            self._edit(row)

    def _edit(self, row: Row) -> None:
        self._editing = row
        field = self.query_one("#field", Input)
        field.password = row.secret
        field.placeholder = f"A value for {row.key}, then Enter; empty for the default"
        field.value = "" if row.value == NOT_SET or row.secret else row.value
        field.cursor_position = len(field.value)
        field.display = True
        field.focus()
        self.tell("")

    @on(Input.Submitted, "#field")
    def _entered(self, event: Input.Submitted) -> None:
        row = self._editing
        if row is None:
            return
        if row.secret and not event.value:  # it is not shown, so that an empty field says nothing
            self._close_field()
            return
        self._change(row, event.value)

    def _change(self, row: Row, text: str) -> None:
        from knowledge import settings_file

        done = f"{row.key} is set; it {row.when}" if text.strip() else f"{row.key} has its default again"
        self._keep(lambda: settings_file.change(row.key, text), done)

    @work(exit_on_error=False, group="change")
    async def _keep(self, write: Callable[[], None], done: str) -> None:
        """Write in a thread; where that fails the field stays, to correct it."""
        try:
            await asyncio.to_thread(write)
        except AdvisorError as error:
            self.tell(f"{error.message} {error.hint}", "error")
            return
        self._close_field()
        self._load()
        self.tell(done)

    def action_reset(self) -> None:
        """Its default again."""
        row = self._row
        if row is None or row.key in (THEME, SIGNS):
            return
        if row.fixed:
            self.tell(row.fixed, "warning")
        else:
            self._change(row, "")

    def action_back(self) -> None:
        """Leave the field, then the screen."""
        if self._editing is not None:
            self._close_field()
        else:
            self.dismiss(None)

    def _close_field(self) -> None:
        self._editing = None
        field = self.query_one("#field", Input)
        field.display = False
        field.value = ""
        self.tell("")
        self.query_one(SettingsList).focus()
