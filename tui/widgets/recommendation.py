"""The answer in the conversation: options, memory, reasons, sources, commands, what would change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message as UIMessage
from textual.widget import Widget
from textual.widgets import Static

from tui.age_text import age_words
from tui.answer import Answer, Candidate, read_answer
from tui.answer_text import as_markdown
from tui.claims import Claim
from tui.glyphs import glyphs
from tui.plaintext import shorten
from tui.widgets.candidates import CandidateTable
from tui.widgets.fold import Fold
from tui.widgets.memory_bar import MemoryBars
from tui.widgets.messages import Block, CopyText, ShowEvidence, SourceLines
from tui.widgets.text import FittedText, PlainText, hanging, styled

LABEL_CELLS = 16
RANK_WORDS = ("Best choice", "Second choice", "Third choice")


class RecommendationBlock(Block):
    """An answer; arrows choose the option whose details are shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "other(1)", "Next option", show=False),
        Binding("up", "other(-1)", "Previous option", show=False),
        Binding("left_square_bracket", "other(-1)", show=False),
        Binding("right_square_bracket", "other(1)", show=False),
        Binding("p", "pictures", "Pictures", tooltip="Memory, speed, quality, score and cost, drawn"),
        Binding("d", "compare", "Compare", tooltip="The options side by side, the best of each line marked"),
        Binding("m", "card", "Card", tooltip="The card of the option shown: facts, scores, license, memory"),
        # Said in the answer itself: the footer has room for six.
        Binding("c", "copy", "Copy", show=False, tooltip="Copy this to the clipboard"),
        Binding("y", "copy_command", "Copy command", show=False, tooltip="Again for the next command"),
        Binding("e", "export", "Export", show=False, tooltip="Write the conversation to a Markdown file"),
    ]

    class Export(UIMessage):
        """Somebody wants the conversation as a file."""

    class Pictures(UIMessage):
        """Somebody wants the option drawn."""

    class Card(UIMessage):
        """Somebody wants the card of the option shown."""

    class Compare(UIMessage):
        """Somebody wants the options side by side."""

    def __init__(self, recommendation: Mapping[str, Any], *, changed: str = "") -> None:
        super().__init__()
        self.add_class("recommendation")
        self.answer: Answer = read_answer(recommendation, number_each=True)
        self._changed = changed
        self.selected = 0
        self.sources = self.candidate.sources if self.candidate else ()
        self._next_command = 0

    def compose(self) -> ComposeResult:
        answer = self.answer
        if self._changed:
            yield PlainText(f"Changed: {self._changed}", classes="changed")
        if not answer.candidates:
            yield from _nothing(answer)
        else:
            yield PlainText("Recommendation", classes="title")
            yield CandidateTable(answer.candidates)
            yield PlainText(_keys(len(answer.candidates)), classes="keys")
            yield Vertical(*_details(answer.candidates[0]), classes="details")
        yield from _ending(answer)

    def told(self, words: str) -> None:
        """What stands over the answer; what it says of the change is not said once more here."""
        if self._changed and self._changed in words.split("\n\n", 1)[0]:
            for line in self.query(".changed"):
                line.display = False

    def plain(self) -> str:
        """The whole answer as Markdown."""
        return as_markdown(self.answer)

    def action_evidence(self) -> None:
        self.post_message(ShowEvidence("", self.answer.raw))

    @property
    def candidate(self) -> Candidate | None:
        """The option whose details are shown."""
        return self.answer.candidates[self.selected] if self.answer.candidates else None

    def action_other(self, by: int) -> None:
        """Show the details of another option; at the ends the conversation scrolls on."""
        target = self.selected + by
        if 0 <= target < len(self.answer.candidates):
            self.choose_candidate(target)
        elif by > 0:
            self.screen.query_one("#conversation").scroll_relative(y=3)
        else:
            self.screen.query_one("#conversation").scroll_relative(y=-3)

    def choose_candidate(self, index: int) -> None:
        """Show the details of an option."""
        if index == self.selected or not 0 <= index < len(self.answer.candidates):
            return
        self.selected, self._next_command = index, 0
        self.sources = self.answer.candidates[index].sources
        self.query_one(CandidateTable).choose(index)
        self.call_later(self._show_details)

    async def _show_details(self) -> None:
        candidate = self.candidate
        if candidate is None:
            return
        details = self.query_one(".details", Vertical)
        async with self.batch():
            await details.remove_children()
            await details.mount(*_details(candidate))

    def action_copy_command(self) -> None:
        """Copy a command of the option shown; pressing again takes the next one."""
        commands = self.candidate.commands if self.candidate else ()
        if not commands:
            self.post_message(CopyText("", "a command"))
            return
        command = commands[self._next_command % len(commands)]
        self._next_command += 1
        count = (
            f" ({(self._next_command - 1) % len(commands) + 1} of {len(commands)})"
            if len(commands) > 1
            else ""
        )
        self.post_message(CopyText(command.shell, f"the command{count}: {command.label or command.shell}"))

    def action_card(self) -> None:
        """Show the card of the option shown."""
        self.post_message(self.Card())

    def action_compare(self) -> None:
        """Put the options side by side."""
        self.post_message(self.Compare())

    def action_export(self) -> None:
        """Write the conversation to a file."""
        self.post_message(self.Export())

    def action_pictures(self) -> None:
        """Draw the option that is shown."""
        self.post_message(self.Pictures())


def _keys(options: int) -> str:
    others = "Up and Down: details of another option; " if options > 1 else ""
    return f"F3, then {others}c copies the answer."


def _nothing(answer: Answer) -> list[Widget]:
    parts: list[Widget] = [PlainText("Nothing known here meets these needs", classes="title")]
    message, hint = answer.error or ("", "")
    parts.extend(PlainText(text, classes="line") for text in (message, hint) if text)
    return parts


def _details(one: Candidate) -> list[Widget]:
    """Everything about one option."""
    rank = RANK_WORDS[one.rank - 1] if one.rank <= len(RANK_WORDS) else f"Choice {one.rank}"
    star = f"{glyphs().best} " if one.rank == 1 else ""
    parts: list[Widget] = [
        Static(
            styled((f"{star}{rank}: ", "bold $primary"), (one.model, "bold")),
            markup=False,
            classes="headline",
        )
    ]
    if one.headline:
        parts.append(PlainText(one.headline, classes="line"))
    parts.append(_facts(one))
    if one.bars:
        parts.append(MemoryBars(one.bars))
    if one.why:
        parts.extend(_section("Why", [_claim(claim) for claim in one.why]))
    if one.caveats:
        parts.extend(_section("Watch out", [styled(caveat) for caveat in one.caveats]))
    if one.score:
        # What it rests on is cited above already; `recommend --why` numbers every source.
        parts.append(_fold("How its score comes about", [styled(part.text) for part in one.score]))
    if one.commands:
        parts.append(PlainText("To run it (y copies)", classes="section"))
        parts.append(Static(_commands(one), markup=False, classes="commands"))
    if one.sources:
        parts.append(PlainText("Sources (a digit opens one, s lists them)", classes="section"))
        parts.append(SourceLines(one.sources))
    return parts


def _facts(one: Candidate) -> FittedText:
    pace = f"{one.speed} ({one.speed_basis})" if one.speed_basis else one.speed
    rows = [
        ("speed", pace if one.speed != "unknown" else ""),
        ("quality", one.quality_words),
        ("license", f"{one.license}, {one.license_words}"),
        ("cost", one.cost),
        *one.facts,
    ]
    shown = [(shorten(name, LABEL_CELLS), text) for name, text in rows if text and text != "unknown"]
    wide = max(len(name) for name, _ in shown)
    lines = [(styled((f"{name:<{wide}}  ", "$foreground-muted")), styled(text)) for name, text in shown]
    return FittedText(hanging(lines), classes="facts")


def _claim(claim: Claim) -> Content:
    marks = "".join(f" [{number}]" for number in claim.sources)
    return styled(claim.text, (marks, "$accent"))


def _commands(one: Candidate) -> Content:
    lines: list[Content] = []
    for command in one.commands:
        if command.label:
            lines.append(styled((f"# {command.label}", "$foreground-muted")))
        lines.append(styled(command.shell))
    return Content("\n").join(lines)


def _section(title: str, lines: Sequence[Content]) -> list[Widget]:
    return [PlainText(title, classes="section"), _bulleted(lines)]


def _bulleted(lines: Sequence[Content]) -> FittedText:
    bullet = styled((f"{glyphs().bullet} ", "$foreground-muted"))
    return FittedText(hanging([(bullet, line) for line in lines]), classes="items")


def _ending(answer: Answer) -> list[Widget]:
    """What would change the answer; folded away, the assumptions and why not the others."""
    parts: list[Widget] = []
    arrow = glyphs().arrow
    changes = [
        styled((f"If {condition}", "bold"), f" {arrow} {outcome}")
        for condition, outcome in answer.would_change
    ]
    if changes:
        parts.extend(_section("What would change this", changes))
    if answer.assumptions:
        lines = [
            styled((f"{slot}: ", "bold"), value, (f"  ({why})" if why else "", "$foreground-muted"))
            for slot, value, why in answer.assumptions
        ]
        parts.append(_fold(f"Assumed, not said ({len(lines)})", lines))
    if answer.rejected:
        lines = [styled((model, "bold"), f"  {reason}") for model, reason in answer.rejected]
        parts.append(_fold(f"Why not another model ({len(lines)})", lines))
    if words := age_words(answer.raw):
        parts.append(PlainText(words, classes="age"))
    return parts


def _fold(title: str, lines: Sequence[Content]) -> Fold:
    return Fold(styled(title), lambda: [_bulleted(lines)], classes="more")
