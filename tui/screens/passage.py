"""A source, opened: the passage of the guide with its lines, or what kind of fact it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Footer

from tui.claims import Source
from tui.evidence_view import KIND_WORDS, PLACE_WORDS
from tui.plaintext import clean
from tui.widgets.passage import passage_head, passage_lines
from tui.widgets.text import PlainText


class PassageScreen(ModalScreen[None]):
    """One source; Esc goes back."""

    help_topic = "Sources"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "Back"),
        Binding("c", "copy", "Copy"),
    ]

    def __init__(self, source: Source, passage: Mapping[str, Any] | None) -> None:
        super().__init__()
        self._source = source
        self._passage = passage

    def compose(self) -> ComposeResult:
        with Vertical(id="sheet"):
            if self._passage is None:
                yield from self._unopened()
            else:
                yield from self._passage_parts(self._passage)
            yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        scroll = self.query_one(VerticalScroll)
        scroll.focus()
        cited = self.query(".cited")
        if cited:
            self.call_after_refresh(scroll.scroll_to_widget, cited.first(), animate=False, top=False)

    def action_copy(self) -> None:
        """Copy the passage with its place."""
        from tui.screens.chat import ChatScreen

        text = clean((self._passage or {}).get("text") or self._source.source)
        self.app.copy_to_clipboard(f"{text}\n\n({self._source.label})")
        for screen in self.app.screen_stack:
            if isinstance(screen, ChatScreen):
                screen.flash("Copied the passage")

    def _unopened(self) -> ComposeResult:
        source = self._source
        yield PlainText(f"[{source.number}] {source.label}", classes="title")
        with VerticalScroll():
            yield PlainText(KIND_WORDS.get(source.kind, "A source."))
            if source.source:
                yield PlainText(f"\nSource: {source.source}")
            if source.locator and source.locator != source.source:
                yield PlainText(f"\n{PLACE_WORDS.get(source.kind, 'Place')}: {source.locator}")

    def _passage_parts(self, passage: Mapping[str, Any]) -> ComposeResult:
        yield PlainText(
            f"[{self._source.number}] {clean(passage.get('guide') or '', one_line=True)}", classes="title"
        )
        yield from passage_head(passage)
        with VerticalScroll():
            yield from passage_lines(passage)
