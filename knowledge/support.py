"""Which lines of a passage support a claim, if any do.

A claim is supported where, part by part, one sentence, item or row holds its figures (rounded as the claim
has them, in the same unit) and its names, and together they hold most of its words; none may deny it.
The check is deterministic and errs toward refusing: a claim that is worded far from its passage is not
supported by it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from knowledge.figures import Figure, rounds_to
from knowledge.lexical import concepts
from knowledge.passage_units import Unit, units_of
from knowledge.statement import Statement, clauses, contradicts, plain_text, read_statement, says

LEAST_OVERLAP = 0.65
"""Share of the claim's words that the cited lines (with heading and lead-in) must hold."""
CONCEPT_WORTH = 0.75
"""What a word counts where the lines name the same thing by another word of the field."""
MOST_SPAN = 12
"""Lines from the first to the last of a citation; beyond that it points at nothing in particular."""
NEARLY_ALL = 0.95
"""Share from which one line is enough, without a look at several together."""
QUOTE_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class Support:
    """The lines of a file that carry a claim."""

    first: int
    last: int
    """1-based and inclusive."""
    quote: str
    """The beginning of what they say, to find them again when the file changes."""
    overlap: float
    """Share of the claim's words that they hold, 0 to 1."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A clause of a claim with what must stand in one unit."""

    read: Statement
    names: tuple[str, ...]
    """Its own, and those of the clause that leads in to it: "Qwen3-8B: 5 GB in Q4_K_M"."""
    leads: bool = False
    """It only names what the next clause says something of."""

    @property
    def hard(self) -> bool:
        return bool(self.read.asserted or self.read.names)


@dataclass(frozen=True, slots=True)
class _Passage:
    units: tuple[Unit, ...]
    heading: Statement


def support(claim: str, text: str, first: int, heading: Sequence[str] = ()) -> Support | None:
    """The narrowest lines of a passage that support a claim; None where it does not.

    Args:
        claim: one or two sentences.
        text: the section or passage, from its heading on.
        first: the line of the file where `text` begins, 1-based.
        heading: the headings above it, the guide's title first; they count as context.
    """
    passage = _Passage(units_of(text, first), read_statement(" | ".join(heading)))
    whole = read_statement(claim)
    parts = _parts(claim)
    alone = [unit for unit in passage.units if all(_holds(part, unit, passage) for part in parts)]
    best = max(
        ((_overlap(whole, [unit], passage), unit) for unit in alone),
        key=lambda row: (row[0], not _denied(whole, row[1]), _literal(parts, row[1]), -row[1].first),
        default=None,
    )
    if best is not None and _denied(whole, best[1]):
        best = None  # what is nearest to the claim says the opposite
    found = [_found([best[1]], best[0])] if best is not None and best[0] >= LEAST_OVERLAP else []
    if found and found[0].overlap > NEARLY_ALL:
        return found[0]
    chosen = _together(whole, parts, passage)
    if chosen:
        share = _overlap(whole, chosen, passage)
        if share >= LEAST_OVERLAP and _span(chosen) <= MOST_SPAN:
            chosen.sort(key=lambda unit: -_own_overlap(whole, unit))
            found.append(_found(chosen, share))
    return max(found, key=lambda one: (one.overlap, one.first - one.last), default=None)


def best_unit(question: str, text: str, first: int, within: tuple[int, int]) -> Unit | None:
    """The sentence, item or row that shares most with a question; None where none shares any.

    A word counts the more, the fewer units of the passage hold it.

    Args:
        question: what was asked, or a sentence of an answer.
        text: the section, from its heading on.
        first: the line of the file where `text` begins, 1-based.
        within: first and last line of the passage; nothing beyond them is looked at.
    """
    units = [u for u in units_of(text, first) if within[0] <= u.first and u.last <= within[1]]
    asked = read_statement(question)
    read = [read_statement(unit.text) for unit in units]
    holders = {word: sum(word in one.words for one in read) for word in asked.words}

    def score(one: Statement) -> float:
        shared = sum(1 / holders[word] for word in asked.words & one.words)
        named = sum(says(name, one.marked) for name in asked.names)
        counted = sum(any(rounds_to(f, other) for other in one.figures) for f in asked.asserted)
        return shared + named + counted + 0.5 * len(asked.concepts & one.concepts)

    scores = [score(one) for one in read]
    top = max(scores, default=0.0)
    return units[scores.index(top)] if top > 0 else None


def quote_of(text: str) -> str:
    """The beginning of cited words as one line, by which they are found again."""
    return " ".join(text.split())[:QUOTE_CHARACTERS].rstrip()


def _parts(claim: str) -> list[_Part]:
    parts: list[_Part] = []
    for clause in clauses(claim):
        read = read_statement(clause)
        names = read.names
        if parts and read.asserted:
            before = parts[-1]
            label = bool(before.names) and not before.read.asserted
            if label:
                parts[-1] = replace(before, leads=True)
            names = (*before.names, *names) if label else names or before.names
        parts.append(_Part(read, tuple(dict.fromkeys(names))))
    return parts


def _holds(part: _Part, unit: Unit, passage: _Passage) -> bool:
    """Whether a unit has the figures and names of a clause."""
    said = read_statement(unit.text)
    if not all(_figure_stands(figure, said, passage) for figure in part.read.asserted):
        return False
    if not all(_name_stands(name, unit, said, passage) for name in part.names):
        return False
    return not _bound_elsewhere(part, unit)


def _figure_stands(figure: Figure, said: Statement, passage: _Passage) -> bool:
    """A figure stands in the unit, or in the heading where no unit has it for itself."""
    if any(rounds_to(figure, known) for known in said.figures):
        return True
    if not any(rounds_to(figure, known) for known in passage.heading.figures):
        return False
    others = (read_statement(unit.text).figures for unit in passage.units)
    return not any(rounds_to(figure, known) for known in itertools.chain.from_iterable(others))


def _name_stands(name: str, unit: Unit, said: Statement, passage: _Passage) -> bool:
    """A name stands in the unit, or above it where no unit beside it has the name for itself."""
    if said.says(name):
        return True
    if unit.kind == "sentence":
        return says(name, read_statement(unit.lead).marked) or passage.heading.says(name)
    if not (passage.heading.says(name) or says(name, read_statement(unit.lead).marked)):
        return False
    return not any(read_statement(other.text).says(name) for other in passage.units if other is not unit)


def _bound_elsewhere(part: _Part, unit: Unit) -> bool:
    """Whether the unit gives another figure of the same kind to the name: "Qwen takes 5 GB and Llama 7 GB"
    does not say that Qwen takes 7 GB.
    """
    near = [read_statement(clause) for clause in clauses(unit.text.replace(" and ", ", "))]
    for name in part.names:
        holders = [clause for clause in near if clause.says(name)]
        for figure in part.read.asserted:
            alike = [
                known
                for clause in holders
                for known in clause.figures
                if figure.dimension is not None and known.dimension == figure.dimension
            ]
            rivals = any(clause.names and not clause.says(name) for clause in near)
            if unit.kind != "row" and rivals and alike and not any(rounds_to(figure, one) for one in alike):
                return True
    return False


def _denied(whole: Statement, unit: Unit) -> bool:
    return contradicts(whole, read_statement(unit.text))


def _overlap(claim: Statement, units: Iterable[Unit], passage: _Passage) -> float:
    """The share of the claim's words that the units hold, with their heading and what leads in to them."""
    named = {name.lower() for name in claim.names}  # a name must stand anyhow
    wanted = claim.words - named
    if not wanted:
        return 1.0
    there = [passage.heading]
    for unit in units:
        there.append(read_statement(unit.text))
        if unit.kind != "sentence":  # a sentence must speak for itself
            there.append(read_statement(unit.lead))
    missing = {word for word in wanted if not any(word in read.words for read in there)}
    meant = frozenset[str]().union(*(read.concepts for read in there)) if missing else frozenset[str]()
    by_concept = sum(not meant.isdisjoint(concepts(word)) for word in missing) if meant else 0
    return (len(wanted) - len(missing) + CONCEPT_WORTH * by_concept) / len(wanted)


def _literal(parts: Sequence[_Part], unit: Unit) -> int:
    """How many parts of a claim stand in a unit word for word: "10+ GB" is not the row of "1-10 GB"."""
    said = plain_text(unit.text).lower()
    return sum(part.read.text.lower() in said for part in parts)


def _together(whole: Statement, parts: Sequence[_Part], passage: _Passage) -> list[Unit]:
    """One unit for each clause; empty where a clause with figures or names has none."""
    chosen: list[Unit] = []
    for part in parts:
        if part.leads:
            continue
        best = max(
            ((_own_overlap(part.read, unit), unit) for unit in passage.units if _holds(part, unit, passage)),
            key=lambda row: (row[0], not _denied(part.read, row[1]), row[1] in chosen, -row[1].first),
            default=None,
        )
        if best is not None and _denied(part.read, best[1]) and best[0] > 0:
            return []  # what is nearest to it says the opposite
        if best is None or (part.hard and best[0] == 0 and part.read.words):
            if part.hard or best is None:
                return []
        elif best[0] > 0 or part.hard:
            chosen.append(best[1])
    return list(dict.fromkeys(chosen))


def _span(units: Sequence[Unit]) -> int:
    return max(unit.last for unit in units) - min(unit.first for unit in units) + 1


def _own_overlap(read: Statement, unit: Unit) -> float:
    if not read.words:
        return 0.0
    return len(read.words & read_statement(unit.text).words) / len(read.words)


def _found(units: Sequence[Unit], share: float) -> Support:
    return Support(
        min(unit.first for unit in units),
        max(unit.last for unit in units),
        quote_of(plain_text(units[0].text)),
        round(share, 3),
    )
