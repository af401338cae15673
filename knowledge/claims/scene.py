"""Whom a figure of a sentence is about, and under which conditions: the nearest that fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from knowledge.claims import cues
from knowledge.claims.atoms import Atom, Atoms, Mark, read_atoms
from knowledge.claims.sentences import CLAUSE
from knowledge.claims.types import Conditions, Subject

_FOR = re.compile(
    r"^\s?(?:[\w-]+\s){0,3}?(?:for|of|in|on|with|by)\s(?:(?:a|an|the|one|each|every|quantized|dense"
    r"|your)\s)*"
    r"(?:(?:I?Q\d\w*|FP16|F16|BF16|\d-bit)\s)?$",
    re.IGNORECASE,
)
_JOINED = re.compile(r"^[\s,/]*(?:(?:and|or|&|plus)\s)?[\s,]*(?:the\s|a\s)?$")
_PRICED = re.compile(r"(?:\s?/\s?\$[\d.,]+)?\s?\(")
"""Between a price and the model that stands in parentheses behind it."""
_GOES_ON = re.compile(
    r"^(?:and |but |so |with |at |in |its?\b|the \w+ (?:is|are|takes?|needs?|adds?|has)\b|the (?:file"
    r"|weights|f16|q8|cache|KV|model|context)|weights|KV|file|that|this|which|on (?:disk|an?)|\w+ (?:layers"
    r"|heads)|both|together|they)",
    re.IGNORECASE,
)
_NAME_BETWEEN = re.compile(r"\d\s?[bB]\b|[),;]")
_PARENTHESIS = re.compile(r"\([^()]*\)")
_COMPARED = re.compile(
    r"\b(?:than|like|unlike|versus|vs\.?|compared (?:to|with)|instead of|as|not)\s(?:a |an |the )?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Around:
    """What stands before a sentence and above it."""

    heading: str = ""
    """Title of the section it is in."""
    path: str = ""
    """Titles from the guide's down to the section's."""
    before: str = ""
    """The sentences before it in its paragraph, or the words that lead in to its list."""
    last: str = ""
    """The sentence right before it."""
    lead: str = ""
    """The words that lead in to the list that it is an item of."""

    @property
    def above(self) -> Atoms:
        return read_atoms(self.heading)


def clause_of(text: str, place: int) -> tuple[int, int]:
    """Start and end of the part of a sentence that a place stands in."""
    start, end = 0, len(text)
    for match in _PARENTHESIS.finditer(text):
        if match.start() < place < match.end():
            start, end = match.start() + 1, match.end() - 1
            inner = text[start:end]
            ends = [m.span() for m in CLAUSE.finditer(inner)]
            first = max([e for _, e in ends if start + e <= place], default=0)
            return (start + first if first else 0), min(
                [start + s for s, _ in ends if start + s >= place], default=end
            )
    for match in CLAUSE.finditer(_without_parentheses(text)):
        if match.end() <= place:
            start = match.end()
        elif match.start() >= place:
            end = match.start()
            break
    return start, end


def _without_parentheses(text: str) -> str:
    """The text with what is in parentheses blanked: offsets stay, and no clause ends inside them."""
    return _PARENTHESIS.sub(lambda match: "_" * len(match[0]), text)


def subjects_at(text: str, start: int, end: int, found: Sequence[Atom]) -> tuple[Atom, ...]:
    """The names that a figure at `text[start:end]` is said of; several where they are joined."""
    if not found:
        return ()
    following = next((atom for atom in found if atom.start >= end), None)
    gap = "" if following is None else text[end : following.start]
    if following is not None and (_FOR.match(gap) or (text[start] == "$" and _PRICED.fullmatch(gap))):
        return _and_more(text, found, following)
    before = [atom for atom in found if atom.end <= start]
    first, _ = clause_of(text, start)
    if before and before[-1].end <= first and not _GOES_ON.match(text[first:]):
        return ()
    if before:
        nearest = before[-1]
        if (
            _COMPARED.search(text[: nearest.start])
            and len(before) > 1
            and not CLAUSE.search(text[nearest.end : start])
        ):
            nearest = (
                before[-2] if re.search(r"\bthan\s(?:a |an |the )?$", text[: nearest.start]) else nearest
            )
        return _with_joined(text, before, nearest)
    if (
        following is not None
        and re.fullmatch(r"[^,;()]{0,48}", text[end : following.start])
        and clause_of(text, start) == clause_of(text, following.start)
    ):
        return (following,)
    return ()


def _with_joined(text: str, found: Sequence[Atom], last: Atom) -> tuple[Atom, ...]:
    """The names before that are joined to the last one by commas and `and`."""
    chosen = [last]
    for atom in reversed([item for item in found if item.end <= last.start]):
        if not _JOINED.match(text[atom.end : chosen[-1].start]):
            break
        chosen.append(atom)
    return tuple(reversed(chosen))


def _and_more(text: str, found: Sequence[Atom], first: Atom) -> tuple[Atom, ...]:
    chosen = [first]
    for atom in (item for item in found if item.start >= first.end):
        gap = text[chosen[-1].end : atom.start]
        if not (_JOINED.match(gap) and re.search(r"\band\b|\bor\b|&|/", gap)):
            break
        chosen.append(atom)
    return tuple(chosen)


def carried(around: Around, kind: str) -> tuple[Subject, ...]:
    """The one subject that a sentence without any goes on about: of the sentence before, or of the title."""
    for atoms in (read_atoms(around.last), around.above):
        found: Sequence[Atom] = getattr(atoms, kind)
        names = {atom.subject.ids: atom.subject for atom in found}
        if len(names) == 1:
            return tuple(names.values())
        if names:
            return ()
    return ()


def mark_at(text: str, start: int, end: int, marks: Sequence[Mark]) -> str | None:
    """The condition of a figure in its clause: right behind it, else the nearest before, else behind."""
    if not marks:
        return None
    first, last = clause_of(text, start)
    inside = [mark for mark in marks if first <= mark.start < last]
    behind = [mark for mark in inside if mark.start >= end]
    if (
        behind
        and re.match(r"^[^,;()\d]{0,28}$", text[end : behind[0].start])
        and re.search(
            r"(?:^\s?\(?$|\b(?:in|at|as|for|with|using|under|of)\s(?:a |an |the )?(?:\w+\s)?$|^\s?\($)",
            text[end : behind[0].start],
        )
    ):
        return behind[0].value
    before = [mark for mark in inside if mark.end <= start]
    if before:
        return before[-1].value
    if behind and not _NAME_BETWEEN.search(text[end : behind[0].start]):
        return behind[0].value
    return only(mark for mark in marks if mark.end <= start)


def only(marks: Iterable[Mark]) -> str | None:
    """The one value of some marks; None where there is none or several."""
    values = {mark.value for mark in marks}
    return values.pop() if len(values) == 1 else None


def conditions_at(text: str, start: int, end: int, atoms: Atoms, around: Around) -> Conditions:
    """Quantization, context, cache type, device and method that hold for a figure."""
    beyond = (read_atoms(around.before), around.above)
    quant = mark_at(text, start, end, atoms.quants)
    if quant is None and not atoms.quants:
        quant = next((value for a in beyond if (value := only(a.quants)) is not None), None)
    context = mark_at(text, start, end, [m for m in atoms.contexts if not m.start <= start < m.end])
    if context is None and not atoms.contexts:
        context = next((value for a in beyond if (value := only(a.contexts)) is not None), None)
    kv_type = mark_at(text, start, end, atoms.kv_types)
    if kv_type is None and not atoms.kv_types:
        kv_type = next((value for a in beyond if (value := only(a.kv_types)) is not None), None)
    devices = subjects_at(text, start, end, atoms.devices)
    if not devices and not atoms.devices:
        above = carried(around, "devices")
        device = Atom(0, 0, above[0]) if above else None
    else:
        device = devices[0] if len(devices) == 1 else None
    method = mark_at(text, start, end, atoms.methods) or only(around.above.methods)
    first, last = clause_of(text, start)
    loose = bool(cues.LOOSE.search(text[first:last]) or cues.LOOSE.search(around.heading))
    found = Conditions(quant, int(context) if context else None, kv_type, method=method, loose=loose)
    return found if device is None else replace(found, devices=device.subject.ids, device_count=device.count)
