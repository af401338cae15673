"""A source, opened: the passage of the guide with its lines, or what kind of fact it is."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer

from tui.claims import Source
from tui.glyphs import glyphs
from tui.passage_view import Row, numbered_lines, place_of
from tui.plaintext import clean
from tui.widgets.text import FittedText, PlainText, hanging, styled

KIND_WORDS = {
    "guide": "A passage of a guide. Its text is not in the guides as they are now.",
    "benchmark": "A published benchmark result.",
    "catalog": "A field of the model catalog, with the place it was taken from.",
    "tool": "A calculation by one of the advisor's tools.",
    "measurement": "A measurement made with a running engine.",
    "user": "What you said in this conversation.",
}

PLACE_WORDS = {"tool": "How", "catalog": "Entry", "benchmark": "Result", "guide": "Lines"}


class PassageScreen(ModalScreen[None]):
    """One source; Esc goes back."""

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
        origin = [f"your own guide: {clean(passage.get('provenance') or '', one_line=True)}"]
        told = [*place_of(passage), *(origin if passage.get("origin") == "own" else [])]
        yield PlainText("\n".join(told), classes="place")
        if passage.get("notice"):
            yield PlainText(clean(passage["notice"], one_line=True), classes="notice")
        rows = numbered_lines(passage)
        with VerticalScroll():
            for marked, group in groupby(rows, key=lambda row: row.marked):
                lines = [_styled(row) for row in group]
                yield FittedText(hanging(lines), classes="cited" if marked else "")
            for wrong in passage.get("disagreements") or ():
                yield PlainText(f"\nDisagrees: {clean(str(wrong), one_line=True)}")


def _styled(row: Row) -> tuple[Content, Content]:
    """A line with its number; a cited one with a sign and in bold, so that color is not needed to see it."""
    gutter = f"{glyphs().cited if row.marked else ' '} {row.number:>{row.wide}}  "
    heading = row.text.startswith("#")
    return (
        styled((gutter, "bold $accent" if row.marked else "$foreground-muted")),
        styled((row.text, "bold") if heading or row.marked else row.text),
    )
