"""One widget for each kind of thing that is said or done in a conversation."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message as UIMessage
from textual.widget import Widget
from textual.widgets import Static

from tui.claims import Source, SourceList
from tui.glyphs import glyphs
from tui.plaintext import clean, shorten, words
from tui.widgets.fold import Fold
from tui.widgets.text import FittedText, PlainText, clickable, hanging, styled

if TYPE_CHECKING:
    from textual.widgets import Markdown


class OpenSource(UIMessage):
    """Somebody wants to see a source."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source


class ListSources(UIMessage):
    """Somebody wants to choose among all sources."""

    def __init__(self, sources: Sequence[Source]) -> None:
        super().__init__()
        self.sources = sources


class ShowEvidence(UIMessage):
    """Somebody wants to see what a message or a recommendation rests on."""

    def __init__(self, text: str, recommendation: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.text = text
        self.recommendation = recommendation


class CopyText(UIMessage):
    """Somebody wants a text in the clipboard."""

    def __init__(self, text: str, what: str) -> None:
        super().__init__()
        self.text = text
        self.what = what


class SourceLines(Static):
    """Numbered sources, one a line; each opens by click, and by its digit from the block around it."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources = {source.number: source for source in sources}
        super().__init__(self._content(), markup=False, classes="sources")

    def _content(self) -> Content:
        lines = [
            styled(
                (f"{source.number} ", "bold $accent"),
                (source.label, clickable(f"open_source({source.number})")),
            )
            for source in self._sources.values()
        ]
        return Content("\n").join(lines)

    def action_open_source(self, number: int) -> None:
        """Show the source with this number."""
        if number in self._sources:
            self.post_message(OpenSource(self._sources[number]))


class Block(Vertical, can_focus=True):
    """A thing in the conversation that can be focused: copied, and its sources opened by digit."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "copy", "Copy", tooltip="Copy this to the clipboard"),
        Binding("s", "sources", "Sources", show=False),
        Binding("v", "evidence", "Evidence", show=False, tooltip="What was computed and looked up for this"),
        *(Binding(str(number), f"source({number})", show=False) for number in range(1, 10)),
    ]

    sources: Sequence[Source] = ()

    def plain(self) -> str:
        """What is copied."""
        return ""

    def action_copy(self) -> None:
        """Copy this block's text."""
        self.post_message(CopyText(self.plain(), "the answer"))

    def action_sources(self) -> None:
        """List all sources, to open one of them."""
        if self.sources:
            self.post_message(ListSources(self.sources))

    def action_evidence(self) -> None:
        """Show what this rests on."""
        self.post_message(ShowEvidence(self.plain()))

    def action_source(self, number: int) -> None:
        """Open a source by its number."""
        for source in self.sources:
            if source.number == number:
                self.post_message(OpenSource(source))


class UserMessage(FittedText):
    """What the person said."""

    def __init__(self, text: str) -> None:
        self.text = text
        lines = styled((text, "bold")).split("\n", allow_blank=True)
        signs = [styled((f"{glyphs().user} ", "bold $primary")), *[Content("  ")] * (len(lines) - 1)]
        super().__init__(hanging(list(zip(signs, lines, strict=True))), classes="user")


class AdvisorMessage(Block):
    """What the advisor says: Markdown that may arrive in pieces, then its sources."""

    def __init__(self, text: str = "", citations: Sequence[Mapping[str, Any]] = ()) -> None:
        from tui.widgets.flowing import FlowingMarkdown  # reading it takes time, and the first frame has none

        super().__init__()
        self.add_class("advisor")
        self.text = clean(text)
        self._flow = FlowingMarkdown(self.text)
        numbered = SourceList()
        for citation in citations:
            numbered.add(citation)
        self.sources = numbered.all()

    def compose(self) -> ComposeResult:
        yield self._flow
        if self.sources:
            yield SourceLines(self.sources)

    def plain(self) -> str:
        """The Markdown with its sources."""
        tail = "\n".join(f"[{source.number}] {source.label}" for source in self.sources)
        return f"{self.text}\n\n{tail}" if tail else self.text

    def action_evidence(self) -> None:
        self.post_message(ShowEvidence(self.text))

    async def write(self, fragment: str) -> None:
        """Add a piece."""
        fragment = clean(fragment)
        if fragment:
            self.text += fragment
            await self._flow.write(fragment)

    async def finish(self, text: str | None = None, citations: Sequence[Mapping[str, Any]] = ()) -> None:
        """Settle: the whole text is laid out once, since tables and fences that grew are not right before."""
        if text is not None:
            self.text = clean(text)
        await self._flow.settle(self.text)
        numbered = SourceList()
        for citation in citations:
            numbered.add(citation)
        if numbered.all():
            self.sources = numbered.all()
            await self.mount(SourceLines(self.sources))

    async def stop(self) -> None:
        """Keep what came and mark it as stopped."""
        await self.finish()
        await self.mount(PlainText("(stopped)", classes="stopped"))

    def on_markdown_link_clicked(self, event: Markdown.LinkClicked) -> None:
        """A link is copied, never opened: nothing goes over the network on its own."""
        event.stop()
        self.post_message(CopyText(clean(event.href, one_line=True), "the link"))


class WordedAnswer(Fold):
    """A recommendation in words, over its table: the first paragraph, which opens to all of it."""

    def __init__(self, text: str, citations: Sequence[Mapping[str, Any]]) -> None:
        self.text = clean(text).strip()
        self.lead = re.sub(r"\*\*|`", "", self.text.split("\n\n", 1)[0])
        super().__init__(styled(self.lead), lambda: [AdvisorMessage(text, citations)], classes="worded")


class Notice(PlainText):
    """A dim line about the conversation itself."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{glyphs().notice} {text}", classes="notice")


class FailureMessage(Vertical):
    """Something went wrong: what, and what to do next."""

    def __init__(self, message: str, hint: str, code: str = "") -> None:
        super().__init__(classes="failure")
        self.message, self.hint, self.code = clean(message), clean(hint), clean(code, one_line=True)

    def compose(self) -> ComposeResult:
        yield Static(
            styled((f"{glyphs().error} ", "bold $error"), ("Problem: ", "bold $error"), self.message),
            markup=False,
        )
        if self.hint:
            yield PlainText(self.hint, classes="hint")
        yield PlainText(
            "Ctrl+L shows the log." + (f" Code: {self.code}." if self.code else ""), classes="detail"
        )


def tool_line(name: str, arguments: Mapping[str, Any], result: Mapping[str, Any], seconds: float) -> Fold:
    """One line for a tool that ran; opens to its inputs and result."""
    plain = {key: value for key, value in arguments.items() if isinstance(value, str | int | float) and value}
    said = ", ".join(f"{words(key)} {shorten(value, 40)}" for key, value in plain.items())
    took = f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    title = styled(
        (words(name), "$foreground-muted"),
        (f"  {shorten(said, 70)}" if said else "", "$foreground-muted"),
        (f"  {took}", "$foreground-muted"),
    )
    return Fold(title, _tool_body(arguments, result), classes="tool")


def _tool_body(arguments: Mapping[str, Any], result: Mapping[str, Any]) -> Callable[[], list[Widget]]:
    def build() -> list[Widget]:
        return [
            PlainText("Inputs\n" + _dump(arguments)),
            PlainText("Result\n" + _dump(result)),
        ]

    return build


def _dump(value: Mapping[str, Any]) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    return text if len(text) <= 8000 else text[:8000] + f"\n({len(text) - 8000:,} more characters)"
