"""A message taken apart by all readers, before it is decided what it means."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from agent.understanding.data import load
from agent.understanding.intent import Asking, asking
from agent.understanding.language_pairs import language_pairs
from agent.understanding.lexicon import Removal, Vote, cast_votes
from agent.understanding.machines import MachineMention, find_machines
from agent.understanding.mentions import NamedModel, find_models
from agent.understanding.numbers import Quantity, read_quantities
from agent.understanding.replies import bare_votes
from agent.understanding.text import Span, Text
from agent.understanding.types import Asked, LastAnswer
from tools.needs import Needs

_COUNTED = ("concurrency", "min_speed", "budget", "dataset", "volume")
_OF_MACHINES = ("hardware", "deployment", "training")
_POSSESSIVE = re.compile(r"\b(?:my|our|i have|we have|i've got|i own|mein\w*|unser\w*|ich habe|wir haben)\b")
_BARE_CHARS = 60
"""A number word alone (`a dozen`) is a quantity only in an answer as short as this."""


@dataclass
class Read:
    """What the readers found in a message."""

    text: Text
    asking: Asking
    correcting: bool
    votes: list[Vote] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)
    quantities: tuple[Quantity, ...] = ()
    machines: tuple[MachineMention, ...] = ()
    models: tuple[NamedModel, ...] = ()
    notes: list[str] = field(default_factory=list)


def read_message(message: Text, needs: Needs, asked: Asked | None, last: LastAnswer | None) -> Read:
    """Lets every reader over a message; quantities of machines and model names are read there only."""
    slot = asked.slot if asked else ""
    correction = re.search(load("compose")["correction"], message.low)
    replacing = re.search(load("compose")["replacing"], message.low)
    correcting = correction is not None or replacing is not None
    read = Read(message, asking(message, answered=last is not None), correcting)
    welcome = slot == "hardware" or (correction is not None and needs.hardware is not None)
    read.machines = find_machines(message, asked=welcome)
    if slot and slot not in _OF_MACHINES:
        read.machines = tuple(m for m in read.machines if not _lacks_other(message, m))
    if slot == "dataset":
        read.machines = tuple(m for m in read.machines if m.kinds != {"memory"})
    named = find_models(message)
    # `bge-m3` names no Apple M3: what lies inside a longer name of a model is part of it.
    read.machines = tuple(
        m for m in read.machines if not any(n.ids and n.start < m.start and m.end <= n.end for n in named)
    )
    read.models = tuple(n for n in named if all(m.end <= n.start or n.end <= m.start for m in read.machines))
    taken = [(m.start, m.end) for m in read.machines]
    taken += [(n.start, n.end) for n in read.models if n.ids or n.unknown]
    read.quantities = tuple(
        q
        for q in read_quantities(message, bare_words=slot in _COUNTED and len(message.low) <= _BARE_CHARS)
        if all(q.end <= s or e <= q.start for s, e in taken)
    )
    read.votes, read.removals = cast_votes(message)
    read.votes += language_pairs(message)
    if asked is not None:
        votes, removals = bare_votes(message, asked)
        said = [(v.start, v.end) for v in votes]
        read.votes = [
            v for v in read.votes if v.slot == slot or not any(s < v.end and v.start < e for s, e in said)
        ]
        read.votes += votes
        read.removals += removals
    if correction is not None:
        _corrected(read, correction.start())
    return read


def _lacks_other(message: Text, machine: MachineMention) -> bool:
    """Whether `nothing yet` answers a question that is not about machines, and names none."""
    words = load("machines")["nothing_to_run"]
    said = message.low[machine.start : machine.end]
    return machine.kinds == {"nothing"} and re.search(words, said) is None


def _corrected(read: Read, position: int) -> None:
    """Drops what stands before a correction where the same slot is said again behind it."""
    again = {v.slot for v in read.votes if v.start >= position}
    read.votes = [v for v in read.votes if v.start >= position or v.slot not in again]
    if any(m.start >= position for m in read.machines):
        read.machines = tuple(m for m in read.machines if m.start >= position)
    units = {q.unit for q in read.quantities if q.start >= position}
    read.quantities = tuple(q for q in read.quantities if q.start >= position or q.unit not in units)


def outside(read: Read, spans: tuple[Span, ...], *, keep_owned: bool = False) -> Read:
    """What was read outside of some sentences; with `keep_owned`, also machines said to be the person's."""

    def kept(start: int) -> bool:
        return not any(s.start <= start < s.end for s in spans)

    def owned(machine: MachineMention) -> bool:
        sentence = read.text.sentence(machine.start)
        before = read.text.low[max(sentence.start, machine.start - 24) : machine.end]
        return keep_owned and _POSSESSIVE.search(before) is not None

    return replace(
        read,
        votes=[v for v in read.votes if kept(v.start)],
        removals=[r for r in read.removals if kept(r.start)],
        quantities=tuple(q for q in read.quantities if kept(q.start)),
        machines=tuple(m for m in read.machines if kept(m.start) or owned(m)),
        models=tuple(m for m in read.models if kept(m.start)),
    )
