"""A figure with what it is taken for, and whom it is said of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.claims import cues
from knowledge.claims.amounts import Amount
from knowledge.claims.atoms import Atom, Atoms
from knowledge.claims.scene import Around, carried, clause_of, subjects_at
from knowledge.claims.types import Conditions, Quantity, Subject
from knowledge.corpus import Origin

_PARENTHESIS = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sentence stands."""

    file: str
    origin: Origin
    heading: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Sighted:
    """A figure with what it is taken for."""

    amount: Amount
    quantity: Quantity
    subjects: tuple[Subject, ...]
    conditions: Conditions
    negated: bool = False
    attributed: bool = False
    past: bool = False


def attributed_at(text: str, place: int) -> bool:
    """Whether the clause of a place tells somebody else's statement."""
    first, last = clause_of(text, place)
    for match in _PARENTHESIS.finditer(text):
        if match.start() < place < match.end():
            # Parentheses hold a statement of their own.
            return bool(cues.ATTRIBUTED.search(match[0]))
    return bool(cues.ATTRIBUTED.search(_PARENTHESIS.sub(" ", text[first:last])))


def models_at(
    text: str, amount: Amount, atoms: Atoms, around: Around, *, sizes: bool = True
) -> tuple[Subject, ...]:
    """The models that a figure is said of; classes of size where no model is named near it."""
    found: Sequence[Atom] = sorted(
        [*atoms.models, *(atoms.sizes if sizes else ())], key=lambda atom: atom.start
    )
    chosen = subjects_at(text, amount.start, amount.end, found)
    if chosen:
        if chosen[0].subject.kind == "size" and (atoms.models or around.above.models):
            return ()  # "the 20b" of a family that is named
        return tuple(atom.subject for atom in chosen)
    if found or atoms.apis:
        return ()
    return carried(around, "models") or (carried(around, "sizes") if sizes else ())


def _cuts(amount: Amount) -> bool:
    """Whether the words around another figure end at this one: sizes and bare numbers do not."""
    return amount.dimension != "count" and not (amount.dimension == "params" and not amount.unit)


def words_around(text: str, amount: Amount, atoms: Atoms) -> tuple[str, str]:
    """The words of the clause before and behind a figure, up to the next figure with a unit."""
    first, last = clause_of(text, amount.start)
    before = max([a.end for a in atoms.amounts if a.end <= amount.start and _cuts(a)], default=first)
    behind = min([a.start for a in atoms.amounts if a.start >= amount.end and _cuts(a)], default=last)
    return text[max(first, before) : amount.start], text[amount.end : min(last, behind)]
