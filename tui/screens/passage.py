"""A source, opened: the passage of the guide with its lines, or what kind of fact it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer

from tui.claims import Source
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
        self.query_one(VerticalScroll).focus()

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
        heading = passage.get("heading") or ""
        if isinstance(heading, list | tuple):
            heading = " > ".join(clean(part, one_line=True) for part in heading)
        first, last = _lines(passage)
        yield PlainText(
            f"[{self._source.number}] {clean(passage.get('guide') or '', one_line=True)}", classes="title"
        )
        as_of = clean(passage.get("as_of") or "", one_line=True)
        place = f"{clean(passage.get('file') or '', one_line=True)}, lines {first}-{last}"
        yield PlainText(
            "\n".join(
                part for part in (clean(heading), place + (f", as of {as_of}" if as_of else "")) if part
            ),
            classes="place",
        )
        with VerticalScroll():
            yield FittedText(hanging(_numbered(clean(passage.get("text") or ""), first)))
            for wrong in passage.get("disagreements") or ():
                yield PlainText(f"\nDisagrees: {clean(str(wrong), one_line=True)}")


def _lines(passage: Mapping[str, Any]) -> tuple[int, int]:
    lines = passage.get("lines") or (1, 1)
    try:
        return int(lines[0]), int(lines[1])
    except (TypeError, ValueError, IndexError):
        return 1, 1


def _numbered(text: str, first: int) -> list[tuple[Content, Content]]:
    lines = text.splitlines()
    wide = len(str(first + len(lines)))
    return [
        (
            styled((f"{first + place:>{wide}}  ", "$foreground-muted")),
            styled((line, "bold") if line.startswith("#") else line),
        )
        for place, line in enumerate(lines)
    ]
