"""What is known of the person's needs, each with where it came from; choosing one lets it be changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message as UIMessage
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.needs_view import Need, read_needs
from tui.plaintext import shorten
from tui.widgets.text import PlainText, styled

EMPTY = "Nothing yet. What you say shows up here, and what is assumed."


class NeedsPanel(Vertical):
    """The side panel."""

    help_topic = "Needs"

    class Edit(UIMessage):
        """Somebody wants to change a need."""

        def __init__(self, need: Need) -> None:
            super().__init__()
            self.need = need

    def __init__(self) -> None:
        super().__init__(id="needs")
        self.rows: list[Need] = []
        self.raw: Mapping[str, Any] = {}

    def compose(self) -> ComposeResult:
        yield PlainText("Needs", classes="title")
        yield PlainText(EMPTY, classes="empty")
        yield OptionList(markup=False, compact=True)
        yield PlainText("Enter changes one", classes="keys")

    def on_mount(self) -> None:
        self._fill()

    def show(self, needs: Mapping[str, Any], assumptions: Sequence[Mapping[str, Any]]) -> None:
        """Show the slots as they stand."""
        self.raw = needs
        self.rows = read_needs(needs, assumptions)
        self._fill()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id is not None:
            self.post_message(self.Edit(self.rows[int(event.option_id)]))

    def _fill(self) -> None:
        options = self.query_one(OptionList)
        kept = options.highlighted
        options.clear_options()
        for index, row in enumerate(self.rows):
            gap = [Option("", disabled=True)] if index else []
            options.add_options([*gap, Option(_prompt(row), id=str(index))])
        if self.rows:
            options.highlighted = min(kept or 0, 2 * (len(self.rows) - 1))
        options.display = bool(self.rows)
        self.query_one(".keys").display = bool(self.rows)
        self.query_one(".empty").display = not self.rows


def _prompt(row: Need) -> Content:
    """`Context  32k tokens`, then where it came from, dim."""
    detail = (
        f'{row.origin}: "{shorten(row.detail, 60)}"' if row.origin == "said" and row.detail else row.origin
    )
    if row.origin == "assumed" and row.detail:
        detail = f"assumed: {shorten(row.detail, 60)}"
    return styled((f"{row.label}  ", "bold"), shorten(row.value, 80), ("\n" + detail, "$foreground-muted"))
