"""The evidence as entries to show: each turn, what it computed, and what it cited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from agent.events import ToolCall
from tui.answer import read_answer
from tui.claims import Source, SourceList
from tui.plaintext import clean, shorten, words
from tui.record import Record, TurnRecord
from tui.value_lines import value_lines

TURN_WORDS = {
    "open": "When the conversation was opened",
    "recommend": "You asked to recommend now",
    "undo": "You took the last answer back",
    "branch": "You went into a branch",
    "return": "You returned from the branch",
    "model": "You changed the model",
    "pull": "You downloaded a model",
    "cost": "You asked for the cost",
}
KIND_WORDS = {
    "guide": "A passage of a guide. Its text is not in the guides as they are now.",
    "benchmark": "A published benchmark result.",
    "catalog": "A field of the model catalog, with the place it was taken from.",
    "tool": "A calculation by one of the advisor's tools.",
    "measurement": "A measurement made with a running engine.",
    "user": "What you said in this conversation.",
}
PLACE_WORDS = {"tool": "How", "catalog": "Entry", "benchmark": "Result", "guide": "Lines"}
EARLIER = (
    "Of an earlier sitting: the words and their sources are kept, inputs and results of calculations are not."
)
SAID_CHARACTERS = 100
Section = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Entry:
    """Something that can be opened: a calculation or a source."""

    title: str
    detail: str
    took: str
    call: ToolCall | None = None
    source: Source | None = None

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Headings with their lines; of a guide passage, what is known before it is looked up.

        A recommendation takes some 40 ms.
        """
        if self.call is not None:
            return (
                ("Inputs", tuple(value_lines(self.call.arguments))),
                ("Result", tuple(value_lines(self.call.result))),
            )
        return (("", _source_lines(self.source)),) if self.source is not None else ()

    def holds(self, word: str) -> bool:
        """Whether a word occurs in it, in whatever case."""
        return word.lower() in self.plain().lower()

    def plain(self) -> str:
        """What is copied."""
        head = "  ".join(part for part in (self.title, self.detail, self.took) if part)
        parts = [head, *("\n".join((name, *lines)) for name, lines in self.sections)]
        return "\n\n".join(parts)


@dataclass(frozen=True, slots=True)
class TurnEntries:
    """One turn with its entries."""

    place: int
    """In the record."""
    heading: str
    note: str
    calls: tuple[Entry, ...]
    sources: tuple[Entry, ...]


def evidence_of(record: Record) -> list[TurnEntries]:
    """Every turn in which something was computed or cited, oldest first."""
    return [_turn(place, turn) for place, turn in enumerate(record.turns) if not turn.is_empty]


def matching(turns: Iterable[TurnEntries], word: str) -> list[TurnEntries]:
    """The turns with the entries in which a word occurs; all of them for an empty word."""
    found = []
    for turn in turns:
        calls = tuple(one for one in turn.calls if one.holds(word))
        sources = tuple(one for one in turn.sources if one.holds(word))
        if calls or sources:
            found.append(TurnEntries(turn.place, turn.heading, turn.note, calls, sources))
    return found


def as_markdown(turns: Sequence[TurnEntries]) -> str:
    """The evidence as a Markdown document."""
    lines = ["# Evidence of a conversation with llm-advisor", ""]
    for turn in turns:
        lines += [f"## {turn.heading}", ""]
        lines += [turn.note, ""] if turn.note else []
        for entry in turn.calls:
            took = f" ({entry.took})" if entry.took else ""
            lines += [f"### {entry.title}{took}", ""]
            for name, body in entry.sections:
                lines += [f"{name}:", "", "```text", *body, "```", ""]
        if turn.sources:
            lines += ["### Cited", "", *(f"- {entry.title}" for entry in turn.sources), ""]
    return "\n".join(lines)


def _turn(place: int, turn: TurnRecord) -> TurnEntries:
    said = shorten(turn.said, SAID_CHARACTERS)
    quoted = f"You said \u201c{said}\u201d" if said else ""
    heading = TURN_WORDS.get(turn.kind, quoted or "The advisor spoke first")
    if turn.kind in ("branch", "model", "pull") and said:
        heading = f"{heading}: {said}"
    sources = [_source(one) for one in _sources(turn)]
    note = EARLIER if turn.earlier else ""
    return TurnEntries(place, clean(heading), note, tuple(map(_call, turn.calls)), tuple(sources))


def _call(call: ToolCall) -> Entry:
    plain = {
        key: value for key, value in call.arguments.items() if isinstance(value, str | int | float) and value
    }
    said = ", ".join(f"{words(key)} {shorten(value, 40)}" for key, value in plain.items())
    took = f"{call.seconds * 1000:.0f} ms" if call.seconds < 1 else f"{call.seconds:.1f} s"
    return Entry(words(call.name), shorten(said, 70), took, call=call)


def _sources(turn: TurnRecord) -> list[Source]:
    """What was cited in a turn, numbered in its order; the reasons of a recommendation after its words."""
    numbered = SourceList()
    for citation in turn.citations:
        numbered.add(citation)
    if turn.recommendation is not None:
        for one in read_answer(turn.recommendation).candidates:
            for source in one.sources:
                numbered.add(_as_evidence(source))
    return numbered.all()


def _as_evidence(source: Source) -> Mapping[str, Any]:
    return {
        "kind": source.kind,
        "source": source.source,
        "locator": source.locator,
        "quote": source.quote,
    }


def _source(source: Source) -> Entry:
    return Entry(f"[{source.number}] {source.label}", "", "", source=source)


def _source_lines(source: Source) -> tuple[str, ...]:
    lines = [KIND_WORDS.get(source.kind, "A source.")]
    if source.source:
        lines.append(f"Source: {source.source}")
    if source.locator and source.locator != source.source:
        lines.append(f"{PLACE_WORDS.get(source.kind, 'Place')}: {source.locator}")
    return tuple(lines)


def found_lines(lines: Sequence[str], word: str) -> list[str]:
    """The lines that hold a word, each under the lines that it stands under."""
    kept: list[str] = []
    above: list[str] = []
    for line in lines:
        depth = _depth(line)
        above = [one for one in above if _depth(one) < depth]
        if word.lower() in line.lower():
            kept += [*above, line]
            above = []
        else:
            above.append(line)
    return kept


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
